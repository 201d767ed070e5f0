"""Silence: looks for districts whose delivery has not come, and writes them mail about it, once each time.

Rule 1: a district is told once of a late day, once after `mail.silent_days` and once after `mail.forgotten_days`.
Rule 2: days are counted from its last delivery; of a district that never delivered, from when its password was issued.
Rule 3: a district that cannot log in is not expected to deliver.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, store
from rostergate.core import arrivals
from rostergate.core.calendar import day_of
from rostergate.core.notices import Kind
from rostergate.errors import StoreError
from rostergate.store import credentials, deliveries, outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import District, Districts, Settings

LOOK_SECONDS: Final = 600.0

log = structlog.get_logger()


async def watch(
    stop: asyncio.Event, settings: Settings, districts: Districts, engine: AsyncEngine, now: Callable[[], datetime]
) -> None:
    """Look every ten minutes until `stop` is set. Without a mail server in the settings there is nothing to do."""
    while settings.mail.on and not stop.is_set():
        for slug in tuple(districts):
            if district := districts.get(slug):
                await _look_safely(settings, district, engine, now())
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue


async def _look_safely(settings: Settings, district: District, engine: AsyncEngine, now: datetime) -> None:
    try:
        async with store.reading(engine) as tx:
            due = await missing(tx, settings, district, now)
        if due:
            async with store.writing(engine, district.slug) as tx:
                for kind, about, facts in due:
                    told = district.audience(settings).of(kind)
                    written = await outbox.write(tx, kind, about, told, now, district=district.slug, facts=facts)
                    if written:
                        log.warning(journal.DISTRICT_MISSED, district=district.slug, kind=kind.value)
    except StoreError as error:
        log.error(journal.MAIL_FAILED, district=district.slug, exc_info=error)


async def missing(
    tx: AsyncConnection, settings: Settings, district: District, now: datetime
) -> list[tuple[Kind, str, dict[str, object]]]:
    """Return what a district is to be told of its silence: (kind, what about, facts). Told once per `about`."""
    if not district.enabled:
        return []
    last = await deliveries.latest(tx, district.slug)
    since = last.sealed_at if last else await credentials.changed_at(tx, district.slug)
    if since is None:
        return []
    name = last.id if last else f"{district.slug} since {since:%Y-%m-%d}"
    days = (day_of(now, district.zone) - day_of(since, district.zone)).days
    for kind, days_min in ((Kind.FORGOTTEN, settings.mail.forgotten_days), (Kind.SILENT, settings.mail.silent_days)):
        if days >= days_min:
            return [(kind, name, {"days": days})]
    known = await deliveries.arrivals(tx, district.slug, now - timedelta(weeks=arrivals.WEEKS))
    usual = arrivals.late(known, now, district.zone, grace=timedelta(minutes=settings.mail.late_minutes))
    if usual is None:
        return []
    return [(Kind.LATE, f"{district.slug} {day_of(now, district.zone)}", {"by": f"{usual.by:%H:%M}"})]
