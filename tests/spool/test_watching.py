"""Files that reach an inbox by another road are noticed."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rostergate.spool import watching
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@asynccontextmanager
async def watched(spool: Spool) -> AsyncIterator[Callable[[Path], Awaitable[None]]]:
    """Watch until the block ends; give what writes into an inbox until that is noticed."""
    stop, noticed = asyncio.Event(), set[tuple[str, Area]]()

    async def watch() -> None:
        async for touched in watching.changed_inboxes(spool, stop):
            noticed.update(touched)

    async def notices(folder: Path) -> None:
        whose = (folder.name, Area(folder.parent.name))
        written = 0
        while whose not in noticed or written < 3:  # what happened before is told by then
            assert not watching_on.done(), "nothing is watched any more"
            noticed.clear()
            written += 1
            await asyncio.to_thread((folder / "students.csv").write_text, str(written))
            await asyncio.wait({watching_on}, timeout=0.4)  # the watch begins some time after it is asked for

    async with asyncio.timeout(30):
        watching_on = asyncio.create_task(watch())
        yield notices
        stop.set()
        await watching_on


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a state with the inboxes of three districts."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    for district in ("adams", "lakeside", "oak"):
        spool.inbox(district).mkdir()
    return spool


async def test_a_state_folder_may_be_named_from_where_one_stands(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file copied into an inbox is noticed when the state folder was given as a relative path, too."""
    monkeypatch.chdir(tmp_path)
    async with watched(Spool(Path("state"))) as notices:
        await notices(spool.inbox("lakeside"))


async def test_an_inbox_that_comes_later_is_watched(spool: Spool) -> None:
    """A new district's inbox is watched as well, and so is one that takes another's place, or lies elsewhere."""
    async with watched(spool) as notices:
        await notices(spool.inbox("lakeside"))
        spool.inbox("new", Area.PREVIEW).mkdir()
        await notices(spool.inbox("new", Area.PREVIEW))
        spool.inbox("oak").rename(spool.state / "away")
        spool.inbox("oak").mkdir()
        await notices(spool.inbox("oak"))
        (spool.state / "share").mkdir()
        spool.inbox("linked").symlink_to(spool.state / "share")
        await notices(spool.inbox("linked"))
        await notices(spool.inbox("lakeside"))


async def test_an_inbox_that_cannot_be_read_is_missed_alone(spool: Spool) -> None:
    """The others are watched as before, and it is again when it can be read."""
    for district in ("adams", "lakeside", "oak"):
        spool.inbox(district).chmod(0o000)
        if os.access(spool.inbox(district), os.R_OK):
            pytest.skip("left out: root may read everything")
        async with watched(spool) as notices:
            for other in {"adams", "lakeside", "oak"} - {district}:
                await notices(spool.inbox(other))
            spool.inbox(district).chmod(0o700)
            await notices(spool.inbox(district))


@pytest.mark.parametrize("away", ["moved", "removed"])
async def test_a_watch_ends_with_the_folder_of_all_inboxes(spool: Spool, away: str) -> None:
    """Whoever watches learns that there is nothing to be watched any more, instead of waiting for ever."""
    inboxes = spool.inbox("lakeside").parent

    async def watch() -> None:
        async for _ in watching.changed_inboxes(spool, asyncio.Event()):
            if away == "removed":
                shutil.rmtree(inboxes, ignore_errors=True)
            elif inboxes.exists():
                inboxes.rename(spool.state / "away")

    with pytest.raises(FileNotFoundError):
        await asyncio.wait_for(watch(), 30)
