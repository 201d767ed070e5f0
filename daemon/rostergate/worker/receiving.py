"""Receiving: looks at the inboxes, and seals each set that is complete.

Rule 1: what is on disk is the truth. Hints say where to look, timers say when to look again; every minute, and after a
restart, every inbox is looked at.
Rule 2: between the last look at an inbox and taking its files out, the event loop is not given back.
Rule 3: an inbox is quiet when the gate has nothing open there and it looks the same twice, a settle time apart: a hint
may be missed, a file that still grows may not.
Rule 4: what a district must know of a set that does not go on is told once, not at every look.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, store
from rostergate.core import catalogue, completeness
from rostergate.core.calendar import day_of
from rostergate.core.states import IllegalTransition
from rostergate.errors import DiskError, RostergateError
from rostergate.spool import sealing, watching
from rostergate.spool.folders import Area
from rostergate.store import deliveries
from rostergate.worker import expected_files, failing, sealed, waiting_sets
from rostergate.worker.slot import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District, Districts, Settings
    from rostergate.spool.entries import Entry
    from rostergate.spool.folders import Spool
    from rostergate.spool.inbox import Inbox, Inboxes
    from rostergate.spool.sealing import Manifest

STRAYS_TOLD_MAX: Final = 10
"""File names told of what does not belong into an inbox."""
RESCAN_SECONDS: Final = 60.0
HINT_SECONDS_MAX: Final = 1.0
"""How long hints at one inbox are gathered, at most a tenth of the settle time: a set of six files gives a dozen."""
RETRY_SECONDS: Final = 30.0
"""How long to wait before looking again when disk or database refused."""

log = structlog.get_logger()


class Receiver:
    """Seals complete sets: uploads become deliveries, previews become dry runs."""

    def __init__(
        self,
        *,
        settings: Settings,
        districts: Districts,
        engine: AsyncEngine,
        spool: Spool,
        inboxes: Inboxes,
        now: Callable[[], datetime],
        on_sealed: Callable[[str], None],
        on_dry_run: Callable[[District, Path], Awaitable[None]],
        on_waiting: Callable[[District, Area, completeness.Judgement | None], Awaitable[None]],
        on_refusal: Callable[[District, str], Awaitable[None]],
    ) -> None:
        """Join the rooms.

        `on_sealed` is told whose set it was, `on_waiting` what a set waits for, and None when it waits no more,
        `on_refusal` why it cannot be taken.
        """
        self._settings = settings
        self._districts = districts
        self._engine = engine
        self._spool = spool
        self._inboxes = inboxes
        self._now = now
        self._on_sealed = on_sealed
        self._on_dry_run = on_dry_run
        self._on_waiting = on_waiting
        self._on_refusal = on_refusal
        self._due: set[tuple[str, Area]] = set()
        self._hinted = asyncio.Event()
        self._timers: dict[tuple[str, Area], asyncio.TimerHandle] = {}
        self._told: dict[tuple[str, Area], object] = {}
        self._strays: dict[tuple[str, Area], tuple[str, ...]] = {}
        self._stood: dict[tuple[str, Area], dict[str, Entry]] = {}
        self._sealing: dict[tuple[str, Area], str] = {}  # deliveries whose sealing has not come to its end
        self._frozen: dict[str, Manifest] = {}

    def look(self, slug: str, area: Area) -> None:
        """Hint that something may have happened in an inbox."""
        self._due.add((slug, area))
        self._hinted.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look wherever a hint points until `stop` is set; what is being sealed then is sealed."""
        for folder in await asyncio.to_thread(sealing.unfinished, self._spool):
            self._sealing[sealing.origin(folder)] = folder.name.removesuffix(sealing.UNFINISHED)
        for slug in self._districts:
            for area in Area:
                with suppress(DiskError):  # told when it is looked at, which is at once
                    self._inboxes.of(slug, area)  # so that it is there to be watched
        async with asyncio.TaskGroup() as group:
            hints = [group.create_task(self._pass_hints_on()), group.create_task(self._rescan())]
            group.create_task(self._watch(stop))
            looking = group.create_task(self._look_at_what_is_due(stop))
            await stop.wait()
            self._hinted.set()
            await looking
            for task in hints:
                task.cancel()
        for timer in self._timers.values():
            timer.cancel()

    def _look_soon(self, slug: str, area: Area) -> None:
        """Look once for all the hints of a moment, unless that is going to happen anyway."""
        soon = min(HINT_SECONDS_MAX, self._settings.delivery.settle_seconds / 10)
        timer = self._timers.get((slug, area))
        if timer is None or timer.cancelled() or not 0 <= timer.when() - asyncio.get_running_loop().time() <= soon:
            self._look_again(slug, area, soon)

    async def _pass_hints_on(self) -> None:
        while True:
            self._look_soon(*await self._inboxes.changed.get())

    async def _rescan(self) -> None:
        while True:
            for slug in self._districts:
                for area in Area:
                    self.look(slug, area)
            await asyncio.sleep(RESCAN_SECONDS)

    async def _watch(self, stop: asyncio.Event) -> None:
        """Look soon at what changes; where nothing can be watched, try again until something can."""
        failed = False
        while not stop.is_set():
            try:
                async for touched in watching.changed_inboxes(self._spool, stop):
                    if failed:
                        log.info(journal.WATCH_RESUMED)
                        failed = False
                    for slug, area in touched:
                        if slug in self._districts:
                            with suppress(DiskError):
                                self._inboxes.of(slug, area).touch()
                            self._look_soon(slug, area)
            except Exception as error:
                if not failed:
                    log.error(journal.WATCH_FAILED, exc_info=error)
                    failed = True
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), RETRY_SECONDS)

    async def _look_at_what_is_due(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._hinted.clear()
            while self._due and not stop.is_set():
                slug, area = self._due.pop()
                if district := self._districts.get(slug):
                    await self._look_safely(district, area)
            await self._hinted.wait()

    async def _look_safely(self, district: District, area: Area) -> None:
        try:
            await self._look(district, area)
        except Exception as error:
            log.error(journal.SET_FAILED, district=district.slug, area=area.value, exc_info=error)
            await self._tell_stuck(district, area, failing.in_words(error))
            self._look_again(district.slug, area, RETRY_SECONDS)

    async def _tell_stuck(self, district: District, area: Area, why: str) -> None:
        try:
            if self._something_there(district, area) and self._is_news(district, area, why):
                await self._on_waiting(district, area, completeness.Stuck(why))
        except (OSError, RostergateError):
            self._told.pop((district.slug, area), None)  # what cannot be told now is news at the next look

    def _something_there(self, district: District, area: Area) -> bool:
        """Say whether there is something of a set; where nobody can see that, there may be."""
        try:
            there = self._inboxes.of(district.slug, area).entries().keys() & catalogue.file_names(district.format)
        except (OSError, DiskError):
            return True
        return bool(there) or (district.slug, area) in self._sealing

    def _look_again(self, slug: str, area: Area, seconds: float) -> None:
        if timer := self._timers.pop((slug, area), None):
            timer.cancel()
        self._timers[slug, area] = asyncio.get_running_loop().call_later(max(seconds, 0.02), self.look, slug, area)

    async def _look(self, district: District, area: Area) -> None:
        await self._end_sealing(district, area)
        inbox = self._inboxes.of(district.slug, area)
        expected = catalogue.file_names(district.format)
        survey = inbox.survey()
        await self._tell_strays(district, inbox, survey.entries.keys() - expected, expected)
        if not (survey.entries.keys() & expected or expected_files.unfinished(survey, expected)):
            await self._nothing_there(district, area)
            return
        if (unsettled := self._unsettled(inbox, survey.entries)) > 0:
            self._look_again(district.slug, area, unsettled)
            return
        if not survey.entries.keys() & expected:
            # Nothing but what was cut off: no delivery has begun, and nobody knows yet of which format it will be.
            await self._wait(district, area, self._judge(inbox, frozenset(), {}, expected))
            return
        delivery = await self._begun(district, inbox, expected)
        names = sorted(survey.entries.keys() & expected)
        required = await asyncio.to_thread(expected_files.required, district.format, inbox.folder, names)
        no_slot = await self._no_slot(district, inbox, expected)
        # From here to the end of `gather` nothing is awaited: what is judged is what is taken.
        ages = {name: entry.at for name, entry in inbox.entries().items() if name in expected}
        judgement = self._judge(inbox, required, ages, expected)
        if not isinstance(judgement, completeness.Complete):
            await self._wait(district, area, judgement)
        elif no_slot:
            await self._refuse(district, area, no_slot)
        elif sorted(ages) != names or self._dry_run_under_way(district, area):
            self._look_again(district.slug, area, self._settings.delivery.settle_seconds)
        else:
            await self._seal(district, area, delivery, names)

    def _unsettled(self, inbox: Inbox, stands: dict[str, Entry]) -> float:
        """Return for how many seconds the inbox has to stay as it is before its set can be judged."""
        settle_seconds = self._settings.delivery.settle_seconds
        key = inbox.district, inbox.area
        if self._stood.get(key) != stands:
            self._stood[key] = stands
            inbox.touch()
        if inbox.open_uploads:
            return settle_seconds
        return settle_seconds - (time.monotonic() - inbox.quiet_since)

    async def _begun(self, district: District, inbox: Inbox, expected: frozenset[str]) -> str:
        """Return the name of the delivery that is coming in; its first file begins it."""
        if inbox.area is Area.PREVIEW:
            inbox.date_strangers(expected, None)
            return sealing.dry_run(district.slug)
        async with store.reading(self._engine) as tx:
            receiving = await deliveries.receiving(tx, district.slug)
        if noticed := inbox.date_strangers(expected, receiving.began_at if receiving else None):
            self._stood[district.slug, inbox.area] = inbox.entries()
            log.info(journal.FILE_NOTICED, district=district.slug, files=len(noticed))
        if receiving is None:
            async with store.writing(self._engine, district.slug) as tx:
                receiving = await deliveries.begin(tx, district.slug, self._first(inbox, expected))
        return receiving.id

    async def _no_slot(self, district: District, inbox: Inbox, expected: frozenset[str]) -> str | None:
        """Say why a set cannot be taken that came by another road than the gate, which asks before it lets one in."""
        if inbox.area is Area.PREVIEW:
            return None
        async with store.reading(self._engine) as tx:
            return await refusal(tx, district, day_of(self._first(inbox, expected), district.zone))

    def _first(self, inbox: Inbox, expected: frozenset[str]) -> datetime:
        """Return when the first of a set's files began; what lies there and belongs to none says nothing about it."""
        return min((entry.at for name, entry in inbox.entries().items() if name in expected), default=self._now())

    def _judge(
        self, inbox: Inbox, required: frozenset[str], ages: Mapping[str, datetime], expected: frozenset[str]
    ) -> completeness.Judgement:
        bounds, unfinished = self._settings.delivery, expected_files.unfinished(inbox.survey(), expected)
        return completeness.judge(
            required,
            ages,
            {name: entry.at for name, entry in unfinished.items()},
            unrenamed={name for name, entry in unfinished.items() if entry.finished},
            busy=inbox.open_uploads,
            quiet_seconds=time.monotonic() - inbox.quiet_since,
            now=self._now(),
            settle_seconds=bounds.settle_seconds,
            overdue_after=timedelta(hours=bounds.overdue_hours),
            generation_max=timedelta(hours=bounds.generation_hours_max),
        )

    async def _wait(self, district: District, area: Area, judgement: completeness.Judgement) -> None:
        if isinstance(judgement, completeness.Waiting):
            if judgement.again_in_seconds is not None:
                self._look_again(district.slug, area, judgement.again_in_seconds)
            told: object = (judgement.missing, judgement.cut_off, judgement.unrenamed) if judgement.missing else ()
        else:
            told = judgement
        if told and self._is_news(district, area, told):
            waiting_sets.log_wait(district.slug, area, judgement)
            await self._on_waiting(district, area, judgement)

    async def _refuse(self, district: District, area: Area, reason: str) -> None:
        if self._is_news(district, area, reason):
            log.warning(journal.SET_REFUSED, district=district.slug, area=area.value, reason=reason)
            await self._on_waiting(district, area, None)  # for nothing: it is complete
            await self._on_refusal(district, reason)

    async def _tell_strays(self, district: District, inbox: Inbox, names: set[str], expected: frozenset[str]) -> None:
        """Tell of files that came by another road than the gate and belong to no set; they are left where they are."""
        strays = tuple(sorted(name for name in names if not name.startswith(".")))
        key = (district.slug, inbox.area)
        if self._strays.get(key, ()) == strays:
            return
        self._strays[key] = strays
        if strays:
            log.warning(journal.FILE_STRAYED, district=district.slug, area=inbox.area.value, files=len(strays))
            await self._on_refusal(
                district,
                f"{', '.join(strays[:STRAYS_TOLD_MAX])}: not a file of a set, so it is left aside; "
                f"expected are {', '.join(sorted(expected))}",
            )

    def _is_news(self, district: District, area: Area, told: object) -> bool:
        known = self._told.get((district.slug, area))
        self._told[district.slug, area] = told
        return known != told

    async def _nothing_there(self, district: District, area: Area) -> None:
        if self._told.pop((district.slug, area), None):
            await self._on_waiting(district, area, None)

    def _dry_run_under_way(self, district: District, area: Area) -> bool:
        return area is Area.PREVIEW and self._spool.delivery(sealing.dry_run(district.slug)).exists()

    async def _seal(self, district: District, area: Area, delivery: str, names: list[str]) -> None:
        self._sealing[district.slug, area] = delivery
        try:
            folder = sealing.gather(self._spool, district.slug, area, delivery, names)
            self._inboxes.of(district.slug, area).forget_all()  # older than the set, or it would have been waited for
            await asyncio.to_thread(sealing.freeze, self._spool, folder, now=self._now())
        except (OSError, RostergateError):
            with suppress(OSError, RostergateError):  # it is tried again at the next look
                await self._end_sealing(district, area)
            raise
        await self._end_sealing(district, area)
        # Also where nothing was told since the start: the page may still say what the set needed before it.
        await self._on_waiting(district, area, None)
        self._told.pop((district.slug, area), None)

    async def _end_sealing(self, district: District, area: Area) -> None:
        """Go on with a set that was taken out of the inbox: it is sealed, or goes back there.

        Raises `OSError` while neither can be done, `StoreError` while it cannot be recorded.
        """
        if delivery := self._sealing.get((district.slug, area)):
            manifest = await asyncio.to_thread(sealing.end, self._spool, delivery)
            del self._sealing[district.slug, area]
            if manifest is not None and area is Area.PREVIEW:
                await self._on_dry_run(district, self._spool.delivery(delivery))
            elif manifest is not None:
                self._frozen[district.slug] = manifest
        if area is Area.UPLOAD:
            await self._enter_frozen(district)

    async def _enter_frozen(self, district: District) -> None:
        """Record what is sealed on disk, and was not in the database yet when that could not be used."""
        manifest = self._frozen.get(district.slug)
        if manifest is None:
            return
        with suppress(IllegalTransition):  # it was recorded, and the answer was lost
            await sealed.enter(self._engine, district, manifest, self._settings)
        del self._frozen[district.slug]
        log.info(
            journal.DELIVERY_SEALED,
            delivery=manifest.delivery,
            district=district.slug,
            files=len(manifest.files),
            bytes=sum(one.bytes for one in manifest.files),
        )
        self._on_sealed(district.slug)
