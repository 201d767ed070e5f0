"""Silence: looks for districts whose delivery has not come, counts them, and writes them mail, once each time.

Rule 1: a district is told once of a late day, once after `mail.silent_days` and once after `mail.forgotten_days`.
Rule 2: days are counted from its last delivery; of a district that never delivered, from when its password was issued.
Rule 3: a district that cannot log in is not expected to deliver.
Rule 4: a clock that has just been set is not believed: it must not tell everybody that nothing came for a year.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog

from rostergate import journal, metrics, store
from rostergate.core import arrivals
from rostergate.core.calendar import day_of
from rostergate.core.notices import Kind
from rostergate.errors import StoreError
from rostergate.service.clock import Clock
from rostergate.store import credentials, deliveries, outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import District, Districts, Settings

LOOK_SECONDS: Final = 600.0
_BETWEEN_SECONDS_MAX: Final = 0.25
"""Between one district and the next, so that sessions do not wait for a look at thousands of them."""
SETTLED: Final = timedelta(hours=1)
"""How long nobody may have set the clock before a district is missed by it."""
_DISTRICTS_AT_ONCE: Final = 500
"""Districts of which one statement asks what they have delivered."""

Due: TypeAlias = tuple[Kind, str, dict[str, Any]]
"""What is to be told, what about (told once of each), and its facts."""

log = structlog.get_logger()


async def watch(
    stop: asyncio.Event,
    settings: Settings,
    districts: Districts,
    engine: AsyncEngine,
    now: Callable[[], datetime],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Look every ten minutes until `stop` is set. Without a mail server in the settings it is counted, and not told."""
    clock = Clock(now, monotonic)
    while not stop.is_set():
        if clock.look() >= SETTLED or not clock.was_set:
            found: Counter[Kind] = Counter()
            slugs, at = tuple(districts), now()
            for slug in slugs:
                if stop.is_set():
                    return
                if district := districts.get(slug):
                    found.update(await _look_safely(settings, district, engine, at))
                await _wait(stop, min(_BETWEEN_SECONDS_MAX, look_seconds / 2 / len(slugs)))
            metrics.DISTRICTS_LATE.set(found[Kind.LATE])
            metrics.DISTRICTS_SILENT.set(found[Kind.SILENT] + found[Kind.FORGOTTEN])
        await _wait(stop, look_seconds)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _look_safely(settings: Settings, district: District, engine: AsyncEngine, now: datetime) -> list[Kind]:
    due: list[Due] = []
    try:
        async with store.reading(engine) as tx:
            due = (await missing(tx, settings, [district], now)).get(district.slug, [])
        if due and settings.mail.on:
            written = []
            async with store.writing(engine, district.slug) as tx:
                for kind, about, facts in due:
                    told = district.audience(settings).of(kind)
                    if await outbox.write(tx, kind, about, told, now, district=district.slug, facts=facts):
                        written.append(kind)
            for kind in written:
                log.warning(journal.DISTRICT_MISSED, district=district.slug, kind=kind.value)
    except StoreError as error:
        log.error(journal.MAIL_FAILED, district=district.slug, exc_info=error)
    return [kind for kind, _, _ in due]


async def missing(
    tx: AsyncConnection, settings: Settings, districts: Sequence[District], now: datetime
) -> dict[str, list[Due]]:
    """Return what districts are to be told of their silence, by slug; those that are not silent are left out."""
    expected = [district for district in districts if district.enabled]
    found = {}
    for at in range(0, len(expected), _DISTRICTS_AT_ONCE):
        some = expected[at : at + _DISTRICTS_AT_ONCE]
        since = now - timedelta(weeks=arrivals.WEEKS)
        known = await deliveries.arrivals(tx, [district.slug for district in some], since)
        for district in some:
            if due := await _missing(tx, settings, district, known.get(district.slug, []), now):
                found[district.slug] = due
    return found


async def _missing(
    tx: AsyncConnection, settings: Settings, district: District, known: Sequence[tuple[str, datetime]], now: datetime
) -> list[Due]:
    """Do the same for one district; `known` are the ids and times of what it has delivered in the last weeks."""
    name, since = known[-1] if known else await _begun_before(tx, district)
    if since is None:
        return []
    days = (day_of(now, district.zone) - day_of(since, district.zone)).days
    for kind, days_min in ((Kind.FORGOTTEN, settings.mail.forgotten_days), (Kind.SILENT, settings.mail.silent_days)):
        if days >= days_min:
            return [(kind, name, {"days": days})]
    grace = timedelta(minutes=settings.mail.late_minutes)
    late = arrivals.late([at for _, at in known], now, district.zone, grace=grace)
    if late is None:
        return []
    begun = await deliveries.receiving(tx, district.slug) is not None
    facts = {"by": f"{late.usual.by:%H:%M}", "begun": begun}
    return [(Kind.LATE, f"{district.slug} {late.day}", facts)]


async def _begun_before(tx: AsyncConnection, district: District) -> tuple[str, datetime | None]:
    """Return from when silence is counted where nothing has come for weeks, and by what name; None: from no time."""
    last = await deliveries.latest(tx, district.slug, uploaded=True)
    if last:
        return last.id, last.sealed_at
    since = await credentials.changed_at(tx, district.slug)
    return (f"{district.slug} since {since:%Y-%m-%d}", since) if since else ("", None)
