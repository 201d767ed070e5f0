"""Notices that follow from no verdict: an unfinished set, issued credentials, a person's decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncssh

from rostergate.core.calendar import day_of
from rostergate.core.completeness import Mixed, Overdue
from rostergate.core.delivery import State
from rostergate.core.notices import Kind
from rostergate.core.plan_state import OPEN
from rostergate.store import deliveries, outbox, plans

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.config import District, Settings
    from rostergate.core.completeness import Judgement
    from rostergate.spool.folders import Spool
    from rostergate.store.outbox import Mail


async def tell_unfinished(
    tx: AsyncConnection,
    settings: Settings,
    district: District,
    judgement: Judgement | None,
    at: datetime,
    *,
    newest: datetime,
) -> int:
    """Write mail about an upload that is overdue or mixed; return how many mails those are.

    It is told once for each day on which something of it came: `newest` is when its newest file began. A set that stays
    like that is not told again, one to which the next night added nothing useful is.
    """
    facts: dict[str, list[str]]
    match judgement:
        case Overdue(missing=names):
            kind, facts = Kind.OVERDUE, {"missing": list(names)}
        case Mixed(old=names):
            kind, facts = Kind.MIXED, {"old": list(names)}
        case _:
            return 0
    begun = await deliveries.receiving(tx, district.slug)
    if begun is None:  # nothing but what was cut off came: LATEST.txt tells
        return 0
    told, about = district.audience(settings).of(kind), f"{begun.id} {day_of(newest, district.zone)}"
    return await outbox.write(tx, kind, about, told, at, district=district.slug, facts=facts)


async def tell_access(tx: AsyncConnection, settings: Settings, district: District, spool: Spool, at: datetime) -> int:
    """Write mail that credentials were issued, without them; return how many mails those are. Raises `OSError`."""
    about = f"{district.slug} {at:%Y-%m-%dT%H:%M:%S}"
    told = district.audience(settings).of(Kind.ACCESS)
    facts = {"fingerprints": fingerprints(spool)}
    return await outbox.write(tx, Kind.ACCESS, about, told, at, district=district.slug, facts=facts)


async def tell_closed(
    tx: AsyncConnection, settings: Settings, district: District, closed: Iterable[str], at: datetime
) -> None:
    """Write mail about deliveries of which a person has closed the last plan that waited."""
    told = district.audience(settings).of(Kind.CLOSED)
    for delivery in closed:
        if not any(plan.state in OPEN for plan in await plans.of(tx, delivery)):
            await outbox.write(tx, Kind.CLOSED, delivery, told, at, district=district.slug, delivery=delivery)


async def is_past(tx: AsyncConnection, mail: Mail) -> bool:
    """Say whether what a mail tells was so when it was written, and is not so any more."""
    match mail.kind:
        case Kind.RECEIVED if mail.delivery:
            return (await deliveries.get(tx, mail.delivery)).state is not State.SEALED
        case Kind.FAILED if mail.delivery:
            return (await deliveries.get(tx, mail.delivery)).state is not State.FAILED
        case Kind.OVERDUE | Kind.MIXED if mail.district:
            begun = await deliveries.receiving(tx, mail.district)
            return begun is None or not mail.about.startswith(f"{begun.id} ")
        case Kind.LATE | Kind.SILENT | Kind.FORGOTTEN if mail.district:
            last = await deliveries.latest(tx, mail.district, uploaded=True)
            return last is not None and last.sealed_at is not None and last.sealed_at > mail.written_at
    return False


def fingerprints(spool: Spool) -> list[str]:
    """Return the host keys' fingerprints as clients show them; none before the daemon has started once."""
    found = []
    for path in sorted(spool.keys.glob("ssh_host_*_key.pub")):
        key = asyncssh.import_public_key(path.read_bytes())
        found.append(f"{key.get_algorithm()} {key.get_fingerprint()}")
    return found
