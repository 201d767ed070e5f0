"""The slot of a day: whether a district may still upload, and what it is told when not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rostergate.core.calendar import opening
from rostergate.store import slots

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.config import District


async def refusal(tx: AsyncConnection, district: District, day: date) -> str | None:
    """Say why the district may not upload on `day`, with the time of its next slot; None when it may."""
    if await slots.left(tx, district.slug, day) > 0:
        return None
    opens = opening(day + timedelta(days=1), district.zone)
    return (
        f"one upload per day: the upload of {day.isoformat()} was already received; "
        f"the next is possible from {opens:%Y-%m-%d %H:%M} ({district.time_zone})"
    )
