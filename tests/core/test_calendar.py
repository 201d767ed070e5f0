from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.core.calendar import day_of, next_opening, opening

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

AWKWARD = [
    "America/Sao_Paulo",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "America/St_Johns",
    "America/Juneau",
    "Asia/Manila",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Asuncion",
]
zones = st.one_of(st.sampled_from(AWKWARD), st.sampled_from(sorted(available_timezones()))).map(ZoneInfo)
instants = st.datetimes(datetime(1900, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
dates = st.dates(date(1900, 1, 1), date(2060, 1, 1))
bounded = settings(max_examples=60, deadline=None)


def utc(at: datetime) -> datetime:
    """Compare instants, not clocks on walls."""
    return at.astimezone(UTC)


@bounded
@given(instants, zones)
def test_the_next_day_opens_later_and_nothing_lies_between(at: datetime, zone: ZoneInfo) -> None:
    """The next opening is later than the instant asked about, which has the same day until just before it."""
    following = utc(next_opening(at, zone))
    assert following > at
    assert day_of(following - TICK, zone) == day_of(at, zone)
    assert day_of(following, zone) > day_of(at, zone)


@bounded
@given(instants, zones)
def test_an_instant_lies_between_its_own_opening_and_the_next(at: datetime, zone: ZoneInfo) -> None:
    """Every instant belongs to exactly the day that opened last."""
    assert utc(opening(day_of(at, zone), zone)) <= at < utc(opening(day_of(at, zone) + DAY, zone))


@bounded
@given(dates, zones)
def test_a_day_that_exists_begins_at_its_opening(day: date, zone: ZoneInfo) -> None:
    """The opening has that day, or the one after where the zone left the day out; just before, it is an earlier one."""
    start = opening(day, zone)
    assert start.tzinfo is zone
    assert day_of(start, zone) in (day, day + DAY)
    assert day_of(utc(start) - TICK, zone) < day
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    if utc(noon).astimezone(zone) == noon:
        assert day_of(start, zone) == day


@bounded
@given(instants, st.timedeltas(timedelta(0), timedelta(days=3)), zones)
def test_later_is_never_an_earlier_day(at: datetime, more: timedelta, zone: ZoneInfo) -> None:
    """Days never go back, whatever the clocks on the wall do."""
    assert day_of(at + more, zone) >= day_of(at, zone)


@bounded
@given(dates, zones)
def test_no_earlier_instant_has_the_local_date(day: date, zone: ZoneInfo) -> None:
    """No instant in the two days before the opening shows that date or a later one on the wall."""
    start = utc(opening(day, zone))
    earlier = [start - timedelta(minutes=minutes) for minutes in range(7, 2 * 24 * 60, 7)]
    assert all(at.astimezone(zone).date() < day for at in [start - TICK, *earlier])


@pytest.mark.parametrize(
    ("zone", "day", "opens"),
    [
        pytest.param("America/New_York", "2026-03-08", "2026-03-08T00:00:00-05:00", id="clocks go forward at two"),
        pytest.param("America/New_York", "2026-11-01", "2026-11-01T00:00:00-04:00", id="clocks go back at two"),
        pytest.param("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", id="midnight left out"),
        pytest.param("Asia/Beirut", "2022-03-27", "2022-03-27T01:00:00+03:00", id="midnight left out"),
        pytest.param("America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00", id="midnight left out"),
        pytest.param("America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00", id="midnight comes twice"),
        pytest.param(
            "America/Toronto", "1919-03-31", "1919-03-31T00:30:00-04:00", id="midnight within what is left out"
        ),
        pytest.param("Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", id="the day does not exist"),
        pytest.param("Pacific/Apia", "2011-12-31", "2011-12-31T00:00:00+14:00", id="the day after it"),
        pytest.param("America/St_Johns", "2009-11-01", "2009-11-01T00:00:00-02:30", id="opens, then clocks go back"),
        pytest.param("UTC", "2026-01-01", "2026-01-01T00:00:00+00:00", id="no daylight saving"),
    ],
)
def test_openings_that_are_known(zone: str, day: str, opens: str) -> None:
    """A day opens at its first instant, also where clocks jump at midnight."""
    assert opening(date.fromisoformat(day), ZoneInfo(zone)).isoformat() == opens


def test_a_repeated_hour_counts_to_the_day_that_has_opened() -> None:
    """At 00:01 clocks in St. John's went back to 23:01; that second hour still belongs to the new day."""
    zone = ZoneInfo("America/St_Johns")
    repeated = datetime(2009, 10, 31, 23, 30, fold=1, tzinfo=zone)
    assert day_of(repeated.replace(fold=0), zone) == date(2009, 10, 31)
    assert day_of(repeated, zone) == date(2009, 11, 1)
    assert next_opening(repeated, zone).isoformat() == "2009-11-02T00:00:00-03:30"


def test_a_time_without_an_offset_is_refused() -> None:
    """A naive time is a fault of the caller, not a guess about a zone."""
    with pytest.raises(ValueError, match="without an offset"):
        day_of(datetime(2026, 1, 1), ZoneInfo("UTC"))  # noqa: DTZ001 - the naive time is the point
