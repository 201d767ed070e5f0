from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.core.careful import cells_of, read, rows_of
from rostergate.core.policy import ReadingLimits

CELLS = {
    "bare": (b"a,b\nc", (["a", "b"], 4)),
    "the last row": (b"a,", (["a", ""], 2)),
    "the first of two": (b"a\nb", (["a"], 2)),
    "quoted": (b'"a,""b",c\n', (['a,"b', "c"], 10)),
    "blanks around quotes": (b' "a" ,\t"b"\t\n', (["a", "b"], 12)),
    "two lines": (b'"a\nb",c\nd', (["a\nb", "c"], 8)),
    "only quotes": (b'""""""\n', (['""'], 7)),
}


@pytest.mark.parametrize(("data", "expected"), CELLS.values(), ids=CELLS)
def test_takes_a_row_apart(data: bytes, expected: tuple[list[str], int]) -> None:
    """A row gives its cells, unquoted but not trimmed, and where the next row starts."""
    assert cells_of(data, 0, 100) == expected


MALFORMED = {
    "a quote in a bare cell": b'a"b\n',
    "text after a quote": b'"a"b\n',
    "white space that is no blank": '\u00a0"a"\n'.encode(),
    "no closing quote": b'"a',
    "an odd number of quotes": b'"""\n',
    "a backslash before a quote": b'"a\\",b\n',
    "too long": b'"' + b"a" * 100 + b'"\n',
    "too long by its line end": b'"' + b"a" * 98 + b'"\n',
    "cut in the middle of a character": b'"\n",' + "é".encode() * 100,
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_sees_malformed_rows(data: bytes) -> None:
    """A malformed row has no cells."""
    assert cells_of(data, 0, 100) is None


def test_resynchronises_at_the_next_line() -> None:
    """After a malformed row, reading goes on with the line after its first one."""
    data = b'a,b\n"1\n2"x,3\n4,5\n'
    assert [(row.line, row.cells, row.fault is not None) for row in rows_of(data, 100)] == [
        (1, ["a", "b"], False),
        (2, [], True),
        (3, [], True),
        (4, ["4", "5"], False),
    ]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_a_header_in_quotes_with_another_separator_is_one_cell(sign: str) -> None:
    """It is handed on to whoever says what separates the names, and nothing is told of the rows below."""
    text = f'\n"a"{sign}"b"{sign}"c"\n"1"{sign}"2"{sign}"3"\n'
    sheet = read("x.csv", text.encode(), ReadingLimits())
    assert (sheet.header, sheet.header_line, sheet.findings) == ((text.split("\n")[1],), 2, ())
    assert sheet.frame is not None
    assert sheet.frame.is_empty()


@pytest.mark.parametrize("text", ['"a";"b"x', '"a";b', '"a":"b"', '"a";"b"|"c"', '"a'])
def test_another_header_with_bad_quotes_is_none(text: str) -> None:
    """Only names in quotation marks, all with the same sign between them, are taken for a header."""
    sheet = read("x.csv", f"{text}\n1\n".encode(), ReadingLimits())
    assert (sheet.header, [one.code for one in sheet.findings]) == ((), ["bad-quotes"])


@given(st.text(st.sampled_from(list('a,"\n\\ é')), max_size=40), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_every_line_belongs_to_one_row(text: str, row_bytes_max: int) -> None:
    """Rows come in order, each on a line of its own that exists."""
    lines = [row.line for row in rows_of(text.encode(), row_bytes_max)]
    assert lines == sorted(set(lines))
    assert all(line <= 1 + text.count("\n") for line in lines)


def test_keeps_more_rows_than_it_holds_at_once() -> None:
    """Rows are put away in parts, and come out whole and in order."""
    sheet = read("x.csv", b"a\n" + b'"x\ny"\n' * 70_000, ReadingLimits())
    assert sheet.frame is not None
    assert sheet.frame["line"].to_list() == list(range(2, 140_002, 2))


@given(st.integers(1_000, 3_000))
@settings(max_examples=5, deadline=None)
def test_open_quotes_are_scanned_once(count: int) -> None:
    """Lines of doubled quotes below an open one are rows of their own: only the open row is lost."""
    sheet = read("x.csv", b'a\nx"\n"\n' + b'"""b"""\n' * count, ReadingLimits())
    assert sheet.frame is not None
    assert sheet.frame.height == count
    assert sheet.findings[0].lines == (2, 3)
