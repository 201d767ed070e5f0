"""Dry runs: a set from /preview/ is decided in a worker process, and LATEST.txt tells what came of it.

Rule: one that fails is told there as well, and by no mail: who tries something looks there, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal
from rostergate.desk import latest
from rostergate.service import reporting
from rostergate.spool import sealing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from rostergate.config import District, Settings
    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.worker.processes import Processes

FAILED: Final = (
    "/preview/: something went wrong on this server, so the dry run has no result; upload the files there again, and "
    "ask whoever runs the server if that happens twice"
)

log = structlog.get_logger()


class DryRuns:
    """The dry runs under way."""

    def __init__(
        self, settings: Settings, spool: Spool, database: Location, processes: Processes, now: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._spool = spool
        self._database = database
        self._processes = processes
        self._now = now
        self._under_way: set[asyncio.Task[None]] = set()

    async def start(self, district: District, folder: Path) -> None:
        """Begin one; its sealed folder goes with its end."""
        task = asyncio.create_task(self._decide(district, folder))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def ended(self) -> None:
        """Wait until none is under way."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def tell_failed(self, district: District) -> None:
        """Tell a district that its dry run came to nothing. Raises `OSError`."""
        now = self._now().astimezone(district.zone)
        await asyncio.to_thread(latest.tell, self._spool.reports(district.slug), FAILED, now)

    async def _decide(self, district: District, folder: Path) -> None:
        try:
            told = await self._processes.run(
                reporting.dry_run, self._spool, self._database, self._settings, district, folder, self._now()
            )
            log.info(journal.PREVIEW_DECIDED, district=district.slug, **told)
        except Exception as error:
            log.error(journal.PREVIEW_FAILED, district=district.slug, exc_info=error)
            await asyncio.to_thread(sealing.discard, folder)
            await self.tell_failed(district)
