"""Upgrading at the start: the database is brought to this version, a server as soon as it is there.

After a power cut the daemon is often there before the server that its database is on. Ending then would cost the system
its few tries within a minute, and leave the daemon down.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, store
from rostergate.errors import StoreError
from rostergate.service import readiness
from rostergate.store import Server

if TYPE_CHECKING:
    from rostergate.store import Location

LOOK_SECONDS: Final = 2.0
"""How often to look for a server that is away."""

log = structlog.get_logger()


async def upgrade(database: Location, seconds_max: float) -> None:
    """Bring the database to this version, a server as soon as it is there. Raises `StoreError`."""
    deadline = time.monotonic() + (seconds_max if isinstance(database, Server) else 0)
    told = False
    while True:
        try:
            await asyncio.to_thread(store.upgrade, database)
        except StoreError as error:
            if error.permanent or time.monotonic() + LOOK_SECONDS > deadline:
                raise
            if not told:
                told = True
                log.error(journal.DATABASE_LOST, part="start", exc_info=error)
                readiness.notify("STATUS=waiting for the database")
            await asyncio.sleep(LOOK_SECONDS)
        else:
            if told:
                log.info(journal.DATABASE_FOUND, part="start")
            return
