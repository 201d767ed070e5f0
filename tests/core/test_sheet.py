from __future__ import annotations

import sys

import polars as pl

from rostergate.core.policy import ReadingLimits
from rostergate.core.sheet import CODES, WHITE_SPACE, Tally, header_findings, line_ends, tidy


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


def test_line_ends_are_counted_in_any_mixture() -> None:
    """CRLF is one line end, CR and LF are one each."""
    assert line_ends(b"a\r\nb\rc\n\n", 0, 8) == 4


def test_tally_is_exact_in_bounded_memory() -> None:
    """A tally counts all lines and keeps the first twenty."""
    tally = Tally()
    assert tally.findings(CODES[0], file="x.csv") == ()
    for line in range(100):
        tally.add(line)
    (found,) = tally.findings(CODES[0], file="x.csv")
    assert (found.count, found.lines) == (100, tuple(range(20)))
