"""The queue of sealed deliveries: one at a time per district, each attempt counted before it starts.

Rule 1: the database is the queue. What is told in memory is only a hint to look there, which is done by itself too.
Rule 2: an attempt is counted before it begins, so that a delivery that kills its process ends in `failed`. One that a
wanted end of the daemon cuts short is not: a few restarts while a large delivery is decided do it no harm.
Rule 3: what failed for a passing reason is tried again later, each time twice as late; its district waits, the
others go on.
Rule 4: a database that cannot be used is looked for again, and nothing is lost or given up meanwhile: a server may be
started again while the daemon runs. One without room can be read: it is tried with one delivery at a time, and the
attempts that end for that do not count.
Rule 5: what is remembered here is this process's own part. Who else takes deliveries, `taking` knows.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, metrics, store
from rostergate.core.calendar import day_of
from rostergate.errors import FullDatabaseError, Refused, RostergateError, StoreError
from rostergate.store import deliveries
from rostergate.worker import failing, road
from rostergate.worker.taking import Taking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import Districts, Settings
    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.worker.processes import Processes

LOOK_SECONDS: Final = 2.0
"""How often to look without a hint: commands let failed deliveries be tried again, and cannot hint."""
TAKEN_SECONDS: Final = 2.0
"""How long to leave a district alone of which somebody else has taken a delivery."""
OUTAGE_SECONDS_MIN: Final = 0.5
"""How long to wait before a database that could not be used is looked for again; each further time twice as long."""
OUTAGE_SECONDS_MAX: Final = 15.0

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
        room: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`on_closed` is told each delivery whose report is due.

        `room` says why nothing is to be written to the disk at the moment, or None.
        """
        self._settings = settings
        self._districts = districts
        self._engine = engine
        self._spool = spool
        self._database = database
        self._processes = processes
        self._now = now
        self._on_closed = on_closed
        self._room = room
        self._taking = Taking(engine, database)
        self._hint = asyncio.Event()
        self._outage_seconds = 0.0
        self._outage_until = 0.0
        """On the loop's clock."""
        self._full = False
        """Whether the database had no room when it was written to last."""
        self._in_vain: set[str] = set()
        """Deliveries whose last attempt does not count, for the database had no room."""
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """By district."""
        self._not_before: dict[str, float] = {}
        """By district, on the loop's clock."""
        self._why: dict[str, str] = {}
        """Why its last attempt failed, by delivery."""

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
                seconds = await self._look()
                hinted = asyncio.create_task(self._hint.wait())
                waited_for = {stopped} if self._outage_seconds else {hinted, stopped}
                await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                hinted.cancel()
        finally:
            stopped.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _look(self) -> float:
        """Start what is due; return for how many seconds there is nothing to do without a hint."""
        if (seconds := self._outage_until - asyncio.get_running_loop().time()) > 0:
            return seconds
        try:
            await self._start_what_is_due()
        except StoreError as error:
            self._lost(error)
            return self._outage_seconds
        if self._outage_seconds and not self._full:
            log.info(journal.DATABASE_FOUND, part="queue")
            self._outage_seconds = 0.0
        return LOOK_SECONDS

    def _lost(self, error: StoreError) -> None:
        if not self._outage_seconds:
            log.error(journal.DATABASE_LOST, part="queue", exc_info=error)
        self._outage_seconds = min(max(OUTAGE_SECONDS_MIN, self._outage_seconds * 2), OUTAGE_SECONDS_MAX)
        self._outage_until = asyncio.get_running_loop().time() + self._outage_seconds

    async def _start_what_is_due(self) -> None:
        if self._room():
            return  # what waits is looked at again when there is room, and has lost no attempt
        at_once = 1 if self._full else self._settings.delivery.workers
        for district in await self._taking.waiting():
            if len(self._under_way) >= at_once:
                return
            if district not in self._under_way and self._may_start(district):
                task = asyncio.create_task(self._take(district))
                self._under_way[district] = task
                task.add_done_callback(partial(self._done, district))

    def _may_start(self, district: str) -> bool:
        return asyncio.get_running_loop().time() >= self._not_before.get(district, 0.0)

    def _wait_with(self, district: str, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._not_before[district] = loop.time() + seconds
        loop.call_later(seconds, self.look)

    def _done(self, district: str, task: asyncio.Task[None]) -> None:
        del self._under_way[district]
        if not task.cancelled() and (error := task.exception()):
            if isinstance(error, FullDatabaseError):
                self._full = True
                self._lost(error)
            else:
                log.error(journal.DELIVERY_INTERRUPTED, district=district, exc_info=error)
            self._wait_with(district, self._settings.delivery.retry_seconds)
        self._hint.set()

    async def _take(self, district: str) -> None:
        async with self._taking.taken(district) as delivery:
            if delivery is None:  # somebody else is at it, or was
                self._wait_with(district, TAKEN_SECONDS)
            else:
                await self._attempt(delivery)

    async def _attempt(self, delivery: deliveries.Delivery) -> None:
        attempts_max = self._settings.delivery.attempts_max
        try:
            async with store.writing(self._engine, delivery.district) as tx:
                if delivery.id in self._in_vain:
                    await deliveries.uncount_attempt(tx, delivery.id)
                attempt = await deliveries.count_attempt(tx, delivery.id)
        except Refused:
            return  # something has taken its place since it was looked up
        self._in_vain.discard(delivery.id)
        if attempt > attempts_max:
            known = delivery.error or self._why.get(delivery.id)
            await self._give_up(delivery, known or "the daemon ended each time while it was being decided")
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
        except FullDatabaseError as error:
            log.warning(journal.DELIVERY_RETRIED, delivery=delivery.id, district=delivery.district, exc_info=error)
            self._in_vain.add(delivery.id)
            raise
        except asyncio.CancelledError:  # the daemon ends, and has no time left for it
            async with store.writing(self._engine, delivery.district) as tx:
                await deliveries.uncount_attempt(tx, delivery.id)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the attempt has failed and the next delivery goes on
            await self._failed(delivery, error, attempt)
        else:
            log.info(journal.DELIVERY_DECIDED, attempt=attempt, **walked.for_the_log())
            metrics.DELIVERIES_DECIDED.labels(walked.outcome).inc()
            for stage, seconds in walked.seconds.items():
                metrics.STAGE_SECONDS.labels(stage).observe(seconds)
            await self._close(delivery)

    async def _failed(self, delivery: deliveries.Delivery, error: Exception, attempt: int) -> None:
        self._why[delivery.id] = said = failing.in_words(error)
        is_permanent = isinstance(error, RostergateError) and error.permanent
        if attempt >= self._settings.delivery.attempts_max or is_permanent:
            log.error(journal.DELIVERY_FAILED, delivery=delivery.id, district=delivery.district, exc_info=error)
            await self._give_up(delivery, said)
        else:
            log.warning(journal.DELIVERY_RETRIED, delivery=delivery.id, district=delivery.district, exc_info=error)
            self._wait_with(delivery.district, self._settings.delivery.retry_seconds * 2 ** (attempt - 1))

    async def _give_up(self, delivery: deliveries.Delivery, why: str) -> None:
        async with store.writing(self._engine, delivery.district) as tx:
            await failing.give_up(tx, self._settings, self._districts, delivery.id, why, self._now())
        log.error(journal.DELIVERY_FAILED, delivery=delivery.id, district=delivery.district, reason=why)
        metrics.DELIVERIES_DECIDED.labels("failed").inc()
        await self._close(delivery)

    async def _close(self, delivery: deliveries.Delivery) -> None:
        self._full = False
        self._why.pop(delivery.id, None)
        self._not_before.pop(delivery.district, None)
        await self._on_closed(delivery.id)
