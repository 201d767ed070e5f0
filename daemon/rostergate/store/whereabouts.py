"""Whereabouts: every school that a district has or had, and where it stands after the last accepted delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.core.school_status import Status, urgency
from rostergate.store import deliveries, plans, roster, schools
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.store.plans import StoredPlan
    from rostergate.store.schools import Decided


@dataclass(frozen=True, slots=True)
class Standing:
    """One school of a district."""

    school_id: str
    name: str
    status: Status
    platform_school: str | None
    """The platform's id of it; None while it has no match, and for one that the platform made."""
    decision: Decision | None
    """What was decided about it last; None when nothing was."""
    decided_by: str | None
    """Who; None also when its name decided."""
    decided_at: datetime | None
    left_out: int
    plan: str | None
    """The short name of its plan in the last accepted delivery; None where that does not know the school."""


async def of(tx: AsyncConnection, district: str) -> list[Standing]:
    """Return every school of a district, most urgent first, then by name.

    These are the schools of the last accepted delivery, those that the roster has or ever had, and those about which
    something was decided.
    """
    last = await deliveries.last_accepted(tx, district)
    there = {plan.school_id: plan for plan in await plans.of(tx, last.id)} if last else {}
    # Those of an undo as well, which has no files.
    there |= {plan.school_id: plan for plan in await plans.waiting(tx, district)}
    said, rostered = await schools.decisions(tx, district), await roster.schools(tx, district)
    made = versions["schools"]
    query = sa.select(made.c.school_id, made.c.name).where(made.c.district == district).order_by(made.c.id)
    names = {one: one for one in said} | {one: name or one for one, name in await tx.execute(query)}
    names |= {one: plan.name for one, plan in there.items()}
    found = [
        _standing(one, name, there.get(one), said.get(one), rostered=one in rostered) for one, name in names.items()
    ]
    return sorted(found, key=lambda one: urgency(one.status, one.name, one.school_id))


def _standing(school_id: str, name: str, plan: StoredPlan | None, said: Decided | None, *, rostered: bool) -> Standing:
    status = _status(plan, said, rostered=rostered) if plan else Status.NOT_IN_FILES
    if said and said.decision is Decision.DESELECTED and status is not Status.ON_HOLD:
        status = Status.DESELECTED  # from now on, whatever the last delivery did
    return Standing(
        school_id=school_id,
        name=name,
        status=status,
        platform_school=said.platform_school if said else plan.platform_school if plan else None,
        decision=said.decision if said else None,
        decided_by=said.decided_by if said else None,
        decided_at=said.decided_at if said else None,
        left_out=plan.left_out if plan else 0,
        plan=plan.plan if plan else None,
    )


def _status(plan: StoredPlan, said: Decided | None, *, rostered: bool) -> Status:
    """Return where a school with a plan stands: by the plan, and by what has become of it since.

    A new school whose plan was superseded, and that no hold had stopped, waited for its match, and waits still.
    """
    new = bool(plan.counts["schools"].added)
    if rostered:
        return plan.status
    if new and plan.state is State.SUPERSEDED and not plan.holds:
        decided = said is not None and said.decision is not Decision.SELECTED
        return Status.NOT_IN_FILES if decided else Status.WAITING
    undone = plan.status is Status.CONNECTED or (new and plan.status is Status.ERRORS)
    return Status.NOT_IN_FILES if undone else plan.status
