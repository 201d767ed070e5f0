"""Trying: what the deliveries of the last days would have done under other limits, told from what is stored of them.

Rule 1: pure replay. A delivery's plans are held or not against the roster as that delivery found it; no file is read,
nothing is written.
Rule 2: what was held then is what the store says; what would be held now is judged by the district's limits of that day
with the tried ones in their place, for the district and for every school alike.
Rule 3: schools that were not rostered are left aside, as the delivery itself left them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from rostergate import store
from rostergate.core import catalogue, diff
from rostergate.core.holding import district_view, stopped, views
from rostergate.core.plan import counted
from rostergate.core.plan_state import State
from rostergate.core.roster import TABLES
from rostergate.core.selected import selected
from rostergate.store import deliveries, history, plans, turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from datetime import date, datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.core.policy import Policy
    from rostergate.core.roster import Frames


@dataclass(frozen=True, slots=True)
class Tried:
    """What one delivery did, and what it would have done."""

    delivery: str
    day: date | None
    schools: int
    """Schools that it would have changed."""
    then: dict[str, tuple[str, ...]]
    """School id -> codes of the holds that stopped it."""
    now: dict[str, tuple[str, ...]]
    """The same under the limits that are tried."""


async def tried(
    engine: AsyncEngine,
    district: str,
    since: datetime,
    policy_of: Callable[[date], Policy],
    limits: Mapping[str, Any],
) -> AsyncIterator[Tried]:
    """Give the district's accepted deliveries decided since then, oldest first.

    `limits`: fields of `HoldLimits` with the values to try. Raises `StoreError`.
    """
    async with store.reading(engine) as tx:
        accepted = await deliveries.accepted(tx, district, since)
    for one in accepted:
        async with store.reading(engine) as tx:
            stored = await plans.of(tx, one.id)
            changes = await plans.changes(tx, one.id)
            ground = (await turns.span(tx, one.id)).before
            before = await history.load(tx, district, ground) if changes else {}
            left = frozenset(plan.school_id for plan in stored if plan.state is State.DESELECTED)
        policy = _with(policy_of(one.day or one.began_at.date()), limits)
        held = await asyncio.to_thread(_held, before, left, changes, policy) if changes else {}
        yield Tried(
            one.id,
            one.day,
            len(changes),
            {plan.school_id: tuple(hold.code for hold in plan.holds) for plan in stored if plan.holds},
            held,
        )


def _held(
    roster: Frames, deselected: frozenset[str], changes: Mapping[str, Frames], policy: Policy
) -> dict[str, tuple[str, ...]]:
    before, after = selected(roster, diff.apply(roster, [_together(changes.values())]), deselected)
    counts = {school_id: counted(plan) for school_id, plan in changes.items()}
    seen = views(changes, counts, before, after, district_view(diff.compare(before, after), before, after))
    found = stopped(seen, catalogue.holds().values(), policy)
    return {school: tuple(hold.code for hold in reasons) for school, reasons in found.items() if reasons}


def _together(plans_of_schools: Collection[Frames]) -> Frames:
    """Return the changes of all schools as one plan's; a person of several schools stands in each of theirs, alike."""
    parts = {name: [one[name] for one in plans_of_schools if name in one] for name in TABLES}
    return {name: pl.concat(some).unique(TABLES[name].key) for name, some in parts.items() if some}


def _with(policy: Policy, limits: Mapping[str, Any]) -> Policy:
    of_schools = {school: replace(own, **limits) for school, own in policy.school_holds.items()}
    return replace(policy, holds=replace(policy.holds, **limits), school_holds=of_schools)
