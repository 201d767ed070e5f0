"""Purging: what has been kept for as long as the settings say goes, in small steps.

Rule 1: each step is one folder or one short transaction, so nobody waits for it. Stopped anywhere, the next purge goes
on.
Rule 2: whatever something can still follow from stays beyond its days: the files of a delivery that waits for a person
and of the newest accepted one, the newest report, the history that undoing the newest change needs.
Rule 3: the daemon purges by itself once a day, and only while its clock can be believed: a clock that has just jumped
years ahead must not cost a year's files.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, store
from rostergate.core.delivery import CLOSED
from rostergate.errors import StoreError
from rostergate.service import left_behind
from rostergate.service.clock import Clock
from rostergate.service.reporting import PREVIEW
from rostergate.spool import sealing
from rostergate.store import deliveries, floors, outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import Settings
    from rostergate.spool.folders import Spool
    from rostergate.store.deliveries import Delivery
    from rostergate.store.floors import Floor

ROWS_AT_ONCE: Final = 2_000
PLANS_AT_ONCE: Final = 50
LOOK_SECONDS: Final = 600.0
SETTLED: Final = timedelta(hours=1)
"""How long the clock must have gone as time does before the daemon purges by it."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a purge would do."""

    files: tuple[str, ...]
    """Deliveries whose files would go, oldest first."""
    aside: tuple[str, ...]
    """Folders of deliveries that the database does not know, and that would go."""
    uploads: tuple[str, ...]
    """Inboxes that nothing will come of, and whose files would go: `inbox/lincoln`."""
    reports: tuple[str, ...]
    """Folders below reports/ that would go: `lincoln/lincoln-00017`."""
    history: tuple[tuple[Floor, int], ...]
    """How far back history would reach, by district, and how many versions of roster rows would go."""
    plans: int
    """Closed plans whose rows would go."""
    mails: int
    kept: tuple[str, ...]
    """What stays although its days are over, and why; a sentence each."""
    mail_before: datetime
    files_before: datetime

    @property
    def empty(self) -> bool:
        """Whether there is nothing to purge."""
        return not (self.files or self.aside or self.uploads or self.reports or self.history or self.mails)


@dataclass(slots=True)
class Purged:
    """How much a purge has removed."""

    deliveries: int = 0
    """Whose files."""
    uploads: int = 0
    """Inboxes with files that nothing came of."""
    reports: int = 0
    versions: int = 0
    """Of roster rows."""
    plans: int = 0
    """Whose rows."""
    mails: int = 0


async def look(engine: AsyncEngine, spool: Spool, settings: Settings, now: datetime) -> Outlook:
    """Work out what a purge would do; change nothing. Raises `StoreError`, `OSError`."""
    days = settings.retention
    sealed = await asyncio.to_thread(lambda: {path.name for path in sealing.sealed(spool)})
    reported = await asyncio.to_thread(_reports, spool)
    files_before = now - timedelta(days=days.files_days)
    aside = await asyncio.to_thread(left_behind.aside, spool, files_before)
    uploads = await asyncio.to_thread(left_behind.uploads, spool, files_before)
    async with store.reading(engine) as tx:
        files, kept = await _files(tx, sealed, files_before, days.files_days)
        reports = await _old_reports(tx, reported, now - timedelta(days=days.reports_days))
        history, plans = [], 0
        for district in await deliveries.districts(tx):
            floor = await floors.following(tx, district, now - timedelta(days=days.history_days))
            if floor := floor or await floors.of(tx, district):
                closed, versions = len(await floors.plans_below(tx, floor)), await floors.below(tx, floor)
                plans += closed
                if versions or closed:
                    history.append((floor, versions))
        mail_before = now - timedelta(days=days.mail_days)
        mails = await outbox.closed_before(tx, mail_before)
    return Outlook(
        files=files,
        aside=aside,
        uploads=uploads,
        reports=reports,
        history=tuple(history),
        plans=plans,
        mails=len(mails),
        kept=kept,
        mail_before=mail_before,
        files_before=files_before,
    )


async def carry_out(engine: AsyncEngine, spool: Spool, outlook: Outlook, stop: asyncio.Event | None = None) -> Purged:
    """Do what was told, until `stop` is set; return how much that was. Raises `StoreError`, `OSError`."""
    purged = Purged()
    async for _ in _steps(engine, spool, outlook, purged):
        if stop is not None and stop.is_set():
            break
    return purged


async def _steps(engine: AsyncEngine, spool: Spool, outlook: Outlook, purged: Purged) -> AsyncIterator[None]:
    """Take one small step after the other, and count what it removed."""
    for delivery in (*outlook.files, *outlook.aside):
        await asyncio.to_thread(sealing.discard, spool.delivery(delivery))
        purged.deliveries += 1
        yield
    for name in outlook.uploads:
        await asyncio.to_thread(left_behind.remove, spool.state / name, outlook.files_before)
        purged.uploads += 1
        yield
    for name in outlook.reports:
        await asyncio.to_thread(shutil.rmtree, spool.state / "reports" / name)
        purged.reports += 1
        yield
    for floor, _ in outlook.history:
        async for removed, emptied in _history_steps(engine, floor):
            purged.versions += removed
            purged.plans += emptied
            yield
    closed = [0]
    while closed:
        async with store.writing(engine) as tx:
            closed = await outbox.closed_before(tx, outlook.mail_before, ROWS_AT_ONCE)
            await outbox.remove(tx, closed)
        purged.mails += len(closed)
        yield


async def _history_steps(engine: AsyncEngine, floor: Floor) -> AsyncIterator[tuple[int, int]]:
    """Raise a district's floor, then give how many versions, or plans' rows, each step has removed below."""
    async with store.writing(engine, floor.district) as tx:
        await floors.rise(tx, floor)
    removed = ROWS_AT_ONCE
    while removed:
        async with store.writing(engine, floor.district) as tx:
            removed = await floors.purge_some(tx, floor, ROWS_AT_ONCE)
        yield removed, 0
    emptied = [0]
    while emptied:
        async with store.writing(engine, floor.district) as tx:
            emptied = await floors.plans_below(tx, floor, PLANS_AT_ONCE)
            await floors.empty_plans(tx, emptied)
        yield 0, len(emptied)


async def watch(
    stop: asyncio.Event,
    settings: Settings,
    engine: AsyncEngine,
    spool: Spool,
    now: Callable[[], datetime],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Purge once a day until `stop` is set."""
    clock = Clock(now, monotonic)
    day = None
    while not stop.is_set():
        if clock.look() >= SETTLED and now().date() != day:
            day = now().date()
            await _purge_safely(settings, engine, spool, now(), stop)
        try:
            await asyncio.wait_for(stop.wait(), look_seconds)
        except TimeoutError:
            continue


async def _purge_safely(
    settings: Settings, engine: AsyncEngine, spool: Spool, now: datetime, stop: asyncio.Event
) -> None:
    try:
        outlook = await look(engine, spool, settings, now)
        if not outlook.empty:
            purged = await carry_out(engine, spool, outlook, stop)
            log.info(journal.STATE_PURGED, **asdict(purged))
    except (StoreError, OSError) as error:
        log.error(journal.PURGE_FAILED, exc_info=error)  # the next day's goes on


async def _files(
    tx: AsyncConnection, sealed: set[str], before: datetime, days: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the deliveries whose files are to go, and in words those whose files stay although they are as old."""
    due, kept = [], []
    for one in await _older(tx, sealed, before):
        why = await _still_needed(tx, one)
        if why:
            kept.append(f"{one.id}: its files stay beyond {days} days, because {why}")
        else:
            due.append(one.id)
    return tuple(due), tuple(kept)


async def _still_needed(tx: AsyncConnection, one: Delivery) -> str | None:
    if one.state not in CLOSED:
        return f"it is {one.state.value}: something still follows from them"
    if one.id in (await deliveries.last_accepted(tx, one.district)).values():
        return "it is the newest that was accepted of its district"
    return None


async def _old_reports(tx: AsyncConnection, reported: dict[str, datetime], before: datetime) -> tuple[str, ...]:
    names = {path.rpartition("/")[2]: path for path in reported}
    due = []
    for one in await _older(tx, set(names), before):
        newest = await deliveries.latest(tx, one.district)
        if one.state in CLOSED and (newest is None or newest.id != one.id):
            due.append(names[one.id])
    previews = [path for path, at in reported.items() if path.endswith(f"/{PREVIEW}") and at < before]
    return (*due, *previews)


async def _older(tx: AsyncConnection, chosen: set[str], before: datetime) -> list[Delivery]:
    """Return those of the deliveries that were sealed before then, oldest first; unknown ones are left alone."""
    names = sorted(chosen)
    found = []
    for start in range(0, len(names), ROWS_AT_ONCE):
        found += await deliveries.sealed_before(tx, names[start : start + ROWS_AT_ONCE], before)
    return sorted(found, key=lambda one: (one.sealed_at or one.began_at, one.id))


def _reports(spool: Spool) -> dict[str, datetime]:
    """Return the folders of reports as `district/name`, and when each was written."""
    root = spool.state / "reports"
    return {
        f"{folder.parent.name}/{folder.name}": datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        for folder in _folders(root)
    }


def _folders(root: Path) -> list[Path]:
    found = [one for district in sorted(root.iterdir()) if district.is_dir() for one in sorted(district.iterdir())]
    return [one for one in found if one.is_dir() and not one.name.startswith(".")]
