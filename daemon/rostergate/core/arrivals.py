"""Arrivals: when a district's deliveries usually come, and whether one is late, learnt from the last weeks.

Rule 1: a weekday counts as one with a delivery when at least half of those in the weeks looked at had one.
Rule 2: it is usual to have arrived by the time before which nine of ten came, rounded up to the next half hour.
Rule 3: little is known of a district with fewer than `ARRIVALS_MIN` days: nothing is late then.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
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
"""What came less than this long ago is the delivery that is looked for, be it on the day before by the calendar."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a district, on its own clock."""

    by: time
    """When it has arrived on nine of ten days."""
    weekdays: frozenset[int]
    """The weekdays on which something comes; Monday is 0."""


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


def late(arrivals: Iterable[datetime], now: datetime, zone: ZoneInfo, *, grace: timedelta) -> Usual | None:
    """Return what is usual when today's delivery should have come by now and has not; None otherwise.

    `grace` is how long after the usual time it may still come before anybody is told.
    """
    known = tuple(arrivals)
    expected = usual(known, now, zone)
    here = now.astimezone(zone)
    if expected is None or here.weekday() not in expected.weekdays:
        return None
    if any(now - at < _APART for at in known):
        return None
    return expected if here >= datetime.combine(here.date(), expected.by, tzinfo=zone) + grace else None
