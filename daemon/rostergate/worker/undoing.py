"""The undo of one delivery: read what it changed, work out what takes it back, record that as a delivery of its own.

Rule 1: impure, pure, impure, as on the road. What was worked out on ground that has moved since is not recorded.
Rule 2: nothing is done that was not told before: what is recorded is exactly what `look` has returned.
Rule 3: what was decided about schools counts as for any delivery: nothing is put back into one that is deselected.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.core.delivery import State
from rostergate.core.notices import NOBODY
from rostergate.core.plan_state import OPEN
from rostergate.core.undo import undo
from rostergate.errors import NotFound, Refused
from rostergate.store import deliveries, history, plans, roster, schools, turns, undos, verdicts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.notices import Audience
    from rostergate.core.policy import Policy
    from rostergate.core.undo import Undo
    from rostergate.store.plans import StoredPlan
    from rostergate.store.verdicts import Concluded


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the undo of a delivery would do."""

    delivery: str
    district: str
    school_id: str | None
    ground: int
    """The district's, on which it was worked out."""
    of_file: Policy
    """That of the district's file, under which it was worked out."""
    policy: Policy
    """The same with what was decided about schools."""
    undo: Undo
    replaced: tuple[StoredPlan, ...]
    """Plans that still wait, of which the undo would take the place."""
    coming: tuple[str, ...]
    """Deliveries that are coming in or wait to be decided: they will be compared with the roster as undone."""


async def look(engine: AsyncEngine, delivery: str, school_id: str | None, policy: Policy) -> Outlook:
    """Work out what undoing a delivery would do, for its district or one school; record nothing.

    `policy` is that of the district's file.

    Raises `NotFound`, `StoreError`; raises `Refused` when there is nothing to undo, or nothing of it is left.
    """
    async with store.reading(engine) as tx:
        about = await deliveries.get(tx, delivery)
        span = await turns.span(tx, delivery)
        if school_id is not None and school_id not in {one.school_id for one in await plans.of(tx, delivery)}:
            raise NotFound(f"Delivery {delivery} has no school {school_id}; `rostergate show {delivery}` lists them.")
        if span.before == span.after:
            raise Refused(f"Delivery {delivery} has changed nothing: there is nothing to undo.")
        ground = await roster.ground(tx, about.district)
        told = await schools.policy(tx, about.district, policy)
        now = await roster.load(tx, about.district)
        before = await history.gone(tx, about.district, span.before)
        after = await history.made(tx, about.district, span.before, span.after)
        still = await history.gone(tx, about.district, span.after, before=span.before)
        replaced, coming = await _waiting(tx, about.district)
    left = {name: after[name].vstack(still[name]) for name in after}
    undone = await asyncio.to_thread(undo, now, before, left, told, school_id)
    if not undone.verdict.plans:
        why = "has been changed again since, or undone" if undone.left else "is as it was before it"
        where = f" in school {school_id}" if school_id is not None else ""
        raise Refused(f"Nothing that {delivery} changed{where} is left to undo: all of it {why}.")
    return Outlook(delivery, about.district, school_id, ground, policy, told, undone, replaced, coming)


async def carry_out(
    engine: AsyncEngine, outlook: Outlook, *, by: str, reason: str, at: datetime, audience: Audience = NOBODY
) -> tuple[str, Concluded]:
    """Record an undo as it was told; return its delivery and what that led to.

    Plans that nothing holds are applied; the audience gets its mail. Raises `StoreError`; raises `Refused` without a
    name and a reason, and when the roster, or what is decided about its schools, has changed since it was worked out.
    """
    try:
        async with store.writing(engine, outlook.district) as tx:
            await _assert_decided_as_told(tx, outlook)
            begun = await undos.begin(tx, outlook.delivery, school_id=outlook.school_id, by=by, reason=reason, at=at)
            concluded = await verdicts.conclude(
                tx, begun.id, outlook.undo.verdict, ground=outlook.ground, at=at, audience=audience
            )
    except verdicts.GroundMoved:
        raise Refused(
            f"The roster of {outlook.district}, or the match of a school, has changed since this was worked out, so "
            "nothing was undone. "
            "Look at what the undo would do now, and ask again."
        ) from None
    return begun.id, concluded


async def _assert_decided_as_told(tx: AsyncConnection, outlook: Outlook) -> None:
    if await schools.policy(tx, outlook.district, outlook.of_file) != outlook.policy:
        raise verdicts.GroundMoved  # somebody matched or deselected a school meanwhile


async def _waiting(tx: AsyncConnection, district: str) -> tuple[tuple[StoredPlan, ...], tuple[str, ...]]:
    """Return a district's open plans, and its deliveries that are still to be decided, oldest first."""
    states = (State.RECEIVING, State.SEALED)
    undecided = [one.id for one in await deliveries.in_states(tx, district, states)]
    planned = await deliveries.in_states(tx, district, (State.PLANNED,))
    waiting = [plan for one in planned for plan in await plans.of(tx, one.id) if plan.state in OPEN]
    return tuple(waiting), tuple(undecided)
