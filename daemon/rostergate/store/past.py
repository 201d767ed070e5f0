"""The last deliveries of a district at a glance: how much came, what it changed, what was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rostergate.core.delivery import State
from rostergate.core.verdict import Outcome
from rostergate.store.schema import deliveries, findings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Past:
    """One delivery with files that has been decided, or given up."""

    delivery: str
    received_at: datetime
    """Aware, in UTC."""
    state: State
    rows: int | None
    """Rows of its files; None unless it was accepted."""
    changes: int | None
    """Rows that it adds, updates or removes, each person counted once; None unless it was accepted."""
    faults: int
    """How often something was found to be wrong, however grave."""


async def up_to(tx: AsyncConnection, district: str, number: int, limit: int) -> list[Past]:
    """Return a district's last `limit` deliveries with files up to the one of this number, oldest first."""
    faults = (
        sa.select(sa.func.coalesce(sa.func.sum(findings.c.count), 0))
        .where(findings.c.delivery == deliveries.c.id)
        .scalar_subquery()
    )
    columns = [deliveries.c[name] for name in ("id", "sealed_at", "state", "outcome", "files", "totals")]
    query = (
        sa.select(*columns, faults.label("faults"))
        .where(
            deliveries.c.district == district,
            deliveries.c.number <= number,
            deliveries.c.state.not_in([State.RECEIVING.value, State.SEALED.value]),
            deliveries.c.content_hash.is_not(None),  # an undo has no files; those of a removed district are forgotten
        )
        .order_by(deliveries.c.number.desc())
        .limit(limit)
    )
    found: Iterable[sa.Row[Any]] = await tx.execute(query)
    return [_past(row) for row in found][::-1]


def _past(row: sa.Row[Any]) -> Past:
    accepted = row.outcome == Outcome.ACCEPTED.value
    kinds = ("added", "updated", "removed")
    return Past(
        delivery=row.id,
        received_at=row.sealed_at,
        state=State(row.state),
        rows=sum(one["rows"] for one in row.files) if accepted else None,
        changes=sum(one[kind] for one in row.totals.values() for kind in kinds) if accepted else None,
        faults=int(row.faults),
    )
