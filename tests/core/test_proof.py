from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.written import CELLS, Written, damaged, files
from rostergate.core import careful, proof
from rostergate.core.policy import ReadingLimits

LIMITS = ReadingLimits()


def agree(data: bytes, limits: ReadingLimits = LIMITS) -> None:
    """Assert that the careful reader finds the same in what the fast road accepts."""
    fast = proof.read(data, limits)
    if fast is None:
        return
    slow = careful.read("x.csv", data, limits)
    assert slow.findings == ()
    assert fast.frame is not None
    assert slow.frame is not None
    assert (fast.header, fast.header_line) == (slow.header, slow.header_line)
    assert fast.frame.equals(slow.frame)
    assert fast.frame.schema == slow.frame.schema


PROVEN = {
    "a header alone": b"a,b",
    "quotes": b'"a","b"\n"1","x, ""y"""\n"",\n',
    "no quotes": b"a,b\n1,\n,2\n,\n",
    "blank lines": b"\n\na,b\n\n1,2\n\n",
    "CRLF": b"a,b\r\n1,2\r\n",
    "lone CR": b"a,b\r1,2\r",
    "one column": b'a\n1\n\n""\n2\n',
    "white space to trim": "a,b\n\u00a01\u2003, 2\n  , \n".encode(),
    "characters outside ASCII": "ä,b\né,東\n".encode(),
    "many columns": ",".join(f'"{place}"' for place in range(200)).encode(),
}


@pytest.mark.parametrize("data", PROVEN.values(), ids=PROVEN)
def test_clean_files_are_proven(data: bytes) -> None:
    """A file of whole rows takes the fast road, and the careful one would give the same."""
    assert proof.read(data, LIMITS) is not None
    agree(data)


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
    "a control character at the end of a line": b"a,b\n1,2\x1f\n",
    "a multi-line cell": b'a,b\n1,"2\n3"\n',
    "text after a closing quote": b'a,b\n1,"2"3\n',
    "a backslash before a quote": b'a,b\n1,"2\\"\n',
    "a blank before a quote": b'a,b\n1, "2"\n',
    "a separator of units": b"a,b\n1,2\x1f\n",
    "a separator of units in the header": b"a,b\x1f\n1,2\n",
}


@pytest.mark.parametrize("data", NOT_PROVEN.values(), ids=NOT_PROVEN)
def test_other_files_are_left_to_the_careful_reader(data: bytes) -> None:
    """Whatever is not certain to be a whole row is not proven."""
    assert proof.read(data, LIMITS) is None


@pytest.mark.parametrize(
    "limits",
    [
        ReadingLimits(rows_max=1),
        ReadingLimits(rows_max=0),
        ReadingLimits(columns_max=1),
        ReadingLimits(row_bytes_max=4),
    ],
    ids=["rows", "fewer rows", "columns", "bytes"],
)
def test_what_exceeds_a_limit_is_not_proven(limits: ReadingLimits) -> None:
    """The careful reader says which limit was exceeded."""
    assert proof.read(b"a,b\n1,2\n3,4", limits) is None


def test_more_columns_than_the_pattern_can_count_are_not_proven() -> None:
    """A header so wide that the pattern of a row cannot be built is left to the careful reader."""
    header = b",".join(b'"%d"' % place for place in range(60_000))
    assert proof.read(header, ReadingLimits(columns_max=100_000, row_bytes_max=1_000_000)) is None


def test_polars_is_not_trusted_with_what_it_was_given() -> None:
    """Should polars refuse what was proven, or find other rows in it, the careful reader takes over."""
    assert proof._parsed(b"1,2\n", 2, 1, quotes=False) is not None
    assert proof._parsed(b"1,2\n", 2, 2, quotes=False) is None
    assert proof._parsed(b"1,2,3\n", 2, 1, quotes=False) is None


@given(files(CELLS))
@settings(max_examples=60, deadline=None)
def test_roads_agree_on_files_without_multi_line_cells(written: Written) -> None:
    """Where every row is one line, both roads give the same."""
    agree(written.data)


@given(damaged(files()))
@settings(max_examples=60, deadline=None)
def test_roads_agree_on_damaged_files(data: bytes) -> None:
    """Whatever the damage, the fast road accepts only what the careful reader finds faultless."""
    agree(data.decode(errors="ignore").replace("\0", "").encode())


@given(st.text(st.sampled_from(list('a,"\n\r\\ \x1f')), max_size=30))
@settings(max_examples=60, deadline=None)
def test_roads_agree_on_any_text(text: str) -> None:
    """The same holds for short texts made of nothing but the characters that matter."""
    agree(text.encode())


@pytest.mark.parametrize(
    "body", [b"1,2,3\n4\n", b"1,2,\n4\n", b"1,2\n,,\n3\n", b"1,2\n" * 50_000 + b"1,2,3\n4\n" + b"1,2\n" * 50_000]
)
def test_polars_gives_up_on_a_long_row(body: bytes) -> None:
    """A file is proven by counting its commas only because polars never reads a row with too many of them."""
    assert body.count(b",") == body.count(b"\n")
    assert proof._parsed(body, 2, body.count(b"\n"), quotes=False) is None
    assert proof.read(b"a,b\n" + body, ReadingLimits()) is None


def test_a_row_that_may_be_too_long_is_looked_at() -> None:
    """Where only the longest cells together exceed the limit, the lines themselves decide."""
    data = b"a,b\n1234567,1\n1,1234567\n"
    sheet = proof.read(data, ReadingLimits(row_bytes_max=12))
    assert sheet is not None
    assert sheet.frame is not None
    assert sheet.frame.rows() == [("1234567", "1", 2), ("1", "1234567", 3)]
    assert proof.read(data, ReadingLimits(row_bytes_max=10)) is None


def test_what_is_not_utf_8_is_left_alone() -> None:
    """Bytes that no check has let through prove nothing, with quotation marks or without."""
    assert proof.read(b'a,b\n"\xff",1\n', ReadingLimits()) is None
    assert proof.read(b"a,b\n\xff,1\n", ReadingLimits()) is None
