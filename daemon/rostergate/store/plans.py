"""Plans in the store: the changes of one school in one delivery, why they wait, and what became of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from string import hexdigits
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core import concerned
from rostergate.core.delivery import State as DeliveryState
from rostergate.core.plan import Counts, Hold, unpack
from rostergate.core.plan_state import OPEN, State
from rostergate.core.school_status import Status, status
from rostergate.errors import NotFound, Refused
from rostergate.store import applied
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.store.schema import held_rows
from rostergate.store.schema import holds as holds_table
from rostergate.store.schema import left_out as left_out_table
from rostergate.store.schema import plans as plans_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

PLAN_CHARACTERS: Final = 12
"""Length of a plan's short name: the beginning of its hash."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One school's plan as it stands; `changes` reads what the plans of a delivery change."""

    id: int
    hash: str
    delivery: str
    district: str
    school_id: str
    name: str
    state: State
    ground: int
    """The school's ground when the plan was worked out."""
    counts: dict[str, Counts]
    platform_school: str | None
    closed_by: str | None
    """Who released or discarded it; None when no person did."""
    reason: str | None
    closed_at: datetime | None
    holds: tuple[Hold, ...]
    """Without their rows; `concerned_rows` reads those."""
    left_out: int
    """Rows of the school that are in the files but could not be used."""

    @property
    def status(self) -> Status:
        """Where the school stands."""
        schools = self.counts["schools"]
        return status(self.state, in_files=not schools.removed, new=bool(schools.added), left_out=self.left_out)

    @property
    def plan(self) -> str:
        """The short name that people use."""
        return self.hash[:PLAN_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a school has been on hold: each delivery puts a new plan in the place of the old one."""

    district: str
    since: datetime
    """When the first plan was decided of the line of those that were held one after another."""
    deliveries: int
    """How many that line has."""


_COLUMNS = tuple(plans_table.c[name] for name in StoredPlan.__slots__ if name not in {"holds", "left_out"})
_IS_OPEN: Final = plans_table.c.state.in_([state.value for state in OPEN])


def is_held(some: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that plans wait for a person.

    They are found by their deliveries, of which few wait: there is a plan for each school on each day there ever was.
    """
    planned = sa.select(deliveries_table.c.id).where(deliveries_table.c.state == DeliveryState.PLANNED.value)
    return sa.and_(some.c.state == State.HELD.value, some.c.delivery.in_(planned))


async def of(tx: AsyncConnection, *deliveries: str) -> list[StoredPlan]:
    """Return the plans of some deliveries, each one's in the order of its verdict."""
    return await _select(tx, plans_table.c.delivery.in_(deliveries))


async def get(tx: AsyncConnection, number: int) -> StoredPlan:
    """Return one plan by its number in the store. Raises `NotFound`."""
    found = await _select(tx, plans_table.c.id == number)
    if not found:
        raise NotFound(f"There is no plan number {number}.")
    return found[0]


async def numbered(tx: AsyncConnection, numbers: Iterable[int]) -> list[StoredPlan]:
    """Return plans by their numbers in the store, in the order of those."""
    return await _select(tx, plans_table.c.id.in_([*numbers]))


async def held(tx: AsyncConnection, district: str | None = None) -> list[StoredPlan]:
    """Return the plans of one district, or of all, that wait for a person, longest waiting first."""
    conditions = [] if district is None else [plans_table.c.district == district]
    return await _select(tx, is_held(plans_table), *conditions)


async def waits(tx: AsyncConnection, district: str | None = None) -> dict[int, Wait]:
    """Return how long the schools of one district, or of all, have been on hold, by the number of the held plan.

    A line is ended by a plan of the school that no hold has stopped, or that a person has closed.
    """
    one, other = plans_table.alias(), plans_table.alias()
    held_now = sa.select(other.c.district, other.c.school_id).where(is_held(other))
    if district is not None:
        held_now = held_now.where(other.c.district == district)
    of_school = one.c.district, one.c.school_id
    asked = sa.tuple_(*of_school).in_(held_now)
    replaced = sa.and_(one.c.state == State.SUPERSEDED.value, one.c.id.in_(sa.select(holds_table.c.plan)))
    in_line = sa.or_(one.c.state == State.HELD.value, replaced)
    ends = sa.select(*of_school, sa.func.max(one.c.id).label("end")).where(asked, ~in_line).group_by(*of_school)
    end, decided_at = ends.subquery(), deliveries_table.c.decided_at
    since = sa.type_coerce(sa.func.min(decided_at), decided_at.type)
    query = (
        sa.select(sa.func.max(one.c.id), one.c.district, since, sa.func.count())
        .join(deliveries_table, deliveries_table.c.id == one.c.delivery)
        .outerjoin(end, sa.and_(end.c.district == one.c.district, end.c.school_id == one.c.school_id))
        .where(asked, in_line, one.c.id > sa.func.coalesce(end.c.end, 0))
        .group_by(*of_school)
    )
    return {plan: Wait(*wait) for plan, *wait in await tx.execute(query)}


async def waiting(tx: AsyncConnection, *districts: str) -> list[StoredPlan]:
    """Return the plans of some districts that something can still follow for, longest waiting first."""
    return await _select(tx, plans_table.c.district.in_(districts), _IS_OPEN)


async def changes(tx: AsyncConnection, delivery: str) -> dict[str, Frames]:
    """Return what the plans of a delivery change, by school id, as `core.plan.Plan.changes`; those that do anything."""
    query = sa.select(plans_table.c.school_id, plans_table.c.changes).where(plans_table.c.delivery == delivery)
    own: dict[str, bytes] = {school_id: rows for school_id, rows in await tx.execute(query) if rows}
    found = await applied.load(tx, delivery)
    return found | await asyncio.to_thread(lambda: {school_id: unpack(rows) for school_id, rows in own.items()})


async def concerned_rows(tx: AsyncConnection, plan: StoredPlan) -> tuple[Hold, ...]:
    """Return a plan's holds with the rows that each is about; None for one of before those were kept."""
    query = sa.select(held_rows.c.position, held_rows.c.rows).where(held_rows.c.plan == plan.id)
    packed: dict[int, bytes] = {place: rows for place, rows in await tx.execute(query)}  # noqa: C416 - of rows
    return tuple(
        replace(hold, rows=concerned.unpack(packed[place])) if place in packed else hold
        for place, hold in enumerate(plan.holds)
    )


async def find(tx: AsyncConnection, ref: str) -> StoredPlan:
    """Return the plan that a person means by the beginning of its hash, or by DELIVERY:HASH.

    The same changes, sent again, have the same hash: of a district's plans of one hash that which still waits is meant,
    or else the newest. Raises `NotFound`; raises `Refused` when several plans could be meant.
    """
    delivery, _, prefix = ref.strip().lower().rpartition(":")
    if not prefix or not set(prefix) <= set(hexdigits):
        raise NotFound(f"{ref!r} is no plan; `rostergate holds` lists them.")
    # A range instead of LIKE, for the index: "g" comes after every hexadecimal digit.
    conditions = [plans_table.c.hash >= prefix, plans_table.c.hash < prefix + "g"]
    if delivery:
        conditions.append(plans_table.c.delivery == delivery)
    # Of as many as there may be with so short a beginning, or with the hash of no change, only the one is read.
    newest = sa.select(sa.func.max(plans_table.c.id)).where(*conditions)
    newest = newest.group_by(plans_table.c.district, plans_table.c.hash)
    meant = (await tx.scalars(newest.where(_IS_OPEN))).all() or (await tx.scalars(newest)).all()
    if not meant:
        raise NotFound(f"There is no plan {ref}; `rostergate holds` lists them.")
    found = await get(tx, max(meant))
    if len(meant) > 1:
        raise Refused(
            f"{ref} could be any of {len(meant)} plans. Give more of the hash, or DELIVERY:HASH, "
            f"for example {found.delivery}:{found.plan}."
        )
    return found


async def waiting_for_match(tx: AsyncConnection, delivery: str) -> frozenset[str]:
    """Return the ids of the schools of a delivery that wait to be matched."""
    query = sa.select(plans_table.c.school_id)
    unmatched = plans_table.c.state == State.UNMATCHED.value
    return frozenset(await tx.scalars(query.where(plans_table.c.delivery == delivery, unmatched)))


async def any_open(tx: AsyncConnection, delivery: str) -> bool:
    """Say whether a plan of a delivery is left that something can still follow for."""
    query = sa.select(plans_table.c.id).where(plans_table.c.delivery == delivery, _IS_OPEN)
    return await tx.scalar(query.limit(1)) is not None


async def open_of(tx: AsyncConnection, district: str, school_id: str) -> StoredPlan | None:
    """Return the plan of a school that something can still follow for; None when there is none."""
    found = await _select(tx, plans_table.c.district == district, plans_table.c.school_id == school_id, _IS_OPEN)
    return found[-1] if found else None


async def _select(tx: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[StoredPlan]:
    query = sa.select(*_COLUMNS).where(*conditions).order_by(plans_table.c.id)
    rows = (await tx.execute(query)).all()
    stopped = await _holds(tx, conditions)
    lost = sa.select(left_out_table.c.plan, left_out_table.c.rows).join(plans_table).where(*conditions)
    left_out: dict[int, int] = {plan: count for plan, count in await tx.execute(lost)}  # noqa: C416 - of rows
    return [_plan(row, stopped.get(row.id, ()), left_out.get(row.id, 0)) for row in rows]


async def _holds(tx: AsyncConnection, conditions: Sequence[sa.ColumnElement[bool]]) -> dict[int, tuple[Hold, ...]]:
    columns = (holds_table.c.plan, holds_table.c.code, holds_table.c.message, holds_table.c.numbers)
    query = sa.select(*columns).join(plans_table, plans_table.c.id == holds_table.c.plan).where(*conditions)
    found: dict[int, tuple[Hold, ...]] = {}
    for plan, *hold in await tx.execute(query.order_by(holds_table.c.plan, holds_table.c.position)):
        found[plan] = (*found.get(plan, ()), Hold(*hold))
    return found


def _plan(row: sa.Row[Any], stopped: tuple[Hold, ...], left_out: int) -> StoredPlan:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    values["state"] = State(values["state"])
    values["counts"] = {table: Counts(**counts) for table, counts in values["counts"].items()}
    return StoredPlan(**values, holds=stopped, left_out=left_out)
