"""Deciding plans in the store: what a person, a match or a newer delivery makes of those that wait.

Rule 1: a state changes only through `core.plan_state.after`; what is illegal raises and changes nothing.
Rule 2: a release applies exactly the changes that were stored, and only while the school's part of the roster is as it
was when they were worked out.
Rule 3: a person closes a plan with a name and a reason, and both are kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core import concerned
from rostergate.core.delivery import Event as DeliveryEvent
from rostergate.core.plan import Hold, Plan, pack, unpack
from rostergate.core.plan_state import OPEN, Event, State, after
from rostergate.errors import Refused
from rostergate.store import deliveries, plans, roster, schools, turns
from rostergate.store.schema import held_rows
from rostergate.store.schema import holds as holds_table
from rostergate.store.schema import plans as plans_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.store.plans import StoredPlan

NO_LIMIT_CROSSED: Final = (
    "The roster of the school has changed since this was held, and the plan was worked out again. It crosses no limit "
    "any more."
)
"""The reason of a plan that stays held although no hold would stop it now."""
_REFUSALS: Final = {
    State.SUPERSEDED: "a newer delivery, an undo or an erasure ended it; `rostergate holds` lists what waits now",
    State.APPLIED: "it has been applied already",
    State.DISCARDED: "it has been discarded already",
    State.DESELECTED: "its school is not rostered",
    State.UNMATCHED: (
        "its school waits to be matched to a school of the platform first: "
        "`rostergate schools list --district DISTRICT` shows which are near"
    ),
    State.CLEAR: "it is not held",
}


class GroundMovedUnderPlan(Refused):
    """The roster of the plan's school has changed since the plan was worked out; work it out again."""

    def __init__(self, plan: StoredPlan) -> None:
        super().__init__(
            f"Plan {plan.plan} was not applied: the roster of school {plan.school_id} has changed since it was worked "
            "out."
        )
        self.plan = plan


async def release(tx: AsyncConnection, refs: Iterable[str], by: str, reason: str, at: datetime) -> list[StoredPlan]:
    """Apply held plans exactly as they were held, all or none, and return them as they then stand.

    Those of one delivery are one turn. It is settled with its last plan, and will be reported again. Raises `NotFound`;
    raises `Refused` when one of them does not wait any more; raises `GroundMovedUnderPlan` when the roster of a school
    has changed since: let either out of the transaction, and work the plan out again (`worker.rework`).
    """
    meant = await _held(tx, refs, "released", by, reason)
    closed = []
    for some in _by_delivery(meant):
        clear = [replace(one, state=after(one.state, Event.RELEASED)) for one in some]
        closed += await _apply(tx, clear, by=by, reason=reason, at=at)
    return closed


async def discard(tx: AsyncConnection, refs: Iterable[str], by: str, reason: str, at: datetime) -> list[StoredPlan]:
    """Drop held plans, all or none, and return them as they then stand.

    A delivery is settled with its last plan, and will be reported again. Raises `NotFound`; raises `Refused` when one
    of them does not wait any more: let it out of the transaction.
    """
    meant = await _held(tx, refs, "discarded", by, reason)
    closed = []
    for some in _by_delivery(meant):
        (state,) = {after(one.state, Event.DISCARDED) for one in some}
        closed += await _close(tx, some, state, by=by, reason=reason, at=at)
    return closed


async def matched(
    tx: AsyncConnection, plan: StoredPlan, platform_school: str | None, by: str, reason: str, at: datetime
) -> StoredPlan:
    """Let the plan of a school that waited for its match go on: applied, or held where a hold stops it.

    Raises `IllegalTransition` for a plan that does not wait for a match, `GroundMovedUnderPlan` as `release` does.
    """
    event = Event.MATCHED_HELD if plan.holds else Event.MATCHED_CLEAR
    state = after(plan.state, event)
    change = plans_table.update().where(plans_table.c.id == plan.id)
    await tx.execute(change.values(platform_school=platform_school, state=state.value))
    if state is State.CLEAR:
        there = replace(plan, platform_school=platform_school, state=state)
        (applied_now,) = await _apply(tx, [there], by=by, reason=reason, at=at)
        return applied_now
    await deliveries.ask_for_report(tx, plan.delivery)
    return await plans.get(tx, plan.id)


async def matched_anew(tx: AsyncConnection, plan: StoredPlan, platform_school: str | None) -> StoredPlan:
    """Give a plan that is held another school of the platform, and return it: its release must not bring the old back.

    What it changes, and so its hash, stays.
    """
    change = plans_table.update().where(plans_table.c.id == plan.id)
    await tx.execute(change.values(platform_school=platform_school))
    await deliveries.ask_for_report(tx, plan.delivery)
    return await plans.get(tx, plan.id)


async def deselected(tx: AsyncConnection, plan: StoredPlan, by: str, reason: str, at: datetime) -> StoredPlan:
    """Close the open plan of a school that is not rostered any more: one that is held is discarded.

    Raises `IllegalTransition` for a plan that is not open.
    """
    event = Event.DISCARDED if plan.state is State.HELD else Event.DESELECTED
    (closed,) = await _close(tx, [plan], after(plan.state, event), by=by, reason=reason, at=at)
    return closed


async def put_again(tx: AsyncConnection, plan: StoredPlan, again: Plan) -> StoredPlan:
    """Put a plan that was worked out again in the place of one whose ground has moved, and return it.

    It waits as the old one did, under its own hash. A held plan stays held even when no hold would stop it now: who
    looked at the old changes has not seen these. Raises `Refused` when the old plan does not wait any more.
    """
    present = await plans.open_of(tx, plan.district, plan.school_id)
    if present is None or present.hash != plan.hash or present.delivery != plan.delivery:
        raise Refused(f"Plan {plan.plan} does not wait any more; `rostergate holds` lists what waits now.")
    stopped = again.holds
    if plan.state is State.HELD and not stopped:
        stopped = (Hold(plan.holds[0].code, NO_LIMIT_CROSSED, {}),)
    change = plans_table.update().where(plans_table.c.id == plan.id)
    await tx.execute(
        change.values(
            hash=again.hash,
            ground=await roster.ground(tx, plan.district, plan.school_id),
            counts={table: asdict(counts) for table, counts in again.counts.items()},
            changes=await asyncio.to_thread(pack, again.changes),
        )
    )
    for table in (held_rows, holds_table):
        await tx.execute(table.delete().where(table.c.plan == plan.id))
    await write_holds(tx, {plan.id: stopped})
    await deliveries.ask_for_report(tx, plan.delivery)
    return await plans.get(tx, plan.id)


async def write_holds(tx: AsyncConnection, stopped: Mapping[int, tuple[Hold, ...]]) -> None:
    """Write why plans, by their number, wait; and the rows concerned."""
    reasons = [(plan, place, hold) for plan, found in stopped.items() for place, hold in enumerate(found)]
    told = [
        {"plan": plan, "position": place, "code": hold.code, "message": hold.message, "numbers": hold.numbers}
        for plan, place, hold in reasons
    ]
    rows = [
        {"plan": plan, "position": place, "rows": await asyncio.to_thread(concerned.pack, hold.rows)}
        for plan, place, hold in reasons
        if hold.rows is not None
    ]
    for table, values in ((holds_table, told), (held_rows, rows)):
        if values:
            await tx.execute(table.insert(), values)


async def supersede_older(tx: AsyncConnection, district: str, delivery: str, at: datetime) -> int:
    """Let a delivery take the place of the district's plans that are still open; return how many those were."""
    of_district = plans_table.c.district == district, plans_table.c.delivery != delivery
    older = 0
    for state in OPEN:
        change = plans_table.update().where(*of_district, plans_table.c.state == state.value)
        older += (await tx.execute(change.values(state=after(state, Event.REPLACED).value, closed_at=at))).rowcount
    return older


async def _held(tx: AsyncConnection, refs: Iterable[str], what: str, by: str, reason: str) -> list[StoredPlan]:
    """Return the plans that are meant, each once, in the order in which they were worked out."""
    if not by.strip() or not reason.strip():
        raise Refused(f"A plan is {what} by somebody, for a reason: give both.")
    meant = {plan.id: plan for plan in [await plans.find(tx, ref) for ref in refs]}
    for plan in meant.values():
        if plan.state is not State.HELD:
            raise Refused(f"Plan {plan.plan} cannot be {what}: {_REFUSALS[plan.state]}.")
    return [meant[number] for number in sorted(meant)]


def _by_delivery(some: Iterable[StoredPlan]) -> list[list[StoredPlan]]:
    of_each: dict[str, list[StoredPlan]] = {}
    for one in some:
        of_each.setdefault(one.delivery, []).append(one)
    return list(of_each.values())


async def _apply(
    tx: AsyncConnection, some: Sequence[StoredPlan], *, by: str, reason: str, at: datetime
) -> list[StoredPlan]:
    """Apply plans of one delivery, which are clear, together."""
    for plan in some:
        if await roster.ground(tx, plan.district, plan.school_id) != plan.ground:
            raise GroundMovedUnderPlan(plan)
    (done,) = {after(plan.state, Event.APPLIED) for plan in some}
    district, delivery = some[0].district, some[0].delivery
    there = {plan.school_id: plan.platform_school for plan in some if not plan.counts["schools"].removed}
    await schools.assert_free(tx, delivery, district, there)
    query = sa.select(plans_table.c.changes).where(plans_table.c.id.in_([plan.id for plan in some]))
    waiting: Sequence[Any] = (await tx.scalars(query)).all()
    changed = await asyncio.to_thread(lambda: [unpack(one) for one in waiting])
    if not await roster.apply(tx, district, changed, delivery, at):
        await turns.take(tx, delivery, district, ground=await roster.ground(tx, district), at=at, rows={})
    await schools.remember(tx, district, there, at, await turns.last(tx))
    return await _close(tx, some, done, by=by, reason=reason, at=at)


async def _close(
    tx: AsyncConnection, some: Sequence[StoredPlan], state: State, *, by: str, reason: str, at: datetime
) -> list[StoredPlan]:
    """Close plans of one delivery, which is settled with its last one."""
    delivery = some[0].delivery
    numbers = [plan.id for plan in some]
    change = plans_table.update().where(plans_table.c.id.in_(numbers))
    await tx.execute(change.values(state=state.value, closed_by=by.strip(), reason=reason.strip(), closed_at=at))
    await deliveries.ask_for_report(tx, delivery)
    if not await plans.any_open(tx, delivery):
        await deliveries.step(tx, delivery, DeliveryEvent.LAST_PLAN_CLOSED, closed_at=at)
    return await plans.numbered(tx, numbers)
