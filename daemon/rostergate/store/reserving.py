"""Reservations: what only one process may do at a time, on a database that several can reach.

Rule 1: on SQLite one daemon has the file (`service.lock`), so every reservation is had at once. On PostgreSQL it is an
advisory lock of a session of its own, outside of the pool: the server lets go of it when that session ends, however its
process ends.
Rule 2: a reservation keeps takers apart and in order. That a delivery is applied once does not rest on it: only a
sealed delivery can be concluded (`verdicts`).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rostergate.store.failures import store_errors
from rostergate.store.location import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rostergate.store.location import Location
    from rostergate.store.postgresql import Session


class Reservation:
    """Something that is reserved for whoever has this."""

    def __init__(self, session: Session | None = None) -> None:
        self._session = session

    async def assert_kept(self) -> None:
        """Raise `StoreError` when it is lost: its session has ended, so that somebody else may have it by now."""
        if self._session is not None:
            with store_errors():
                await self._session.assert_alive()


@asynccontextmanager
async def district_reserved(location: Location, district: str) -> AsyncIterator[Reservation | None]:
    """Reserve a district's next delivery until the end of the block; None when somebody else has it reserved.

    Raises `StoreError`.
    """
    async with _reserved(location, district, 0.0) as found:
        yield found


@asynccontextmanager
async def daemon_reserved(location: Location, seconds: float) -> AsyncIterator[Reservation | None]:
    """Reserve the whole database for one daemon until the end of the block; None when another has it.

    Waits up to `seconds` for one that is just ending. Raises `StoreError`.
    """
    async with _reserved(location, None, seconds) as found:
        yield found


@asynccontextmanager
async def _reserved(location: Location, district: str | None, seconds: float) -> AsyncIterator[Reservation | None]:
    if not isinstance(location, Server):
        yield Reservation()
        return
    from rostergate.store import postgresql  # noqa: PLC0415 - its driver would slow down every command on SQLite

    with store_errors():
        session = await postgresql.Session.connect(location)
    try:
        with store_errors():
            mine = await session.lock(district, seconds)
        yield Reservation(session) if mine else None
    finally:
        await session.close()
