"""Plans in the store: the changes of one school in one delivery, and what people decided about them.

Rule 1: a state changes only through `core.plan_state.after`; what is illegal raises and changes nothing.
Rule 2: a release applies exactly the changes that were stored, and only while the school's part of the roster is as it
was when they were worked out.
Rule 3: a person closes a plan with a name and a reason, and both are kept.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from string import hexdigits
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core import concerned
from rostergate.core.delivery import Event as DeliveryEvent
from rostergate.core.plan import Counts, Hold, Plan, pack, unpack
from rostergate.core.plan_state import OPEN, Event, State, after
from rostergate.core.school_status import Status, status
from rostergate.errors import NotFound, Refused
from rostergate.store import applied, deliveries, roster, schools, turns
from rostergate.store.schema import held_rows
from rostergate.store.schema import holds as holds_table
from rostergate.store.schema import left_out as left_out_table
from rostergate.store.schema import plans as plans_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

PLAN_CHARACTERS: Final = 12
"""Length of a plan's short name: the beginning of its hash."""

NO_LIMIT_CROSSED: Final = (
    "The roster of the school has changed since this was held, and the plan was worked out again. It crosses no limit "
    "any more."
)


class GroundMovedUnderPlan(Refused):
    """The roster of the plan's school has changed since the plan was worked out; work it out again."""

    def __init__(self, plan: StoredPlan) -> None:
        super().__init__(
            f"Plan {plan.plan} was not applied: the roster of school {plan.school_id} has changed since it was worked "
            "out."
        )
        self.plan = plan


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


_COLUMNS = tuple(plans_table.c[name] for name in StoredPlan.__slots__ if name not in {"holds", "left_out"})
_IS_OPEN: Final = plans_table.c.state.in_([state.value for state in OPEN])
_REFUSALS: Final = {
    State.SUPERSEDED: "a newer delivery, an undo or an erasure ended it; `rostergate holds` lists what waits now",
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


async def waiting(tx: AsyncConnection, district: str) -> list[StoredPlan]:
    """Return the plans of a district that something can still follow for, longest waiting first."""
    return await _select(tx, plans_table.c.district == district, _IS_OPEN)


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
    found = await _select(tx, *conditions)
    if not found:
        raise NotFound(f"There is no plan {ref}; `rostergate holds` lists them.")
    found = [one for one in found if one.state in OPEN] or found
    meant = list({(one.district, one.hash): one for one in found}.values())
    if len(meant) > 1:
        raise Refused(
            f"{ref} could be any of {len(meant)} plans. Give more of the hash, or DELIVERY:HASH, "
            f"for example {meant[-1].delivery}:{meant[-1].plan}."
        )
    return meant[0]


async def release(tx: AsyncConnection, ref: str, by: str, reason: str, at: datetime) -> StoredPlan:
    """Apply a held plan exactly as it was held, and return it as it then stands. As `release_all`."""
    (plan,) = await release_all(tx, [ref], by, reason, at)
    return plan


async def release_all(tx: AsyncConnection, refs: Iterable[str], by: str, reason: str, at: datetime) -> list[StoredPlan]:
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


async def discard(tx: AsyncConnection, ref: str, by: str, reason: str, at: datetime) -> StoredPlan:
    """Drop a held plan, and return it as it then stands. As `discard_all`."""
    (plan,) = await discard_all(tx, [ref], by, reason, at)
    return plan


async def discard_all(tx: AsyncConnection, refs: Iterable[str], by: str, reason: str, at: datetime) -> list[StoredPlan]:
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
    return await get(tx, plan.id)


async def matched_anew(tx: AsyncConnection, plan: StoredPlan, platform_school: str | None) -> StoredPlan:
    """Give a plan that is held another school of the platform, and return it: its release must not bring the old back.

    What it changes, and so its hash, stays.
    """
    change = plans_table.update().where(plans_table.c.id == plan.id)
    await tx.execute(change.values(platform_school=platform_school))
    await deliveries.ask_for_report(tx, plan.delivery)
    return await get(tx, plan.id)


async def deselected(tx: AsyncConnection, plan: StoredPlan, by: str, reason: str, at: datetime) -> StoredPlan:
    """Close the open plan of a school that is not rostered any more: one that is held is discarded.

    Raises `IllegalTransition` for a plan that is not open.
    """
    event = Event.DISCARDED if plan.state is State.HELD else Event.DESELECTED
    (closed,) = await _close(tx, [plan], after(plan.state, event), by=by, reason=reason, at=at)
    return closed


async def waiting_for_match(tx: AsyncConnection, delivery: str) -> frozenset[str]:
    """Return the ids of the schools of a delivery that wait to be matched."""
    query = sa.select(plans_table.c.school_id)
    unmatched = plans_table.c.state == State.UNMATCHED.value
    return frozenset(await tx.scalars(query.where(plans_table.c.delivery == delivery, unmatched)))


async def open_of(tx: AsyncConnection, district: str, school_id: str) -> StoredPlan | None:
    """Return the plan of a school that something can still follow for; None when there is none."""
    found = await _select(tx, plans_table.c.district == district, plans_table.c.school_id == school_id, _IS_OPEN)
    return found[-1] if found else None


async def put_again(tx: AsyncConnection, plan: StoredPlan, again: Plan) -> StoredPlan:
    """Put a plan that was worked out again in the place of one whose ground has moved, and return it.

    It waits as the old one did, under its own hash. A held plan stays held even when no hold would stop it now: who
    looked at the old changes has not seen these. Raises `Refused` when the old plan does not wait any more.
    """
    present = await open_of(tx, plan.district, plan.school_id)
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
    return await get(tx, plan.id)


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
    meant = {plan.id: plan for plan in [await find(tx, ref) for ref in refs]}
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
    chosen = plans_table.c.id.in_([plan.id for plan in some])
    change = plans_table.update().where(chosen)
    await tx.execute(change.values(state=state.value, closed_by=by.strip(), reason=reason.strip(), closed_at=at))
    await deliveries.ask_for_report(tx, delivery)
    still = plans_table.c.delivery == delivery, _IS_OPEN
    if not await tx.scalar(sa.select(sa.func.count()).select_from(plans_table).where(*still)):
        await deliveries.step(tx, delivery, DeliveryEvent.LAST_PLAN_CLOSED, closed_at=at)
    return await _select(tx, chosen)


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
