"""The calendar of a district: which local day an instant belongs to, and when a day opens.

Rule 1: a day opens at the first instant whose local date is that day or a later one. Where clocks jump over midnight
that is the end of the jump; a day that a zone left out opens together with the one after it.
Rule 2: a day that has opened does not close again: where clocks are put back over midnight, the repeated hour counts
to the new day. So days follow one another without a gap, an overlap or a way back.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the day that an instant belongs to. Raises `ValueError` for a time without an offset."""
    if at.utcoffset() is None:
        raise ValueError("a time without an offset is no instant")
    instant = at.astimezone(UTC)
    day = instant.astimezone(zone).date()
    while _opening(day + _DAY, zone) <= instant:
        day += _DAY
    return day


def opening(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, as an aware time in that zone."""
    return _opening(day, zone).astimezone(zone)


def next_opening(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the day after that of `at` opens: always later than `at`. Raises as `day_of`."""
    return opening(day_of(at, zone) + _DAY, zone)


def _opening(day: date, zone: ZoneInfo) -> datetime:
    """Return the opening in UTC: times of one zone compare by the clock on the wall, those of UTC by the instant."""
    midnight = datetime.combine(day, time.min, tzinfo=zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == midnight.replace(tzinfo=None):
        return instant
    return _end_of_jump(midnight.replace(fold=1).astimezone(UTC), instant, zone)


def _end_of_jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the second at which clocks jumped, given one instant on either side (PEP 495: folds of a time in a gap)."""
    late = after.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == late:
            after = middle
        else:
            before = middle
    return after
