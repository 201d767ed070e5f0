"""The room on the disk of the state folder: watched, so that uploads stop before the database is in danger.

Rule 1: with less free than `disk.free_bytes_min` no upload is taken and no delivery is begun to be decided. Both go on
by themselves once there is room; nothing that waits fails for it.
Rule 2: with less free than `disk.free_bytes_low` the operators are told, once until there is clearly more again. A
restart does not begin anew what was told within the last day.
"""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from rostergate import journal, metrics, store
from rostergate.core.notices import Kind
from rostergate.errors import StoreError
from rostergate.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import Settings

LOOK_SECONDS: Final = 1.0
CLEARLY_MORE: Final = 1.25
"""Times `disk.free_bytes_low` that must be free before the disk is called roomy again: a bound is crossed once."""
TOLD_HOURS: Final = 24

_FULL: Final = (
    "the server's disk is nearly full, so nothing is taken at the moment; nothing of what has arrived is lost: "
    "try again later"
)

log = structlog.get_logger()


class Usage(Protocol):
    """What a disk has, in bytes."""

    @property
    def total(self) -> int:
        """All of it."""
        ...

    @property
    def free(self) -> int:
        """What may still be written."""
        ...


class Room:
    """Knows whether there is room for what comes in."""

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        state: Path,
        now: Callable[[], datetime],
        *,
        usage: Callable[[Path], Usage] = shutil.disk_usage,
    ) -> None:
        """`usage` looks at a disk; raises `OSError`."""
        self._settings = settings
        self._engine = engine
        self._state = state
        self._now = now
        self._usage = usage
        self._full = False
        self._low = False
        self._told = False
        self._may_go_on = True  # with what was told before this start

    def refusal(self) -> str | None:
        """Say why nothing is taken at the moment, or None when it is."""
        return _FULL if self._full else None

    async def watch(self, stop: asyncio.Event, on_room: Callable[[], None]) -> None:
        """Look every second until `stop` is set; `on_room` is called when what waited may go on."""
        while not stop.is_set():
            was_full = self._full
            await self.look()
            if was_full and not self._full:
                on_room()
            try:
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Look once. A disk that cannot be looked at is left to whoever writes to it next."""
        try:
            usage = await asyncio.to_thread(self._usage, self._state)
        except OSError:
            return
        bounds = self._settings.disk
        full, roomy = usage.free < bounds.free_bytes_min, usage.free >= bounds.free_bytes_low * CLEARLY_MORE
        if full and not self._full:
            log.error(journal.DISK_EXHAUSTED, free_bytes=usage.free, bytes=usage.total, limit="disk.free_bytes_min")
            metrics.LIMITS_REACHED.labels("disk.free_bytes_min").inc()
        if self._full and not full:
            log.info(journal.DISK_FREED, free_bytes=usage.free, bytes=usage.total)
        self._full = full
        metrics.DISK_EXHAUSTED.set(full)
        if not self._low and usage.free < bounds.free_bytes_low:
            self._low, self._told = True, False
            log.warning(journal.DISK_FILLED, free_bytes=usage.free, bytes=usage.total, limit="disk.free_bytes_low")
        elif roomy:
            self._low = False
        self._may_go_on &= self._low
        if self._low and not self._told:
            await self._tell(usage)

    async def _tell(self, usage: Usage) -> None:
        now, facts = self._now(), {"free_bytes": usage.free, "bytes": usage.total}
        told = self._settings.mail.audience().of(Kind.DISK)
        try:
            async with store.writing(self._engine) as tx:
                last = await outbox.last_about(tx, Kind.DISK, None) if self._may_go_on else None
                if last is None or now - last.written_at >= timedelta(hours=TOLD_HOURS):
                    await outbox.write(tx, Kind.DISK, f"{now:%Y-%m-%dT%H:%M:%S}", told, now, facts=facts)
        except StoreError as error:
            log.warning(journal.MAIL_FAILED, kind=Kind.DISK.value, exc_info=error)  # it is tried again at the next look
        else:
            self._told, self._may_go_on = True, False
