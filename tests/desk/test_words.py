from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.desk.words import counted, lines_of, listed, moment, number, plain, size


@pytest.mark.parametrize(
    ("given_text", "told"),
    [
        pytest.param("Lincoln\n\tHigh ", "Lincoln High", id="line ends and tabs become one space"),
        pytest.param("\x1b[31mred\x07", "[31mred", id="a terminal is not steered"),
        pytest.param("\u202egnihtyna", "gnihtyna", id="the direction of the text is not turned"),
        pytest.param("École Ñuñoa 学校", "École Ñuñoa 学校", id="letters of any script stay"),
        pytest.param("क्\u200dष", "क्\u200dष", id="joiners that a script needs stay"),
    ],
)
def test_plain_text_is_one_harmless_line(given_text: str, told: str) -> None:
    """What a district writes is shown as one line without control characters."""
    assert plain(given_text) == told


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_plain_text_can_always_be_printed(text: str) -> None:
    """Whatever comes in, one line that can be encoded comes out."""
    told = plain(text)
    assert len(told.encode().decode().splitlines()) <= 1
    assert all(one.isprintable() or one in "\u200c\u200d" or one.isspace() for one in told)


@pytest.mark.parametrize(
    ("lines", "count", "told"),
    [
        ([], 1, ""),
        ([3], 1, "line 3"),
        ([3, 4], 2, "lines 3 and 4"),
        ([3, 4, 5, 9], 4, "lines 3-5 and 9"),
        ([3], 1200, "lines 3 and 1,199 more"),
        ([2, 3, 4, 8], 104, "lines 2-4, 8 and 100 more"),
    ],
)
def test_lines_are_told_shortly(lines: list[int], count: int, told: str) -> None:
    """Lines in a row are joined, and lines that are not listed are counted."""
    assert lines_of(lines, count) == told


def test_nouns_follow_their_count() -> None:
    """One is singular, everything else plural, thousands are separated."""
    assert (counted(1, "class", "classes"), counted(0, "row"), counted(1200, "row")) == (
        "1 class",
        "0 rows",
        "1,200 rows",
    )
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert (number(20.0), number(51.55)) == ("20", "51.5")


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (15_400, "15 KB"), (999_999, "1.0 MB"), (380_000_000, "380 MB")],
)
def test_sizes_have_decimal_units(count: int, told: str) -> None:
    """A size is rounded to the unit in which it is read best."""
    assert size(count) == told


def test_times_are_told_on_the_districts_clock() -> None:
    """A time is shown in the district's zone, which is named, also across daylight saving."""
    winter = datetime(2026, 1, 15, 5, 30, tzinfo=UTC)
    assert moment(winter, ZoneInfo("America/Chicago")) == "Wed 14 Jan 2026, 23:30 CST (America/Chicago)"
    assert moment(winter, ZoneInfo("America/Sao_Paulo")) == "Thu 15 Jan 2026, 02:30 -03 (America/Sao_Paulo)"
