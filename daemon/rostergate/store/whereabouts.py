"""Whereabouts: every school that a district has or had, and where it stands after the last accepted delivery."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.core.school_status import Status, urgency
from rostergate.store import deliveries, plans, schools
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.store.plans import StoredPlan
    from rostergate.store.schools import Decided


_DISTRICTS_AT_ONCE: Final = 500
"""Districts that are looked at with the same few statements: of a whole country, each on its own would take minutes."""


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
    return (await of_each(tx, [district])).get(district, [])


async def of_each(tx: AsyncConnection, districts: Sequence[str]) -> dict[str, list[Standing]]:
    """Return the same of each of some districts that have any school."""
    found = dict[str, list[Standing]]()
    for at in range(0, len(districts), _DISTRICTS_AT_ONCE):
        found |= await _of_some(tx, districts[at : at + _DISTRICTS_AT_ONCE])
    return found


async def _of_some(tx: AsyncConnection, districts: Sequence[str]) -> dict[str, list[Standing]]:
    last = await deliveries.last_accepted(tx, *districts)
    there: dict[str, dict[str, StoredPlan]] = defaultdict(dict)
    # Those of an undo as well, which has no files.
    for plan in [*await plans.of(tx, *last.values()), *await plans.waiting(tx, *districts)]:
        there[plan.district][plan.school_id] = plan
    said = await schools.decisions_of_each(tx, districts)
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for district, decided in said.items():
        names[district] |= {one: one for one in decided}
    rostered = set[tuple[str, str]]()
    for district, one, name, is_current in await tx.execute(_versions(districts)):
        names[district][one] = name or one
        if is_current:
            rostered.add((district, one))
    for district, known in there.items():
        names[district] |= {one: plan.name for one, plan in known.items()}

    def standing(district: str, one: str, name: str) -> Standing:
        plan, decided = there[district].get(one), said.get(district, {}).get(one)
        return _standing(one, name, plan, decided, rostered=(district, one) in rostered)

    return {
        district: sorted(
            (standing(district, one, name) for one, name in known.items()),
            key=lambda one: urgency(one.status, one.name, one.school_id),
        )
        for district, known in names.items()
    }


def _versions(districts: Sequence[str]) -> sa.Select[Any]:
    """Ask for every school that the rosters have or had: district, id, name and whether it is there, oldest first.

    In two parts, because there is one index of those that are there and another one of those that have ended.
    """
    made = versions["schools"]
    columns = made.c.id, made.c.district, made.c.school_id, made.c.name
    of_them = made.c.district.in_(districts)
    ended = sa.select(*columns, sa.false().label("there")).where(of_them, made.c.until_ground.is_not(None))
    current = sa.select(*columns, sa.true().label("there")).where(of_them, made.c.until_delivery.is_(None))
    both = sa.union_all(ended, current).subquery()
    return sa.select(both.c.district, both.c.school_id, both.c.name, both.c.there).order_by(both.c.id)


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
