"""Arrivals: when a district's deliveries usually come, and whether one is late, learnt from the last weeks.

Rule 1: a weekday counts as one with a delivery when at least half of those in the weeks looked at had one.
Rule 2: it is usual to have arrived by the time before which nine of ten came, rounded up to the next half hour.
Rule 3: little is known of a district with fewer than `ARRIVALS_MIN` days: nothing is late then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

WEEKS: Final = 4
ARRIVALS_MIN: Final = 5
_SHARE: Final = 0.9
_STEP_MINUTES: Final = 30
_DAY_MINUTES: Final = 24 * 60
_APART: Final = timedelta(hours=20)
"""What came less than this long before it was due is the delivery that is looked for, be it on the day before."""
TOLD_WITHIN: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a district, on its own clock."""

    by: time
    """When it has arrived on nine of ten days."""
    weekdays: frozenset[int]
    """The weekdays on which something comes; Monday is 0."""


@dataclass(frozen=True, slots=True)
class Late:
    """A delivery that has not come."""

    day: date
    """Whose it is, by the district's calendar."""
    usual: Usual


def usual(arrivals: Iterable[datetime], now: datetime, zone: ZoneInfo) -> Usual | None:
    """Return what is usual, from the aware times of earlier arrivals; None while too little is known."""
    since = now - timedelta(weeks=WEEKS)
    recent = [at.astimezone(zone) for at in arrivals if since <= at < now]
    first_of_day = {at.date(): at for at in sorted(recent, reverse=True)}
    if len(first_of_day) < ARRIVALS_MIN:
        return None
    weekdays = Counter(day.weekday() for day in first_of_day)
    minutes = sorted(at.hour * 60 + at.minute for at in first_of_day.values())
    late = minutes[min(len(minutes) - 1, int(_SHARE * len(minutes)))]
    by = min(_DAY_MINUTES - 1, -(-(late + 1) // _STEP_MINUTES) * _STEP_MINUTES)
    return Usual(time(by // 60, by % 60), frozenset(day for day, times in weekdays.items() if 2 * times >= WEEKS))


def late(arrivals: Iterable[datetime], now: datetime, zone: ZoneInfo, *, grace: timedelta) -> Late | None:
    """Return the day whose delivery should have come by now and has not; None when none is missing.

    `grace` is how long after the usual time it may still come before anybody is told; that may be after midnight. What
    was not told within `TOLD_WITHIN` of that, because nobody looked, is not told any more.
    """
    known = tuple(arrivals)
    expected = usual(known, now, zone)
    if expected is None:
        return None
    today = now.astimezone(zone).date()
    for day in (today, today - timedelta(days=1)):
        due = datetime.combine(day, expected.by, tzinfo=zone).astimezone(UTC) + grace
        came = any(due - _APART < at <= now for at in known)
        if day.weekday() in expected.weekdays and due <= now < due + TOLD_WITHIN and not came:
            return Late(day, expected)
    return None
