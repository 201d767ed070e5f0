"""Plans in the store: the changes of one school in one delivery, and what people decided about them.

Rule 1: a state changes only through `core.plan.after`; what is illegal raises and changes nothing.
Rule 2: a release applies exactly the changes that were stored, and only while the school's part of the roster is as it
was when they were worked out.
Rule 3: a person closes a plan with a name and a reason, and both are kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from string import hexdigits
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core.delivery import Event as DeliveryEvent
from rostergate.core.plan import OPEN, Counts, Event, Hold, State, after, unpack
from rostergate.errors import NotFound, Refused
from rostergate.store import deliveries, roster
from rostergate.store.schema import holds as holds_table
from rostergate.store.schema import plans as plans_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

PLAN_CHARACTERS: Final = 12
"""Length of a plan's short name: the beginning of its hash."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One school's plan as it stands; `changes` reads what it changes."""

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

    @property
    def plan(self) -> str:
        """The short name that people use."""
        return self.hash[:PLAN_CHARACTERS]


_COLUMNS = tuple(plans_table.c[name] for name in StoredPlan.__slots__ if name != "holds")
_REFUSALS: Final = {
    State.SUPERSEDED: "a newer delivery took its place; `rostergate holds` lists what waits now",
    State.APPLIED: "it has been applied already",
    State.DISCARDED: "it has been discarded already",
    State.DESELECTED: "its school is not rostered",
    State.UNMATCHED: "its school waits to be matched to a school of the platform first",
    State.CLEAR: "it is not held",
}


async def of(tx: AsyncConnection, delivery: str) -> list[StoredPlan]:
    """Return a delivery's plans, in the order of its verdict."""
    return await _select(tx, plans_table.c.delivery == delivery)


async def get(tx: AsyncConnection, number: int) -> StoredPlan:
    """Return one plan by its number in the store. Raises `NotFound`."""
    found = await _select(tx, plans_table.c.id == number)
    if not found:
        raise NotFound(f"There is no plan number {number}.")
    return found[0]


async def held(tx: AsyncConnection, district: str | None = None) -> list[StoredPlan]:
    """Return the plans of one district, or of all, that wait for a person, longest waiting first."""
    conditions = [plans_table.c.state == State.HELD.value]
    if district is not None:
        conditions.append(plans_table.c.district == district)
    return await _select(tx, *conditions)


async def changes(tx: AsyncConnection, plan: StoredPlan) -> Frames:
    """Return what a plan changes, as `core.plan.Plan.changes`."""
    packed: Any = await tx.scalar(sa.select(plans_table.c.changes).where(plans_table.c.id == plan.id))
    return await asyncio.to_thread(unpack, packed)


async def find(tx: AsyncConnection, ref: str) -> StoredPlan:
    """Return the plan that a person means by the beginning of its hash, or by DELIVERY:HASH.

    Plans that still wait come first: the same changes, sent again, have the same hash. Raises `NotFound`; raises
    `Refused` when several plans could be meant.
    """
    delivery, _, prefix = ref.strip().rpartition(":")
    prefix = prefix.lower()
    if not prefix or not set(prefix) <= set(hexdigits):
        raise NotFound(f"{ref!r} is no plan; `rostergate holds` lists them.")
    # A range instead of LIKE, for the index: "g" comes after every hexadecimal digit.
    conditions = [plans_table.c.hash >= prefix, plans_table.c.hash < prefix + "g"]
    if delivery:
        conditions.append(plans_table.c.delivery == delivery)
    found = await _select(tx, *conditions)
    if not found:
        raise NotFound(f"There is no plan {ref}; `rostergate holds` lists them.")
    meant = [one for one in found if one.state in OPEN] or found
    if len(meant) > 1:
        raise Refused(
            f"{ref} could be any of {len(meant)} plans. Give more of the hash, or DELIVERY:HASH, "
            f"for example {meant[-1].delivery}:{meant[-1].plan}."
        )
    return meant[0]


async def release(tx: AsyncConnection, ref: str, by: str, reason: str, at: datetime) -> StoredPlan:
    """Apply a held plan exactly as it was held, and return it as it then stands.

    Its delivery is settled with its last plan, and will be reported again. Raises `NotFound`; raises `Refused` when
    the plan does not wait any more, or the roster of its school has changed since it was worked out.
    """
    plan = await _held(tx, ref, "released", by, reason)
    if await roster.ground(tx, plan.district, plan.school_id) != plan.ground:
        raise Refused(
            f"Plan {plan.plan} cannot be released: the roster of school {plan.school_id} has changed since it was "
            "worked out. Discard it; the next delivery works it out again."
        )
    state = after(after(plan.state, Event.RELEASED), Event.APPLIED)
    await roster.apply(tx, plan.district, [await changes(tx, plan)], plan.delivery, at)
    return await _close(tx, plan, state, by=by, reason=reason, at=at)


async def discard(tx: AsyncConnection, ref: str, by: str, reason: str, at: datetime) -> StoredPlan:
    """Drop a held plan, and return it as it then stands.

    Its delivery is settled with its last plan, and will be reported again. Raises `NotFound`; raises `Refused` when
    the plan does not wait any more.
    """
    plan = await _held(tx, ref, "discarded", by, reason)
    return await _close(tx, plan, after(plan.state, Event.DISCARDED), by=by, reason=reason, at=at)


async def supersede_older(tx: AsyncConnection, district: str, delivery: str, at: datetime) -> int:
    """Let a delivery take the place of the district's plans that are still open; return how many those were."""
    of_district = (plans_table.c.district == district, plans_table.c.delivery != delivery)
    older = await _select(tx, *of_district, plans_table.c.state.in_([state.value for state in OPEN]))
    for one in older:
        state = after(one.state, Event.REPLACED)
        change = plans_table.update().where(plans_table.c.id == one.id)
        await tx.execute(change.values(state=state.value, closed_at=at))
    return len(older)


async def _held(tx: AsyncConnection, ref: str, what: str, by: str, reason: str) -> StoredPlan:
    if not by.strip() or not reason.strip():
        raise Refused(f"A plan is {what} by somebody, for a reason: give both.")
    plan = await find(tx, ref)
    if plan.state is not State.HELD:
        raise Refused(f"Plan {plan.plan} cannot be {what}: {_REFUSALS[plan.state]}.")
    return plan


async def _close(
    tx: AsyncConnection, plan: StoredPlan, state: State, *, by: str, reason: str, at: datetime
) -> StoredPlan:
    change = plans_table.update().where(plans_table.c.id == plan.id, plans_table.c.state == State.HELD.value)
    await tx.execute(change.values(state=state.value, closed_by=by.strip(), reason=reason.strip(), closed_at=at))
    await deliveries.ask_for_report(tx, plan.delivery)
    closed = await of(tx, plan.delivery)
    if not any(one.state in OPEN for one in closed):
        await deliveries.step(tx, plan.delivery, DeliveryEvent.LAST_PLAN_CLOSED, closed_at=at)
    return next(one for one in closed if one.id == plan.id)


async def _select(tx: AsyncConnection, *conditions: sa.ColumnElement[bool]) -> list[StoredPlan]:
    query = sa.select(*_COLUMNS).where(*conditions).order_by(plans_table.c.id)
    rows = (await tx.execute(query)).all()
    stopped = await _holds(tx, conditions)
    return [_plan(row, stopped.get(row.id, ())) for row in rows]


async def _holds(tx: AsyncConnection, conditions: Sequence[sa.ColumnElement[bool]]) -> dict[int, tuple[Hold, ...]]:
    columns = (holds_table.c.plan, holds_table.c.code, holds_table.c.message, holds_table.c.numbers)
    query = sa.select(*columns).join(plans_table, plans_table.c.id == holds_table.c.plan).where(*conditions)
    found: dict[int, tuple[Hold, ...]] = {}
    for plan, *hold in await tx.execute(query.order_by(holds_table.c.plan, holds_table.c.position)):
        found[plan] = (*found.get(plan, ()), Hold(*hold))
    return found


def _plan(row: sa.Row[Any], stopped: tuple[Hold, ...]) -> StoredPlan:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    values["state"] = State(values["state"])
    values["counts"] = {table: Counts(**counts) for table, counts in values["counts"].items()}
    return StoredPlan(**values, holds=stopped)
