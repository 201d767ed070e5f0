from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from rostergate.core.arrivals import Late, Usual, late, usual

CHICAGO = ZoneInfo("America/Chicago")
HOUR = timedelta(hours=1)
WEEKDAYS = frozenset(range(5))


def at(day: int, hour: int, minute: int = 0, month: int = 9) -> datetime:
    """Return a time in Chicago, 2026; 1 September is a Tuesday."""
    return datetime(2026, month, day, hour, minute, tzinfo=CHICAGO)


def nightly(hour: int, minute: int, days: int = 28) -> list[datetime]:
    """Return arrivals on the weekdays of the weeks before 29 September."""
    every = [at(1, hour, minute) + timedelta(days=day) for day in range(days)]
    return [one for one in every if one.weekday() in WEEKDAYS]


def test_what_is_usual_is_learnt_from_the_last_weeks() -> None:
    """Arrivals at 20:41 on weekdays make it usual to have arrived by 21:00 on weekdays."""
    assert usual(nightly(20, 41), at(29, 12), CHICAGO) == Usual(time(21), WEEKDAYS)


def test_one_late_night_of_many_changes_nothing() -> None:
    """Nine of ten count."""
    arrivals = nightly(20, 41)
    arrivals[3] = arrivals[3].replace(hour=23)
    assert usual(arrivals, at(29, 12), CHICAGO) == Usual(time(21), WEEKDAYS)


def test_little_is_known_of_a_new_district() -> None:
    """Nothing is usual, nor late, before the fifth day with an arrival, and several on one day are one."""
    assert usual(nightly(20, 41)[-4:] * 2, at(29, 12), CHICAGO) is None
    assert late(nightly(20, 41)[-4:], at(29, 23), CHICAGO, grace=HOUR) is None


def test_what_is_older_is_forgotten() -> None:
    """Arrivals of last term do not make tonight late."""
    assert usual(nightly(20, 41), at(30, 12, month=11), CHICAGO) is None


@pytest.mark.parametrize(
    ("now", "told"),
    [
        pytest.param(at(29, 21, 59), False, id="within the grace"),
        pytest.param(at(29, 22), True, id="an hour after the usual time"),
        pytest.param(at(3, 23, 59, month=10), False, id="on a Saturday"),
        pytest.param(at(30, 9, 59), True, id="when nobody looked for some hours"),
        pytest.param(at(30, 10), False, id="on the next day"),
    ],
)
def test_late_is_after_the_usual_time_on_a_usual_day(now: datetime, *, told: bool) -> None:
    """A district is late an hour after its usual time, on the weekdays on which it usually delivers."""
    found = late(nightly(20, 41), now, CHICAGO, grace=HOUR)
    assert (found is not None) is told


def test_a_delivery_that_comes_shortly_before_midnight_is_missed_after_it() -> None:
    """The grace may end on the next day; the day that is told is the one whose delivery has not come."""
    arrivals = nightly(23, 20)
    assert late(arrivals, at(30, 0, 29), CHICAGO, grace=HOUR) is None
    found = late(arrivals, at(30, 0, 31), CHICAGO, grace=HOUR)
    assert found == Late(date(2026, 9, 29), Usual(time(23, 30), WEEKDAYS))
    assert late([*arrivals, at(30, 0, 30)], at(30, 0, 31), CHICAGO, grace=HOUR) is None


def test_who_delivered_today_is_not_late() -> None:
    """An early delivery counts, and so does one shortly after midnight of the day before."""
    assert late([*nightly(20, 41), at(29, 3)], at(29, 22), CHICAGO, grace=HOUR) is None
    assert late([*nightly(20, 41), at(29, 2, 30)], at(29, 22), CHICAGO, grace=HOUR) is None


def test_what_came_much_earlier_is_not_the_delivery_that_is_looked_for() -> None:
    """Twenty hours before it is due is the bound: at half past one it was yesterday's, late."""
    assert late([*nightly(20, 41), at(29, 2, 1)], at(29, 22), CHICAGO, grace=HOUR) is None
    assert late([*nightly(20, 41), at(29, 1, 30)], at(29, 22), CHICAGO, grace=HOUR) is not None


def test_the_clocks_going_back_change_nothing() -> None:
    """Times are the district's own, on both sides of a change."""
    october = [at(19, 20, 41, month=10) + timedelta(days=day) for day in range(14)]
    assert usual(october, at(2, 12, month=11), CHICAGO) == Usual(time(21), frozenset(range(7)))
