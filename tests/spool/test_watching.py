"""Files that reach an inbox by another road are noticed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rostergate.spool import watching
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    import pytest


async def test_a_state_folder_may_be_named_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file copied into an inbox is noticed when the state folder was given as a relative path, too."""
    monkeypatch.chdir(tmp_path)
    spool = Spool(Path("state"))
    spool.prepare()
    folder = spool.inbox("lakeside").absolute()
    folder.mkdir()
    stop = asyncio.Event()

    async def noticed() -> set[tuple[str, Area]]:
        async for touched in watching.changed_inboxes(spool, stop):
            return touched
        return set()

    async with asyncio.timeout(30):
        noticing = asyncio.create_task(noticed())
        written = 0
        while not noticing.done():  # the watch begins some time after it is asked for
            written += 1
            await asyncio.to_thread((folder / "students.csv").write_text, str(written))
            await asyncio.wait({noticing}, timeout=0.2)
        stop.set()
    assert noticing.result() == {("lakeside", Area.UPLOAD)}
