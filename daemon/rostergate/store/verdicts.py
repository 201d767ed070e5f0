"""Verdicts in the store: what was decided about a delivery, written in one transaction, and read again.

Rule 1: everything that follows from a verdict is written together or not at all: findings, plans, holds, the roster,
and what the delivery takes the place of.
Rule 2: exactly once. Only a sealed delivery is concluded; a second time raises and changes nothing.
Rule 3: a verdict counts only for the roster that it was worked out from. When that has moved, nothing is written.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core import notices
from rostergate.core.delivery import Event, State
from rostergate.core.findings import Finding, Severity
from rostergate.core.plan import Counts, Plan, pack
from rostergate.core.plan_state import OPEN, after
from rostergate.core.plan_state import Event as PlanEvent
from rostergate.core.plan_state import State as PlanState
from rostergate.core.school_status import urgency
from rostergate.core.verdict import Outcome, Verdict
from rostergate.errors import StoreError
from rostergate.store import applied, deciding, deliveries, outbox, plans, roster, schools, turns, undos
from rostergate.store.beside import begun
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.store.schema import findings as findings_table
from rostergate.store.schema import left_out as left_out_table
from rostergate.store.schema import plans as plans_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class GroundMoved(StoreError):  # noqa: N818 - it names what happened
    """The roster has changed since the delivery was decided; decide it again."""


@dataclass(frozen=True, slots=True)
class Concluded:
    """What a verdict has led to."""

    state: State
    """The delivery's: rejected, planned or settled."""
    held: int
    """Plans that wait for a person to release or discard them."""


async def conclude(
    tx: AsyncConnection,
    delivery: str,
    verdict: Verdict,
    *,
    ground: int,
    at: datetime,
    audience: notices.Audience = notices.NOBODY,
) -> Concluded:
    """Write a verdict and everything that follows from it, the mail to its audience included.

    `ground` is the district's (`roster.ground`), read in the transaction that read the roster. Raises `NotFound`;
    `IllegalTransition` when the delivery is not sealed; `GroundMoved` when the roster has changed meanwhile. Let it out
    of the transaction, so that nothing is written.
    """
    if verdict.outcome is Outcome.INCOMPLETE:
        raise AssertionError("an incomplete set is not a delivery: nothing was decided about it")
    about = await deliveries.get(tx, delivery)
    accepted = verdict.outcome is Outcome.ACCEPTED
    state = await deliveries.step(
        tx,
        delivery,
        Event.ACCEPTED if accepted else Event.REFUSED,
        format=verdict.format,
        outcome=verdict.outcome.value,
        files=[asdict(one) for one in verdict.files],
        totals={name: asdict(one) for name, one in (verdict.totals or {}).items()},
        decided_at=at,
        closed_at=None if accepted else at,
        reported_at=None,
        error=None,
    )
    if await roster.ground(tx, about.district) != ground:
        raise GroundMoved
    await _write_findings(tx, delivery, verdict.findings)
    await _write_mail(tx, about, verdict, audience, at)
    if accepted:
        return await _write_plans(tx, about, verdict.plans, ground, at)
    await turns.take(tx, delivery, about.district, ground=ground, at=at, rows={})
    return Concluded(state, held=0)


async def load(tx: AsyncConnection, delivery: str) -> dict[str, Any]:
    """Return the published shape of a delivery (`rostergate show --json`): plain values, ready for JSON.

    The keys of `Verdict.as_json` save `recognised`, which is not kept; schools most urgent first, then by name, each
    with the state that it has now and with `plan`, `hash`, `platform_school`, `closed_by`, `reason` and `closed_at`
    (null while open), `held_since` and `held_deliveries` (null unless it is held); and the delivery's own. Before it is
    decided `verdict` is null, `files` is what was sealed, and the rest is empty. `undo` is null, or what this delivery
    undoes (`undone`, `school_id` or null, `asked_by`, `reason`); `undone_by` lists those that undo it. Raises
    `NotFound`.
    """
    about = await deliveries.get(tx, delivery)
    undo = await undos.of(tx, delivery)
    waits = await plans.waits(tx, about.district) if about.state is State.PLANNED else {}
    totals = await tx.scalar(sa.select(deliveries_table.c.totals).where(deliveries_table.c.id == delivery))
    return {
        "delivery": about.id,
        "district": about.district,
        "state": about.state.value,
        "day": about.day and about.day.isoformat(),
        "began_at": about.began_at.isoformat(),
        "received_at": _text(about.sealed_at),
        "decided_at": _text(about.decided_at),
        "closed_at": _text(about.closed_at),
        "attempts": about.attempts,
        "error": about.error,
        "format": about.format,
        "verdict": about.outcome and about.outcome.value,
        "files": [asdict(one) for one in about.files],
        "findings": [{**asdict(one), "lines": list(one.lines)} for one in await findings(tx, delivery)],
        "schools": [_school(one, waits.get(one.id)) for one in _most_urgent_first(await plans.of(tx, delivery))],
        "totals": totals or {},
        "undo": undo and {name: value for name, value in asdict(undo).items() if name != "delivery"},
        "undone_by": await undos.undoing(tx, delivery),
    }


async def findings(tx: AsyncConnection, delivery: str) -> tuple[Finding, ...]:
    """Return a delivery's findings in the order of its verdict; none before it is decided."""
    columns = (findings_table.c[name] for name in Finding.__slots__)
    query = sa.select(*columns).where(findings_table.c.delivery == delivery).order_by(findings_table.c.position)
    return tuple(
        Finding(**{**row, "severity": Severity(row["severity"]), "lines": tuple(row["lines"])})
        for row in (await tx.execute(query)).mappings()
    )


_FOLLOWING: Final[Mapping[PlanState, PlanState]] = {
    PlanState.CLEAR: after(PlanState.CLEAR, PlanEvent.APPLIED),  # at once, in the same transaction
    PlanState.HELD: PlanState.HELD,
    PlanState.UNMATCHED: PlanState.UNMATCHED,
    PlanState.DESELECTED: PlanState.DESELECTED,
}
"""The state in which a plan is stored, by the state that the verdict gave it; no other can come from a verdict."""

_ROWS_BESIDE_MAX: Final = 2_000_000
"""Changed rows up to which they are packed while they are written; more are packed before."""


async def _write_plans(
    tx: AsyncConnection, about: deliveries.Delivery, decided: tuple[Plan, ...], ground: int, at: datetime
) -> Concluded:
    if await deliveries.supersede_older(tx, about.district, about.number, at):  # nobody else has plans that are open
        await deciding.supersede_older(tx, about.district, about.id, at)
    clear = {plan.school_id: plan.changes for plan in decided if plan.state is PlanState.CLEAR and plan.changes}
    large = sum(rows.height for changes in clear.values() for rows in changes.values()) > _ROWS_BESIDE_MAX
    if large:
        await applied.write(tx, about.id, await asyncio.to_thread(applied.packed, clear))
    # Packing takes the processor and writing the disk: neither waits for the other, save where memory is dearer.
    packing = begun(applied.packed, {} if large else clear)
    changed = await roster.apply(tx, about.district, clear.values(), about.id, at) if clear else 0
    await applied.write(tx, about.id, await packing)
    await _insert_plans(tx, about, decided, at)
    if not changed:
        await turns.take(tx, about.id, about.district, ground=ground, at=at, rows={})
    await _remember(tx, about.district, decided, at)
    stored = [_FOLLOWING[plan.state] for plan in decided]
    state = State.PLANNED
    if not OPEN.intersection(stored):
        state = await deliveries.step(tx, about.id, Event.LAST_PLAN_CLOSED, closed_at=at)
    return Concluded(state, held=stored.count(PlanState.HELD))


async def _remember(tx: AsyncConnection, district: str, decided: tuple[Plan, ...], at: datetime) -> None:
    """Keep the matches of the schools that are in the roster now."""
    there = (plan for plan in decided if plan.state is PlanState.CLEAR and not plan.counts["schools"].removed)
    places = {plan.school_id: plan.platform_school for plan in there}
    await schools.remember(tx, district, places, at, await turns.last(tx))


async def _insert_plans(
    tx: AsyncConnection, about: deliveries.Delivery, decided: tuple[Plan, ...], at: datetime
) -> None:
    """Write plans and holds, each in one statement: a large district has thousands of schools."""
    packed = await asyncio.to_thread(_packed, decided)
    grounds = await roster.grounds_of_schools(tx, about.district)
    rows = [
        {
            "delivery": about.id,
            "district": about.district,
            "school_id": plan.school_id,
            "name": plan.name,
            "state": _FOLLOWING[plan.state].value,
            "hash": plan.hash,
            "ground": grounds.get(plan.school_id, 0),
            "counts": {table: _plain(counts) for table, counts in plan.counts.items()},
            "platform_school": plan.platform_school,
            "changes": changes,
            "closed_at": None if _FOLLOWING[plan.state] in OPEN else at,
        }
        for plan, changes in zip(decided, packed, strict=True)
    ]
    if rows:
        await tx.execute(plans_table.insert(), rows)
    stopped = {plan.school_id: plan.holds for plan in decided if plan.holds}
    lost = {plan.school_id: plan.left_out for plan in decided if plan.left_out}
    if stopped or lost:
        of_delivery = plans_table.c.delivery == about.id
        query = sa.select(plans_table.c.id, plans_table.c.school_id).where(of_delivery).order_by(plans_table.c.id)
        numbers: dict[str, int] = {school_id: number for number, school_id in await tx.execute(query)}
        await deciding.write_holds(tx, {numbers[school_id]: found for school_id, found in stopped.items()})
        if lost:
            rows = [{"plan": numbers[school_id], "rows": count} for school_id, count in lost.items()]
            await tx.execute(left_out_table.insert(), rows)


def _plain(counts: Counts) -> dict[str, int]:
    """Return what `asdict` does, which takes a tenth of recording a plan."""
    return {"added": counts.added, "updated": counts.updated, "removed": counts.removed}


def _packed(decided: tuple[Plan, ...]) -> list[bytes]:
    """Return the changes of each plan that waits or never comes; those of the others are applied all together."""
    return [b"" if plan.state is PlanState.CLEAR else pack(plan.changes) for plan in decided]


async def _write_mail(
    tx: AsyncConnection, about: deliveries.Delivery, verdict: Verdict, audience: notices.Audience, at: datetime
) -> None:
    if audience == notices.NOBODY:
        return
    await outbox.take_back(tx, notices.Kind.RECEIVED, about.id, at)
    before = await deliveries.accepted_before(tx, about.district, about.number)
    district, delivery = about.district, about.id
    kind = notices.following(verdict, await findings(tx, before.id) if before else ())
    if kind is not None:
        await outbox.write(tx, kind, delivery, audience.of(kind), at, district=district, delivery=delivery)
    waiting = await plans.waiting_for_match(tx, before.id) if before else frozenset()
    if schools_new := notices.newly_unmatched(verdict, waiting):
        kind, facts = notices.Kind.UNMATCHED, {"schools": len(schools_new)}
        told = audience.of(kind)
        await outbox.write(tx, kind, delivery, told, at, district=district, delivery=delivery, facts=facts)


async def _write_findings(tx: AsyncConnection, delivery: str, found: tuple[Finding, ...]) -> None:
    if found:
        rows = [
            {"delivery": delivery, "position": place, **asdict(one), "severity": one.severity.value}
            for place, one in enumerate(found)
        ]
        await tx.execute(findings_table.insert(), rows)


def _most_urgent_first(found: list[plans.StoredPlan]) -> list[plans.StoredPlan]:
    return sorted(found, key=lambda one: urgency(one.status, one.name, one.school_id))


def _school(plan: plans.StoredPlan, wait: plans.Wait | None) -> dict[str, Any]:
    return {
        "school_id": plan.school_id,
        "name": plan.name,
        "state": plan.state.value,
        "status": plan.status.value,
        "rows_left_out": plan.left_out,
        "changes": {table: asdict(counts) for table, counts in plan.counts.items()},
        "holds": [{"code": hold.code, "message": hold.message, **hold.numbers} for hold in plan.holds],
        "plan": plan.plan,
        "hash": plan.hash,
        "platform_school": plan.platform_school,
        "closed_by": plan.closed_by,
        "reason": plan.reason,
        "closed_at": _text(plan.closed_at),
        "held_since": wait and _text(wait.since),
        "held_deliveries": wait and wait.deliveries,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
