"""Slots: how often a district's upload of one day has been used, and how often it may be.

A refused delivery gives its slot back, and so does one that could not be decided; a delivery that is still coming in
has not used any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.core.delivery import State
from rostergate.store.schema import deliveries, grants

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

_FREE = (State.RECEIVING, State.REJECTED, State.FAILED)


async def used(tx: AsyncConnection, district: str, day: date) -> int:
    """Return how many of a day's deliveries count against its slot."""
    return int(await tx.scalar(_used(district, day)) or 0)


async def granted(tx: AsyncConnection, district: str, day: date) -> int:
    """Return how many uploads beyond the first a person granted for that day."""
    return int(await tx.scalar(_granted(district, day)) or 0)


async def left(tx: AsyncConnection, district: str, day: date) -> int:
    """Return how many uploads the district still has on that day; the gate asks this at every login, so in one go."""
    used, granted = (query.scalar_subquery() for query in (_used(district, day), _granted(district, day)))
    return 1 + int(await tx.scalar(sa.select(granted - used)) or 0)


async def grant(tx: AsyncConnection, district: str, day: date, at: datetime) -> int:
    """Grant one more upload for that day, and return how many have been granted for it."""
    await tx.execute(grants.insert().values(district=district, day=day, granted_at=at))
    return await granted(tx, district, day)


def _used(district: str, day: date) -> sa.Select[int]:
    return sa.select(sa.func.count()).where(
        deliveries.c.district == district,
        deliveries.c.day == day,
        deliveries.c.state.not_in([state.value for state in _FREE]),
    )


def _granted(district: str, day: date) -> sa.Select[int]:
    return sa.select(sa.func.count()).where(grants.c.district == district, grants.c.day == day)
