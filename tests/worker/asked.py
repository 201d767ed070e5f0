"""What tests ask a worker process to do: found by name there."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import sys
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.store import deliveries
from rostergate.worker import workbench
from running import until

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine


def no_answer() -> None:
    """Fail as a share does that is away."""
    raise TimeoutError(errno.ETIMEDOUT, "the share is away")


def wait_for(path: Path) -> int:
    """Wait until there is such a file; return this process."""
    until(path.exists, path.name)
    return os.getpid()


def write_for_ever(database: Path, begun: Path) -> None:
    """Begin a transaction that writes, tell so by a file, and never end it."""

    async def hold(engine: AsyncEngine) -> None:
        async with store.writing(engine):
            await asyncio.to_thread(begun.touch)
            await asyncio.Event().wait()

    workbench.do(database, hold)


def warn(library: str, told: str, filled_in: str) -> None:
    """Let a library log something."""
    logging.getLogger(library).warning(told, filled_in)


def is_imported(module: str) -> bool:
    """Tell whether this process has the module."""
    return module in sys.modules


def frozen() -> int:
    """Return how many objects the garbage collector leaves aside."""
    return gc.get_freeze_count()


def looked(database: Path) -> tuple[int, int, int]:
    """Look into a database; return what tells the event loop, the engine and the pages of the log that brings about."""

    async def look(engine: AsyncEngine) -> tuple[int, int, int]:
        async with store.reading(engine) as tx:
            await deliveries.overview(tx)
            pages = await tx.exec_driver_sql("PRAGMA wal_autocheckpoint")
            return id(asyncio.get_running_loop()), id(engine), int(pages.scalar_one())

    return workbench.do(database, look)
