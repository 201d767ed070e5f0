"""The queue of sealed deliveries: one at a time per district, each attempt counted before it starts.

Rule 1: the database is the queue. What is told in memory is only a hint to look there, which is done by itself too.
Rule 2: an attempt is counted before it begins, so that a delivery that kills its process ends in `failed`.
Rule 3: what failed for a passing reason is tried again later, each time twice as late; its district waits, the
others go on.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, metrics, store
from rostergate.core.calendar import day_of
from rostergate.errors import Refused, RostergateError
from rostergate.store import deliveries
from rostergate.worker import failing, road

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import Districts, Settings
    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.worker.processes import Processes

LOOK_SECONDS: Final = 15.0
"""How often to look without a hint: commands let failed deliveries be tried again, and cannot hint."""

log = structlog.get_logger()


class Queue:
    """Takes every sealed delivery down the road, oldest first."""

    def __init__(
        self,
        *,
        settings: Settings,
        districts: Districts,
        engine: AsyncEngine,
        spool: Spool,
        database: Location,
        processes: Processes,
        now: Callable[[], datetime],
        on_closed: Callable[[str], Awaitable[None]],
    ) -> None:
        """`on_closed` is told each delivery whose report is due."""
        self._settings = settings
        self._districts = districts
        self._engine = engine
        self._spool = spool
        self._database = database
        self._processes = processes
        self._now = now
        self._on_closed = on_closed
        self._hint = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}

    def look(self) -> None:
        """Hint that a delivery may be waiting."""
        self._hint.set()

    @property
    def busy(self) -> bool:
        """Whether any delivery is being decided right now."""
        return bool(self._under_way)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then finish what is under way."""
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._hint.clear()
                await self._start_what_is_due()
                hinted = asyncio.create_task(self._hint.wait())
                await asyncio.wait({hinted, stopped}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                hinted.cancel()
        finally:
            stopped.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _start_what_is_due(self) -> None:
        async with store.reading(self._engine) as tx:
            due = await deliveries.due(tx)
        oldest = {one.district: one.id for one in sorted(due, key=lambda one: one.number, reverse=True)}
        for delivery in due:
            if oldest[delivery.district] != delivery.id:
                continue  # whatever the clocks say, and however long the older one waits to be tried again
            if len(self._under_way) >= self._settings.delivery.workers:
                return
            if delivery.district not in self._under_way and self._may_start(delivery):
                task = asyncio.create_task(self._attempt(delivery))
                self._under_way[delivery.district] = task
                task.add_done_callback(partial(self._done, delivery))

    def _may_start(self, delivery: deliveries.Delivery) -> bool:
        return asyncio.get_running_loop().time() >= self._not_before.get(delivery.id, 0.0)

    def _wait_with(self, delivery: deliveries.Delivery, attempt: int) -> None:
        loop = asyncio.get_running_loop()
        seconds = self._settings.delivery.retry_seconds * 2 ** max(0, attempt - 1)
        self._not_before[delivery.id] = loop.time() + seconds
        loop.call_later(seconds, self.look)

    def _done(self, delivery: deliveries.Delivery, task: asyncio.Task[None]) -> None:
        del self._under_way[delivery.district]
        if not task.cancelled() and (error := task.exception()):
            log.error(journal.DELIVERY_FAILED, delivery=delivery.id, district=delivery.district, exc_info=error)
            self._wait_with(delivery, delivery.attempts)
        self._hint.set()

    async def _attempt(self, delivery: deliveries.Delivery) -> None:
        attempts_max = self._settings.delivery.attempts_max
        try:
            async with store.writing(self._engine, delivery.district) as tx:
                attempt = await deliveries.count_attempt(tx, delivery.id)
        except Refused:
            return  # a newer delivery has taken its place since the queue was read
        if attempt > attempts_max:
            await self._give_up(delivery, delivery.error or "the daemon ended each time while it was being decided")
            return
        district = self._districts.get(delivery.district)
        if district is None:
            await self._give_up(delivery, f"district {delivery.district} has no configuration any more")
            return
        policy = district.policy(self._settings, delivery.day or day_of(self._now(), district.zone))
        try:
            audience = district.audience(self._settings)
            walked = await self._processes.run(
                road.walk, self._spool, self._database, delivery.id, policy, self._now(), audience
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has failed and the next delivery goes on
            await self._failed(delivery, error, attempt)
        else:
            log.info(journal.DELIVERY_DECIDED, attempt=attempt, **walked.for_the_log())
            metrics.DELIVERIES_DECIDED.labels(walked.outcome).inc()
            for stage, seconds in walked.seconds.items():
                metrics.STAGE_SECONDS.labels(stage).observe(seconds)
            await self._on_closed(delivery.id)

    async def _failed(self, delivery: deliveries.Delivery, error: Exception, attempt: int) -> None:
        # The text of an error that is not ours may hold a cell's value: it stays out of log and report.
        ours = error if isinstance(error, RostergateError) else None
        said = str(ours) if ours else f"an internal error ({type(error).__name__})"
        if attempt >= self._settings.delivery.attempts_max or (ours and ours.permanent):
            log.error(journal.DELIVERY_FAILED, delivery=delivery.id, district=delivery.district, exc_info=error)
            await self._give_up(delivery, said)
        else:
            log.warning(journal.DELIVERY_RETRIED, delivery=delivery.id, district=delivery.district, exc_info=error)
            self._wait_with(delivery, attempt)

    async def _give_up(self, delivery: deliveries.Delivery, why: str) -> None:
        async with store.writing(self._engine, delivery.district) as tx:
            await failing.give_up(tx, self._settings, self._districts, delivery.id, why, self._now())
        log.error(journal.DELIVERY_FAILED, delivery=delivery.id, district=delivery.district, reason=why)
        metrics.DELIVERIES_DECIDED.labels("failed").inc()
        await self._on_closed(delivery.id)
