"""Due reports: they are written in worker processes, when a delivery is closed or at a look each minute.

Rule 1: of one district one at a time, whoever asks: a report that takes long has one worker, not all of them.
Rule 2: one that could not be written stays due, and is tried again. Neither its district's next delivery nor a start
of the daemon waits for that.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, store
from rostergate.desk import report
from rostergate.errors import StoreError
from rostergate.service import reporting
from rostergate.store import deliveries

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District, Districts, Settings
    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.worker.processes import Processes

LOOK_SECONDS: Final = 60.0
"""How often to look for reports that were not written."""

log = structlog.get_logger()


class DueReports:
    """The reports of every district."""

    def __init__(
        self,
        settings: Settings,
        districts: Districts,
        engine: AsyncEngine,
        spool: Spool,
        database: Location,
        processes: Processes,
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._districts = districts
        self._engine = engine
        self._spool = spool
        self._database = database
        self._processes = processes
        self._now = now
        self._under_way = defaultdict[str, asyncio.Lock](asyncio.Lock)
        """By district."""

    async def sweep(self) -> None:
        """Remove what a daemon that was killed left of reports; before anything writes. Raises `OSError`."""
        for folder in await asyncio.to_thread(lambda: sorted((self._spool.state / "reports").iterdir())):
            await asyncio.to_thread(report.sweep, folder)

    async def watch(self, stop: asyncio.Event) -> None:
        """Have a district's reports written of which one is due at the start, or at two looks, until `stop` is set.

        Between two looks whoever changed what a report says, a command perhaps, is writing it.
        """
        before: frozenset[str] | None = None
        while not stop.is_set():
            with suppress(StoreError):  # the queue tells of it, and looks for the database
                async with store.reading(self._engine) as tx:
                    due = {one.id: one.district for one in await deliveries.unreported(tx)}
                for slug in sorted({due[one] for one in (due if before is None else before & due.keys())}):
                    if not stop.is_set():
                        await self.write_due(slug)
                before = frozenset(due)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)

    async def write_due(self, slug: str) -> None:
        """Write the reports of a district that are due, the oldest first. Raises `StoreError`."""
        district = self._districts.get(slug)
        if district is None:
            return
        async with self._under_way[slug]:
            async with store.reading(self._engine) as tx:
                due = await deliveries.unreported(tx, slug)
            for one in due:
                await self._write(district, one.id)

    async def _write(self, district: District, delivery: str) -> None:
        try:
            await self._processes.run(
                reporting.write_in_process, self._spool, self._database, self._settings, district, delivery, self._now()
            )
            log.info(journal.REPORT_WRITTEN, delivery=delivery, district=district.slug)
        except Exception as error:
            log.error(journal.REPORT_FAILED, delivery=delivery, district=district.slug, exc_info=error)
