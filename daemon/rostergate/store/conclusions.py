"""Conclusions in the store: on what ground an accepted delivery left the roster, and what it was decided under.

Rule 1: a conclusion is a fact of the moment when its delivery was concluded. What happens to the roster later moves the
ground away from it; the conclusion stays.
Rule 2: a delivery without a conclusion is no fault: nothing can be concluded from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rostergate.core.plan_state import State
from rostergate.core.verdict import Outcome, Totals
from rostergate.store.schema import conclusions, deliveries, left_out, plans, undos

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a delivery was concluded, and how its plans stand now."""

    delivery: str
    content_hash: str | None
    ground: int
    """The district's, after its clear plans were applied."""
    fingerprint: str
    """Of the policy and the program."""
    totals: dict[str, Totals]
    plans: tuple[tuple[str, str, State, int], ...]
    """School id, name, state and rows left out of each plan, by school id."""


async def write(tx: AsyncConnection, delivery: str, ground: int, fingerprint: str) -> None:
    """Note how a delivery was concluded."""
    await tx.execute(conclusions.insert().values(delivery=delivery, ground=ground, fingerprint=fingerprint))


async def last(tx: AsyncConnection, district: str) -> Conclusion | None:
    """Return the conclusion of the district's newest accepted delivery; None when it has none."""
    columns = deliveries.c.id, deliveries.c.content_hash, deliveries.c.totals
    newest = sa.select(*columns).where(
        deliveries.c.district == district,
        deliveries.c.outcome == Outcome.ACCEPTED.value,
        deliveries.c.id.not_in(sa.select(undos.c.delivery)),  # an undo has no files to compare with
    )
    accepted = (await tx.execute(newest.order_by(deliveries.c.number.desc()).limit(1))).one_or_none()
    if accepted is None:
        return None
    query = sa.select(conclusions.c.ground, conclusions.c.fingerprint).where(conclusions.c.delivery == accepted.id)
    noted = (await tx.execute(query)).one_or_none()
    if noted is None:
        return None
    lost = sa.func.coalesce(left_out.c.rows, 0)
    of_schools = sa.select(plans.c.school_id, plans.c.name, plans.c.state, lost).outerjoin(left_out)
    of_schools = of_schools.where(plans.c.delivery == accepted.id).order_by(plans.c.school_id)
    return Conclusion(
        delivery=accepted.id,
        content_hash=accepted.content_hash,
        ground=noted.ground,
        fingerprint=noted.fingerprint,
        totals=_totals(accepted.totals),
        plans=tuple(
            (school_id, name, State(state), rows) for school_id, name, state, rows in await tx.execute(of_schools)
        ),
    )


def _totals(stored: dict[str, dict[str, Any]] | None) -> dict[str, Totals]:
    return {table: Totals(**counts) for table, counts in (stored or {}).items()}
