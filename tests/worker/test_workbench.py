from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import databases
from rostergate.errors import StoreError
from rostergate.worker import workbench
from rostergate.worker.processes import Processes
from worker import asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    """Give one process that has the roster's tables imported."""
    processes = Processes(1, seconds_max=60, modules=["rostergate.core.roster"])
    yield processes
    await processes.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return the path of a database with every table."""
    path = tmp_path / "rostergate.db"
    databases.make(path)
    return path


async def test_a_worker_process_is_ready_before_its_first_delivery(processes: Processes) -> None:
    """Its modules are imported by then, and the garbage collector leaves them aside."""
    assert await processes.run(asked.is_imported, "rostergate.core.roster")
    assert not await processes.run(asked.is_imported, "rostergate.core.undo")
    assert await processes.run(asked.frozen) > 10_000


async def test_a_worker_process_keeps_what_it_has_made_ready(processes: Processes, database: Path) -> None:
    """The second delivery finds the first one's event loop and engine, and neither brings the log into the file."""
    first = await processes.run(asked.looked, database)
    assert await processes.run(asked.looked, database) == first
    assert first[2] == 0


def test_elsewhere_nothing_is_left_behind(database: Path) -> None:
    """Outside of a worker process an event loop and an engine are made for one piece of work, and closed."""
    asked.looked(database)
    assert not database.with_name(f"{database.name}-wal").exists(), "the last connection has not been closed"
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_what_the_work_raises_comes_back(tmp_path: Path) -> None:
    """A database that is not there is told as ever, and everything is closed all the same."""
    with pytest.raises(StoreError, match="unable to open"):
        asked.looked(tmp_path / "none.db")
    assert not workbench._standing
