from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import roads
from core.written import CELLS, Written, damaged, files
from rostergate.core import careful, stretches
from rostergate.core.policy import ReadingLimits
from rostergate.core.sheet import Sheet, with_line_feeds

LIMITS = ReadingLimits()


def compared(data: bytes, limits: ReadingLimits = LIMITS) -> None:
    """Assert that the roads agree about a file, whatever stands in it."""
    text = data.decode(errors="ignore").replace("\0", "")
    roads.compared(roads.Case(with_line_feeds(text.encode()), limits))


def read(data: bytes, limits: ReadingLimits = LIMITS) -> Sheet:
    """Read a file that is not left to the careful reader, and agree with it."""
    compared(data, limits)
    sheet = stretches.read("x.csv", data, limits)
    assert sheet is not None
    return sheet


TOLD = {
    "short and long rows": (b"a,b\n1\n1,2\n1,2,3\n", [(3, "1")], {"wrong-column-count": (2, 4)}),
    "long rows in quotes": (b'a,b\n1,"2,3",4\n"1",2\n', [(3, "1")], {"wrong-column-count": (2,)}),
    "blank rows of any width": (b'a,b\n,,\n"",\n" ",,""\n \n1,2\n', [(6, "1")], {}),
    "a cell of several lines": (b'a,b\n"1\n\n2,3\n4",5\n6,7\n', [(2, "1\n\n2,3\n4"), (6, "6")], {}),
    "a whole row inside a cell": (b'a,b\n"1\n2,3\n4",5,6\n7,8\n', [(5, "7")], {"wrong-column-count": (2,)}),
    "blanks before quotes": (b'a,b\n1, "2"\n\t"3" ,4\n', [(2, "1"), (3, "3")], {}),
    "text after quotes": (b'a,b\n"1"x,2\n3,4\n', [(3, "3")], {"bad-quotes": (2,)}),
    "a backslash before quotes": (b'a,b\n"1\\",2\n3,4\n', [(3, "3")], {"bad-quotes": (2,)}),
    "a row that is too long": (b"a,b\n1," + b"2" * 70_000 + b"\n3,4\n", [(3, "3")], {"row-too-long": (2,)}),
    "a control character at the end of a line": (b'a,b\n"1",2\x1f\n3\n', [(2, "1")], {"wrong-column-count": (3,)}),
}


@pytest.mark.parametrize(("data", "rows", "findings"), TOLD.values(), ids=TOLD)
def test_one_broken_line_costs_itself_alone(
    data: bytes, rows: list[tuple[int, str]], findings: dict[str, tuple[int, ...]]
) -> None:
    """Whatever a line holds, the rows around it are read, and it is told by its number."""
    sheet = read(data)
    assert sheet.frame is not None
    assert sheet.frame.select("line", "a").rows() == rows
    assert {one.code: one.lines for one in sheet.findings} == findings


ROWS = [b'%d,"name %d",x' % (number, number) for number in range(2, 42)]
BROKEN = {
    "opened at the start": b'"2,name,x',
    "opened in the middle": b'2,"name,x',
    "opened at the end": b'2,name,"x',
    "opened and doubled": b'2,"name"",x',
    "closed twice": b'2,"name"",""x"',
    "never opened": b'2,name",x',
    "nothing but one": b'"',
    "three of them": b'"""',
    "in the last line of a cell of three": b'2,"na\nme\nna"me,x',
    "in the first line of a cell of two": b'2,"na"me\nname,x',
}


@pytest.mark.parametrize("at", [[0], [20], [39], [3, 5], [0, 13, 26, 39]], ids=str)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_quotes_cost_their_own_rows(broken: bytes, at: list[int]) -> None:
    """Wherever quotes are broken, every other row is read, and nothing is told but the lines of the broken ones."""
    rows = [broken if number in at else row for number, row in enumerate(ROWS)]
    sheet = read(b"\n".join([b"a,b,c", *rows, b""]))
    assert sheet.frame is not None
    whole = [row.split(b",")[0].decode() for number, row in enumerate(ROWS) if number not in at]
    assert sheet.frame["a"].to_list() == whole
    starts = [2 + number + broken.count(b"\n") * at.index(number) for number in at]
    told = {line for one in sheet.findings for line in one.lines}
    assert set(starts) <= told <= {start + more for start in starts for more in range(broken.count(b"\n") + 1)}


def test_what_is_left_to_the_careful_reader() -> None:
    """Without a header line to go by, or with more rows than are accepted, there are no stretches."""
    assert stretches.read("x.csv", b'"a\n",b\n1,2\n', LIMITS) is None
    assert stretches.read("x.csv", b'a,b\n"1\n",2\n3,4\n', ReadingLimits(rows_max=1)) is None
    assert stretches.read("x.csv", b'a,b\n"1",2\n3,4\n5,6\n', ReadingLimits(rows_max=1)) is None


def test_little_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large file only the lines that are not proven go through the careful reader."""
    walked: list[int] = []

    def counted(data: bytes, start: int, line: int, row_bytes_max: int) -> tuple[careful.Row, int]:
        walked.append(line)
        return careful.row_at(data, start, line, row_bytes_max)

    monkeypatch.setattr(stretches, "row_at", counted)
    rows = b'"1","2"\n' * 9 + b'"1\n1","2"\n' + b'"1\n' + b'"1","2",\n'
    sheet = stretches.read("x.csv", b"a,b\n" + rows * 100, LIMITS)
    assert sheet is not None
    assert sheet.frame is not None
    assert (len(sheet.frame), [one.count for one in sheet.findings]) == (1000, [100, 100])
    assert len(walked) == 200


@given(files(CELLS))
@settings(max_examples=60, deadline=None)
def test_roads_agree_on_files_without_multi_line_cells(written: Written) -> None:
    """Where every row is one line, all roads give the same."""
    compared(written.data)


@given(damaged(files()))
@settings(max_examples=60, deadline=None)
def test_roads_agree_on_damaged_files(data: bytes) -> None:
    """Whatever the damage, the fast roads find what the careful reader finds."""
    compared(data)


@pytest.mark.parametrize("end", [b"", b"\n"], ids=["without a last line end", "with one"])
def test_an_empty_cell_too_many_does_not_make_up_for_one_too_few(end: bytes) -> None:
    """The commas of a short and of a long row are as many as those of two right ones, and polars takes the long one."""
    compared(b"a,b\n,\nx\n,," + end)


@given(st.text(st.sampled_from(list('a,"\n\r\\ \x1f')), max_size=30))
@settings(max_examples=60, deadline=None)
def test_roads_agree_on_any_text(text: str) -> None:
    """The same holds for short texts made of nothing but the characters that matter."""
    compared(text.encode())


@pytest.mark.parametrize(("files", "pieces"), [(200, 1), (4, 250)], ids=["small files", "larger ones"])
def test_roads_agree_on_files_from_a_seed(files: int, pieces: int) -> None:
    """A few of the files that `roads` makes; it has compared a million of them."""
    for case in roads.cases(4, files, pieces):
        roads.compared(case)
