from __future__ import annotations

import pytest

from rostergate.core import proof
from rostergate.core.policy import ReadingLimits

LIMITS = ReadingLimits()


def proven(data: bytes, limits: ReadingLimits = LIMITS) -> bool:
    """Tell whether every line below the header is proven to have as many cells as the header."""
    lines = proof.lines_of(data, limits)
    return lines is not None and bool((lines.below["cells"] == len(lines.header)).fill_null(value=False).all())


PROVEN = {
    "a header alone": b"a,b",
    "quotes": b'"a","b"\n"1","x, ""y"""\n"",\n',
    "no quotes": b"a,b\n1,\n,2\n,\n",
    "blank lines": b"\n\na,b\n\n1,2\n\n",
    "control characters": b"a,b\x1f\n1,2\x1e\n",
    "one column": b'a\n1\n\n""\n2\n',
    "white space to trim": "a,b\n\u00a01\u2003, 2\n  , \n".encode(),
    "characters outside ASCII": "ä,b\né,東\n".encode(),
    "many columns": ",".join(f'"{place}"' for place in range(200)).encode(),
}


@pytest.mark.parametrize("data", PROVEN.values(), ids=PROVEN)
def test_clean_files_are_proven(data: bytes) -> None:
    """Every line of a file of whole rows is proven."""
    assert proven(data)


NOT_PROVEN = {
    "nothing": b"",
    "blank lines alone": b"\n\n\n",
    "a header without a name": b" ,\n1,2\n",
    "one name twice": b"a,a\n1,2\n",
    "a short row": b"a,b\n1\n",
    "a long row": b"a,b\n1,2,\n",
    "a long row with quotes": b'a,b\n"1",2,\n',
    "a blank row of another width": b"a,b\n,,,\n",
    "an open quote": b'a,b\n1,"2\n',
    "an open quote in the header": b'a,"b\n1,2\n',
    "a multi-line cell": b'a,b\n1,"2\n3"\n',
    "text after a closing quote": b'a,b\n1,"2"3\n',
    "a backslash before a quote": b'a,b\n1,"2\\"\n',
    "a blank before a quote": b'a,b\n1, "2"\n',
}


@pytest.mark.parametrize("data", NOT_PROVEN.values(), ids=NOT_PROVEN)
def test_what_is_uncertain_is_not_proven(data: bytes) -> None:
    """Whatever is not certain to be a whole row is left to the careful reader."""
    assert not proven(data)
    assert proof.read(data, LIMITS) is None


def test_each_line_is_judged_on_its_own() -> None:
    """A whole row of another width is known as one, save where it may be blank; what stands around it is proven."""
    lines = proof.lines_of(b'a,b\n1,2\n\n1,"2,3",4\n"x\n", ,\n"1","2"', LIMITS)
    assert lines is not None
    assert lines.below.rows() == [(2, 4, 2), (4, 9, 3), (5, 19, None), (6, 22, None), (7, 27, 2)]


def test_a_line_that_may_be_too_long_is_not_proven() -> None:
    """The limit counts the line end; whether the last line has one is left to the careful reader."""
    lines = proof.lines_of(b"a,b\n1,2\n1,22\n1,222", ReadingLimits(row_bytes_max=5))
    assert lines is not None
    assert lines.below["cells"].to_list() == [2, 2, None]


@pytest.mark.parametrize(
    "limits",
    [
        ReadingLimits(rows_max=1),
        ReadingLimits(rows_max=0),
        ReadingLimits(columns_max=1),
        ReadingLimits(row_bytes_max=3),
    ],
    ids=["rows", "fewer rows", "columns", "bytes"],
)
def test_what_exceeds_a_limit_is_not_proven(limits: ReadingLimits) -> None:
    """The careful reader says which limit was exceeded."""
    assert proof.read(b"a,b\n1,2\n3,4", limits) is None


def test_more_lines_than_rows_are_accepted_are_not_looked_at() -> None:
    """A file of blank lines alone would take memory for each of them; the careful reader streams."""
    assert proven(b"a,b\n1,2\n\n", ReadingLimits(rows_max=2))
    assert proof.lines_of(b"a,b\n1,2\n\n", ReadingLimits(rows_max=1)) is None


def test_lines_are_told_apart_at_a_character_that_the_file_has_not() -> None:
    """A file that has every control character that could serve is left to the careful reader."""
    signs = bytes([*range(1, 9), *range(0x1C, 0x20)])
    assert proof.lines_of(b'a,b\n"1",' + signs, LIMITS) is None
    assert proven(b'a,b\n"1",' + signs[1:] + b"\n")


def test_polars_is_not_trusted_with_what_it_was_given() -> None:
    """Should polars refuse what was proven, or find other rows in it, the careful reader takes over."""
    assert proof.parsed(b"1,2\n", 2, 1, quotes=False) is not None
    assert proof.parsed(b"1,2\n", 2, 2, quotes=False) is None
    assert proof.parsed(b"1,2,3\n", 2, 1, quotes=False) is None


@pytest.mark.parametrize(
    "body", [b"1,2,3\n4\n", b"1,2,\n4\n", b"1,2\n,,\n3\n", b"1,2\n" * 50_000 + b"1,2,3\n4\n" + b"1,2\n" * 50_000]
)
def test_polars_gives_up_on_a_long_row(body: bytes) -> None:
    """A file is proven by counting its commas only because polars never reads a row with too many of them."""
    assert body.count(b",") == body.count(b"\n")
    assert proof.parsed(body, 2, body.count(b"\n"), quotes=False) is None
    assert proof.read(b"a,b\n" + body, LIMITS) is None


def test_counting_is_no_proof_where_the_longest_cells_may_exceed_the_limit() -> None:
    """Where only the longest cells together exceed the limit, the lines themselves decide."""
    data = b"a,b\n1234567,1\n1,1234567\n"
    assert proof.read(data, ReadingLimits(row_bytes_max=12)) is None
    assert proven(data, ReadingLimits(row_bytes_max=12))
    assert not proven(data, ReadingLimits(row_bytes_max=9))


@pytest.mark.parametrize("data", [b'a,b\n"\xff",1\n', b"a,b\n\xff,1\n"], ids=["quotes", "no quotes"])
def test_what_is_not_utf_8_is_left_alone(data: bytes) -> None:
    """Bytes that no check has let through prove nothing, with quotation marks or without."""
    assert not proven(data)
    assert proof.read(data, LIMITS) is None
