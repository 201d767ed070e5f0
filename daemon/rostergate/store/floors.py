"""Floors in the store: how far back a district's history reaches, and what is purged below.

Rule 1: below the floor's ground versions that had ended are gone. On that ground and above, the roster "as of" is
whole; below it is refused, and so are an undo that would need it and a feed that would have gaps.
Rule 2: the floor is set before the first version goes. It only rises.
Rule 3: a floor never rises above what undoing the newest change of its district needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from rostergate.core.plan_state import OPEN
from rostergate.core.roster import PEOPLE, TABLES
from rostergate.errors import Refused
from rostergate.store import roster, turns
from rostergate.store.schema import accounts, applied_changes, floors, held_rows, plans
from rostergate.store.schema import roster as versions
from rostergate.store.schema import turns as turns_table

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Table

PACKED_NOTHING: Final = b""
"""What stands in the place of a plan's changes once they are purged: `core.plan.pack` of no table."""


@dataclass(frozen=True, slots=True)
class Floor:
    """How far back a district's history reaches. `at` is aware, in UTC."""

    district: str
    ground: int
    """The oldest ground on which the roster is whole."""
    position: int
    """Of the last turn on or below that ground."""
    at: datetime
    """When that turn was."""


async def of(tx: AsyncConnection, district: str) -> Floor | None:
    """Return a district's floor; None while its history is whole."""
    found = await _select(tx, floors.c.district == district)
    return found[0] if found else None


async def assert_kept(tx: AsyncConnection, district: str, ground: int) -> None:
    """Raise `Refused` when the roster as it was on a ground cannot be told any more."""
    floor = await of(tx, district)
    if floor is not None and ground < floor.ground:
        raise Refused(
            f"The history of {district} reaches back to {floor.at:%Y-%m-%d}; what was before has been purged "
            "(retention.history_days). Choose a later delivery."
        )


async def assert_followed(tx: AsyncConnection, position: int, line: int, district: str | None) -> None:
    """Raise `Refused` when changes after a line of a turn, of a district or of all, have been purged."""
    conditions = [floors.c.position >= position]
    if district is not None:
        conditions.append(floors.c.district == district)
    gone = await _select(tx, *conditions)
    if not gone:
        return
    last = max(gone, key=lambda one: one.position)
    turn = await turns.at(tx, last.position)
    end = turn.lines_max if turn else 0
    if (position, line) < (last.position, end):
        raise Refused(
            f"Changes of {last.district} up to {last.at:%Y-%m-%d} have been purged (retention.history_days, or the "
            "district's removal), so the feed cannot be told from there. Export the roster with `rostergate roster`, "
            f"and follow the feed with --after {last.position}.{end}."
        )


async def following(tx: AsyncConnection, district: str, before: datetime) -> Floor | None:
    """Return the floor that a district's history can be purged to; None when it has nothing to purge.

    It is that of the last turn before a time, or lower, where the newest change of the roster was earlier.
    """
    of_district = turns_table.c.district == district
    aged = sa.select(sa.func.max(turns_table.c.ground)).where(of_district, turns_table.c.at < before)
    ground = int(await tx.scalar(aged) or 0)
    newest = sa.select(turns_table.c.delivery).where(
        of_district, turns_table.c.ground == await roster.ground(tx, district)
    )
    # Of the turns on the newest ground, the first is the one that moved the roster there.
    changed = await tx.scalar(newest.order_by(turns_table.c.position).limit(1))
    if changed is None:
        return None
    ground = min(ground, (await turns.span(tx, changed)).before)
    now = await of(tx, district)
    if ground <= (now.ground if now else 0):
        return None
    last = sa.select(turns_table.c.position, turns_table.c.at).where(of_district, turns_table.c.ground <= ground)
    position, at = (await tx.execute(last.order_by(turns_table.c.position.desc()).limit(1))).one()
    return Floor(district, ground, position, at)


async def rise(tx: AsyncConnection, floor: Floor) -> None:
    """Set a district's floor, unless it is as high already: who worked one out may come late."""
    now = await of(tx, floor.district)
    if now is not None and now.position >= floor.position:
        return
    await tx.execute(floors.delete().where(floors.c.district == floor.district))
    await tx.execute(
        floors.insert().values(district=floor.district, ground=floor.ground, position=floor.position, at=floor.at)
    )


async def below(tx: AsyncConnection, floor: Floor) -> int:
    """Return how many versions of roster rows there are below a floor."""
    return sum([int(await tx.scalar(_counted(versions[name], floor)) or 0) for name in TABLES])


def _counted(made: sa.Table, floor: Floor) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(made).where(*_ended_below(made, floor))


async def purge_some(tx: AsyncConnection, floor: Floor, rows_max: int) -> int:
    """Remove up to so many versions below a floor, and the accounts of people of whom nothing is left.

    Return how many versions that were; 0 when nothing is left below.
    """
    for name, table in TABLES.items():
        made = versions[name]
        query = sa.select(made.c.id, made.c[table.key[0]]).where(*_ended_below(made, floor)).limit(rows_max)
        some = (await tx.execute(query)).all()
        if some:
            await tx.execute(made.delete().where(made.c.id.in_([one.id for one in some])))
            if table in PEOPLE:
                await _forget_accounts(tx, floor.district, table, {one[1] for one in some})
            return len(some)
    return 0


async def plans_below(tx: AsyncConnection, floor: Floor, limit: int | None = None) -> list[int]:
    """Return closed plans whose rows are not needed by anything on or above a floor, by their numbers."""
    closed = plans.c.state.not_in([state.value for state in OPEN])
    applied = sa.exists().where(applied_changes.c.delivery == plans.c.delivery)
    kept = sa.or_(plans.c.changes != PACKED_NOTHING, applied)
    query = sa.select(plans.c.id).where(plans.c.district == floor.district, closed, plans.c.closed_at <= floor.at, kept)
    return list(await tx.scalars(query.order_by(plans.c.id).limit(limit)))


async def empty_plans(tx: AsyncConnection, numbers: Collection[int]) -> None:
    """Remove the rows of plans; their counts, holds and decisions stay.

    Those of plans that were applied at once go with the first of them: all have the same moment.
    """
    of_them = sa.select(plans.c.delivery).where(plans.c.id.in_(numbers))
    await tx.execute(applied_changes.delete().where(applied_changes.c.delivery.in_(of_them)))
    await tx.execute(held_rows.delete().where(held_rows.c.plan.in_(numbers)))
    await tx.execute(plans.update().where(plans.c.id.in_(numbers)).values(changes=PACKED_NOTHING))


async def _forget_accounts(tx: AsyncConnection, district: str, people: Table, ids: Collection[str]) -> None:
    of_them = accounts.c.district == district, accounts.c.role == people.name
    known = set(await tx.scalars(sa.select(accounts.c.person_id).where(*of_them, accounts.c.person_id.in_(ids))))
    if not known:
        return
    made, key = versions[people.name], versions[people.name].c[people.key[0]]
    for still in (made.c.until_delivery.is_(None), made.c.until_ground.is_not(None)):  # one index each
        known -= set(await tx.scalars(sa.select(key).where(made.c.district == district, key.in_(known), still)))
    await tx.execute(accounts.delete().where(*of_them, accounts.c.person_id.in_(known)))


def _ended_below(made: sa.Table, floor: Floor) -> tuple[sa.ColumnElement[bool], ...]:
    # The second condition is what the index of ended versions is made with.
    return made.c.district == floor.district, made.c.until_ground.is_not(None), made.c.until_ground <= floor.ground


async def _select(tx: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[Floor]:
    columns = (floors.c[name] for name in Floor.__slots__)
    return [Floor(*row) for row in await tx.execute(sa.select(*columns).where(*conditions))]
