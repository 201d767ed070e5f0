from __future__ import annotations

import sys

import polars as pl
import pytest

from rostergate.core.policy import ReadingLimits
from rostergate.core.sheet import CODES, WHITE_SPACE, Tally, header_findings, tidy, with_line_feeds


def test_white_space_is_what_polars_strips() -> None:
    """Python and polars trim the same characters, or the two roads would disagree."""
    signs = pl.Series([chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000])
    assert set(signs.filter(signs.str.strip_chars() == "")) == set(WHITE_SPACE)


def test_tidy_trims_empties_and_drops() -> None:
    """Cells are trimmed, empty ones null, and a row without any value is gone with its line."""
    cells = pl.DataFrame({"0": [" a ", "", None, "b"], "1": ["", " ", "\u00a0", "c"]})
    frame = tidy(cells, pl.Series([2, 3, 4, 7]), ("x", "y"))
    assert frame.rows() == [("a", None, 2), ("b", "c", 7)]


def test_tidy_keeps_rows_that_only_the_line_column_fills() -> None:
    """The file's own column `line` gives way to the line numbers, but its values make a row."""
    frame = tidy(pl.DataFrame({"0": ["9"], "1": [""]}), pl.Series([2]), ("line", "y"))
    assert frame.to_dicts() == [{"line": 2, "y": None}]


def test_header_findings_show_no_name() -> None:
    """Without a valid header a name may be a person's: only places are told."""
    (found,) = header_findings("x.csv", ("Ada", "b", "Ada", "b"), 3, ReadingLimits())
    assert found.message == "Several columns have the same name: columns 1 and 3; columns 2 and 4."
    assert found.lines == (3,)


def test_columns_without_a_name_are_told_as_such() -> None:
    """Several empty names are one fault, with the places of all; a single one is not this fault."""
    (found,) = header_findings("x.csv", ("a", "", "b", "", "b"), 1, ReadingLimits())
    assert found.message == "Several columns have the same name: columns 3 and 5. Columns 2, 4 have no name."
    (found,) = header_findings("x.csv", ("a", "", ""), 1, ReadingLimits())
    assert found.message == "Columns 2, 3 have no name."


def test_every_line_end_becomes_a_line_feed() -> None:
    """CRLF is one line end, CR and LF are one each."""
    assert with_line_feeds(b"a\r\nb\rc\n\nd") == b"a\nb\nc\n\nd"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a\n1\n\x1a", b"a\n1\n"),
        (b"a\r\n1\r\n\x1a", b"a\n1\n"),
        (b"a\n1\x1a", b"a\n1\n"),
        (b"a\n\n\x1a", b"a\n\n"),
        (b"\x1a", b"\n"),
        (b"a\n\x1a\n", b"a\n\x1a\n"),
        (b"a\n\x1ab\n", b"a\n\x1ab\n"),
    ],
    ids=["after LF", "after CRLF", "after a cell", "after a blank line", "alone", "before a line end", "in a cell"],
)
def test_an_end_mark_ends_the_last_line(data: bytes, expected: bytes) -> None:
    """Ctrl-Z as the last byte becomes the last line's end; anywhere else it is a character like any other."""
    assert with_line_feeds(data) == expected


def test_tally_is_exact_in_bounded_memory() -> None:
    """A tally counts all lines and keeps the first twenty."""
    tally = Tally()
    assert tally.findings(CODES[0], file="x.csv") == ()
    for line in range(100):
        tally.add(line)
    (found,) = tally.findings(CODES[0], file="x.csv")
    assert (found.count, found.lines) == (100, tuple(range(20)))


def test_tally_takes_many_lines_at_once() -> None:
    """Lines that are counted together come among those counted one by one."""
    tally = Tally()
    tally.add(30)
    tally.add_all(pl.Series([*range(2, 29, 2), *range(40, 90)], dtype=pl.UInt32))
    (found,) = tally.findings(CODES[0], file="x.csv")
    assert (found.count, found.lines) == (65, (*range(2, 29, 2), 30, *range(40, 45)))
