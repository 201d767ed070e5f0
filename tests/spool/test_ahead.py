import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rostergate.spool.ahead import STEP_BYTES, Ahead
from rostergate.spool.folders import Area, Spool
from rostergate.spool.inbox import Inbox, Inboxes
from spool.test_inbox import NOW


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    """Open one inbox."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    return Inboxes(spool, lambda: NOW).of("lincoln", Area.UPLOAD)


@pytest.fixture
def failing() -> Iterator[int]:
    """Open what takes every byte and can put none down."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    yield descriptor
    os.close(descriptor)


def open_below(folder: Path) -> list[str]:
    """Return which files below a folder the process has open."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that this was read by
            found.append(str(one.readlink()))
    return [path for path in found if path.startswith(str(folder))]


async def test_it_begins_after_so_many_bytes(failing: int) -> None:
    """Bytes are put down once there are enough that have not been."""
    ahead = Ahead(failing, 100)
    ahead.grown(STEP_BYTES + 99)
    await ahead.ended()
    ahead.grown(STEP_BYTES + 100)
    with pytest.raises(OSError, match="Invalid argument"):
        await ahead.ended()


async def test_one_after_the_other(tmp_path: Path) -> None:
    """While some are being put down nothing else begins, and what came meanwhile is put down next time."""
    with (tmp_path / "file").open("wb") as file:
        ahead = Ahead(file.fileno(), 0)
        ahead.grown(STEP_BYTES)
        first = ahead._under_way
        ahead.grown(2 * STEP_BYTES)
        assert ahead._under_way is first
        await ahead.ended()
        ahead.grown(2 * STEP_BYTES)
        second = ahead._under_way
        assert second is not first
        await ahead.ended()
        ahead.grown(2 * STEP_BYTES)
        assert ahead._under_way is second


async def test_a_failure_is_told_each_time(failing: int, tmp_path: Path) -> None:
    """What the kernel tells once is told to everybody, also when the disk is well again."""
    with (tmp_path / "file").open("wb") as file:
        ahead = Ahead(failing, 0)
        with pytest.raises(OSError, match="Invalid argument"):
            await ahead.settled()
        os.dup2(file.fileno(), failing)
        for told in (ahead.ended, ahead.settled, ahead.ended):
            with pytest.raises(OSError, match="Invalid argument"):
                await told()


@pytest.mark.parametrize("end", ["commit", "set_aside", "leave"])
async def test_nothing_is_kept_of_what_could_not_be_put_down(inbox: Inbox, failing: int, end: str) -> None:
    """An upload of which a part was lost on the way to the disk is not committed, and not resumed either."""
    upload = inbox.begin("a.csv")
    well = os.dup(upload._descriptor)
    os.dup2(failing, upload._descriptor)
    upload.write(0, bytes(STEP_BYTES))
    with pytest.raises(OSError, match="Invalid argument"):
        await upload._ahead.ended()
    os.dup2(well, upload._descriptor)
    os.close(well)
    if end == "leave":
        assert upload.leave() == 0
    else:
        with pytest.raises(OSError, match="Invalid argument"):
            await getattr(upload, end)()
    assert (inbox.open_uploads, inbox.bytes_held, list(inbox.scratch.iterdir())) == (0, 0, [])
    assert inbox.entries() == {}


@pytest.mark.parametrize("end", ["commit", "set_aside", "leave", "drop"])
async def test_an_end_while_bytes_are_put_down(inbox: Inbox, end: str) -> None:
    """However an upload ends meanwhile, it ends as it should, and no descriptor stays open."""
    upload = inbox.begin("a.csv")
    upload.write(0, bytes(STEP_BYTES))
    assert open_below(inbox.folder)
    ended = getattr(upload, end)()
    if end in {"commit", "set_aside"}:
        await ended
    await upload._ahead.ended()
    assert open_below(inbox.folder) == []
    assert inbox.bytes_held == (0 if end == "drop" else STEP_BYTES)
