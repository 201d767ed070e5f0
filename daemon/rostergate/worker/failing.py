"""Failing: a delivery that cannot be decided is given up, and everybody who can do something about it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.notices import Kind
from rostergate.errors import RostergateError
from rostergate.store import deliveries, outbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.config import Districts, Settings


async def give_up(
    tx: AsyncConnection, settings: Settings, districts: Districts, delivery: str, why: str, at: datetime
) -> None:
    """Note that a delivery could not be decided, and why (no cell value); write mail to its district and the operators.

    Raises `NotFound`, `IllegalTransition`.
    """
    failed = await deliveries.give_up(tx, delivery, why, at)
    district = districts.get(failed.district)
    # A delivery may fail, be tried again and fail again: each time is told.
    about = f"{delivery} {at:%Y-%m-%dT%H:%M:%S}"
    await outbox.take_back(tx, Kind.RECEIVED, delivery, at)
    audience = district.audience(settings) if district else settings.mail.audience()
    told = audience.of(Kind.FAILED)
    await outbox.write(tx, Kind.FAILED, about, told, at, district=failed.district, delivery=delivery)


def in_words(error: Exception) -> str:
    """Return what operators are told of an error. The text of one that is not ours may hold a cell's value."""
    if isinstance(error, RostergateError):
        return str(error)
    if isinstance(error, OSError) and error.strerror and error.filename:
        where = f"{error.filename} to {error.filename2}" if error.filename2 else error.filename
        return f"{where}: {error.strerror.lower()}"
    return f"an internal error ({type(error).__name__})"
