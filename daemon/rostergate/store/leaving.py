"""Leaving: a district goes, first from the roster, then from everything that the database has of it.

Rule 1: whoever follows the feed is told first: all rows leave the roster in a turn of the newest delivery, as if its
files had lacked them. What was before can be told until `forget`.
Rule 2: `forget` raises the district's floor to its last ground, so who has not followed is refused, not misled.
Rule 3: what stays names nobody: the numbers of its deliveries, their states and times, its turns and grounds. So a
district that comes back under the same name goes on counting, and no cursor of the feed is given twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from rostergate.core.delivery import State
from rostergate.core.plan import ACTION, Action
from rostergate.errors import Refused
from rostergate.store import deliveries, erasing, floors, roster, turns
from rostergate.store.floors import Floor
from rostergate.store.schema import (
    accounts,
    applied_changes,
    credentials,
    findings,
    grants,
    held_rows,
    holds,
    left_out,
    legacy_logins,
    live_classes,
    outbox,
    plans,
    platform_accounts,
    platform_schools,
    school_decisions,
)
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.store.schema import roster as versions
from rostergate.store.schema import undos as undos_table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

_OF_DISTRICT: Final = (
    platform_schools,
    school_decisions,
    platform_accounts,
    accounts,
    live_classes,
    outbox,
    legacy_logins,
    grants,
)
_OF_PLAN: Final = (held_rows, holds, left_out)
_OF_DELIVERY: Final = (applied_changes, findings)


async def assert_decided(tx: AsyncConnection, district: str) -> None:
    """Raise `Refused` while a delivery of a district is being decided, and may bring everything again."""
    if undecided := await deliveries.in_states(tx, district, (State.SEALED,)):
        raise Refused(f"{undecided[0].id} is being decided. Wait until it is, then remove the district.")


async def leave(tx: AsyncConnection, district: str, at: datetime) -> int:
    """Let all rows of a district leave the roster; return how many changes that are.

    What waits is superseded, and so is an upload that has begun. Raises `Refused` as `assert_decided` does.
    """
    await assert_decided(tx, district)
    await erasing.supersede(tx, district, at)
    of_district = deliveries_table.c.district == district
    await tx.execute(deliveries_table.delete().where(of_district, deliveries_table.c.state == State.RECEIVING.value))
    await tx.execute(deliveries_table.update().where(of_district).values(reported_at=at))
    await tx.execute(credentials.delete().where(credentials.c.district == district))
    waiting = outbox.c.district == district, outbox.c.closed_at.is_(None)
    await tx.execute(outbox.delete().where(*waiting))
    newest = await turns.newest_delivery(tx, district)
    current = {name: rows for name, rows in (await roster.load(tx, district)).items() if rows.height}
    if newest is None or not current:
        return 0
    gone = {name: rows.with_columns(action=pl.lit(Action.REMOVED.value, ACTION)) for name, rows in current.items()}
    return await roster.apply(tx, district, [gone], newest, at)


async def known(tx: AsyncConnection, district: str) -> dict[str, int]:
    """Return what is kept of a district: rows of the roster and of its history, plans, deliveries."""
    current = sum((await roster.counts(tx, district)).values())
    every = 0
    for made in versions.values():
        every += await _count(tx, made, made.c.district == district)
    return {
        "current": current,
        "versions": every,
        "plans": await _count(tx, plans, plans.c.district == district),
        "deliveries": await _count(tx, deliveries_table, deliveries_table.c.district == district),
    }


async def forget(tx: AsyncConnection, district: str) -> int:
    """Remove what is left of a district that has left the roster; return how many versions of rows those were.

    Raises `Refused` while the roster still has rows of it.
    """
    if any((await roster.counts(tx, district)).values()):
        raise Refused(f"{district} is still in the roster.")
    if (newest := await turns.newest(tx, district)) is not None:
        await floors.rise(tx, Floor(district, newest.ground, newest.position, newest.at))
    removed = 0
    for made in versions.values():
        removed += (await tx.execute(made.delete().where(made.c.district == district))).rowcount
    of_plans = sa.select(plans.c.id).where(plans.c.district == district)
    for table in _OF_PLAN:
        await tx.execute(table.delete().where(table.c.plan.in_(of_plans)))
    await tx.execute(plans.delete().where(plans.c.district == district))
    of_deliveries = sa.select(deliveries_table.c.id).where(deliveries_table.c.district == district)
    for table in _OF_DELIVERY:
        await tx.execute(table.delete().where(table.c.delivery.in_(of_deliveries)))
    nobody = {"asked_by": "", "reason": "", "school_id": None}
    await tx.execute(undos_table.update().where(undos_table.c.delivery.in_(of_deliveries)).values(nobody))
    nothing: dict[str, Any] = {"files": [], "totals": None, "error": None, "content_hash": None}
    await tx.execute(deliveries_table.update().where(deliveries_table.c.district == district).values(nothing))
    for table in _OF_DISTRICT:
        await tx.execute(table.delete().where(table.c.district == district))
    return removed


async def _count(tx: AsyncConnection, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
    return int(await tx.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0)
