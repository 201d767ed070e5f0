"""Alone: one daemon at a time on a database, wherever on the network the others may be.

The state folder has a lock of its own (`lock`), but two daemons with two folders can name the same server. Each would
take the other's deliveries for lost, because their files are not in its folder.

Rule 1: a second daemon is refused at its start.
Rule 2: the reservation ends when the server is stopped, or loses sight of this machine. It is asked for again until it
is had; who finds that another daemon has it by then ends.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, Self

import structlog

from rostergate import journal, store
from rostergate.errors import AlreadyRunning, StoreError
from rostergate.service import readiness

if TYPE_CHECKING:
    from types import TracebackType

    from rostergate.store import Location
    from rostergate.store.reserving import Reservation

ALONE_SECONDS_MAX: Final = 5.0
"""How long to wait for the database of a daemon that has just ended."""
LOOK_SECONDS: Final = 5.0
"""How often to look whether the reservation is still kept, and to ask for it again."""

log = structlog.get_logger()


class Alone:
    """The database, reserved for this daemon for as long as it runs."""

    def __init__(self, database: Location) -> None:
        self._database = database
        self._held = AsyncExitStack()
        self._reservation: Reservation | None = None

    async def __aenter__(self) -> Self:
        """Reserve it. Raises `AlreadyRunning`, `StoreError`."""
        await self._reserve()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._held.aclose()

    async def keep(self, stop: asyncio.Event) -> None:
        """Look after the reservation until `stop` is set. Raises `AlreadyRunning` when another daemon has it."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                await self._look()

    async def _look(self) -> None:
        try:
            if self._reservation:
                await self._reservation.assert_kept()
            else:
                await self._reserve()
                log.info(journal.DATABASE_FOUND, part="reservation")
                readiness.notify("STATUS=the database answers again")
        except StoreError as error:
            if self._reservation:
                log.error(journal.DATABASE_LOST, part="reservation", exc_info=error)
                readiness.notify("STATUS=waiting for the database")
            self._reservation = None

    async def _reserve(self) -> None:
        await self._held.aclose()  # what is left of a session that was lost
        found = await self._held.enter_async_context(store.daemon_reserved(self._database, ALONE_SECONDS_MAX))
        if found is None:
            await self._held.aclose()  # where this ends `__aenter__`, no `__aexit__` follows
            raise AlreadyRunning(
                f"Another rostergate daemon works on the database {self._database}, perhaps on another machine; "
                "stop it first. Each daemon needs a database of its own."
            )
        self._reservation = found
