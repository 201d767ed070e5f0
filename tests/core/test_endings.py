"""The end of a file: cut off, with a line that is no row, or as it should be."""

from __future__ import annotations

import pytest

from core.sets import CLEVER, DIRECT, REMIND_1_0, verdict
from rostergate.core.endings import FILE_CUT_OFF, REPORT_LINE
from rostergate.core.policy import ReadingLimits
from rostergate.core.reading import Reading, read
from rostergate.core.sheet import BAD_QUOTES, WRONG_COLUMN_COUNT

HEAD = "class_id,student_id\nc1,s1\nc1,s2\n"


def taken(text: str) -> Reading:
    """Read a small file."""
    return read("enrollments.csv", text.encode(), limits=ReadingLimits())


def told(found: Reading) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Return count and lines of each code."""
    return {one.code: (one.count, one.lines) for one in found.findings}


WHOLE = {
    "with a line end": HEAD,
    "without one": HEAD + "c1,s3",
    "with an end mark": HEAD + "\x1a",
    "with an end mark for a line end": HEAD + "c1,s3\x1a",
    "with blank lines": HEAD + "\n\n",
    "with a row of commas": HEAD + ",",
    "with a cell of several lines": HEAD + 'c1,"s\n3"',
    "with a cell of several lines that looks like an open one": HEAD + '"c\n1","a,"',
    "with nothing but its header": "class_id,student_id",
    "with an id that is a word of reports": HEAD + "Total,s3\n" + "c1,Count\n",
    "with an id that begins like one": HEAD + "Footer-9,s3\n",
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_quiet(text: str) -> None:
    """A file that ends in one of these ways is whole."""
    assert told(taken(text)) == {}


CUT = {
    "in a row": (HEAD + "c1", {FILE_CUT_OFF.code: (1, (4,))}, 2),
    "after another short row": (
        "class_id,student_id\nc1\nc1,s2\nc1",
        {WRONG_COLUMN_COUNT.code: (1, (2,)), FILE_CUT_OFF.code: (1, (4,))},
        1,
    ),
    "after more short rows than are listed": (
        "class_id,student_id\n" + "c1\n" * 25 + "c1",
        {WRONG_COLUMN_COUNT.code: (25, tuple(range(2, 22))), FILE_CUT_OFF.code: (1, (27,))},
        0,
    ),
    "in quotation marks": (HEAD + 'c1,"s', {FILE_CUT_OFF.code: (1, (4,))}, 2),
    "in quotation marks of the first cell": (HEAD + '"c', {FILE_CUT_OFF.code: (1, (4,))}, 2),
    "in a cell of several lines": (
        HEAD + 'c1,"s\n3',
        {BAD_QUOTES.code: (1, (4,)), FILE_CUT_OFF.code: (1, (5,))},
        2,
    ),
}


@pytest.mark.parametrize(("text", "expected", "rows"), CUT.values(), ids=CUT)
def test_cut_off(text: str, expected: dict[str, tuple[int, tuple[int, ...]]], rows: int) -> None:
    """A file that breaks off is told as that, at its last line, and the line is counted under nothing else."""
    found = taken(text)
    assert (told(found), found.rows) == (expected, rows)


def test_a_cell_that_ends_in_the_last_line_leaves_other_faults_as_they_are() -> None:
    """A quotation mark alone in the last line closes a cell of several lines, whatever is wrong further up."""
    found = taken('class_id,student_id\n1"0,x\nc1,"s1\n"')
    assert (told(found), found.rows) == ({BAD_QUOTES.code: (1, (2,))}, 1)


def test_a_row_that_is_short_or_broken_but_ended_is_not_cut_off() -> None:
    """With a line end, or too many cells, it is what any other row of the kind is."""
    assert told(taken(HEAD + "c1\n")) == {WRONG_COLUMN_COUNT.code: (1, (4,))}
    assert told(taken(HEAD + "c1,s3,")) == {WRONG_COLUMN_COUNT.code: (1, (4,))}
    assert told(taken(HEAD + 'c1,"s\n')) == {BAD_QUOTES.code: (1, (4,))}
    assert told(taken(HEAD + 'c1,s"')) == {BAD_QUOTES.code: (1, (4,))}
    assert told(taken(HEAD + "c1," + "x" * 70_000)) == {"row-too-long": (1, (4,))}


REPORTED = (
    "(2 rows affected)",
    "2 rows selected.",
    '"1,204 records"',
    "Total records: 2",
    "TOTAL,2",
    "Grand Total,2",
    "Total number of students,2",
    "Record count = 2",
    "Number of rows: 2",
    "TRAILER,000002",
    "trailer record,2",
    "EOF",
    "End of file,",
    "*** end of report",
)


@pytest.mark.parametrize("line", REPORTED)
@pytest.mark.parametrize("end", ["\n", "", "\n\n\n"], ids=["ended", "not ended", "with blank lines"])
def test_a_line_about_the_rows_is_no_row(line: str, end: str) -> None:
    """A total, a count or a mark of the end is told as such, whether or not it has as many cells as a row."""
    found = taken(HEAD + line + end)
    assert (told(found), found.rows) == ({REPORT_LINE.code: (1, (4,))}, 2)


def test_an_underline_is_no_row() -> None:
    """A line of dashes below the column names is told; one further down is an id like any other."""
    found = taken("class_id,student_id\n--------,----------\nc1,s1\n")
    assert (told(found), found.rows) == ({REPORT_LINE.code: (1, (2,))}, 1)
    assert "underlines" in found.findings[0].message
    assert told(taken(HEAD + "--,--\n")) == {}


def test_an_id_that_only_begins_one_that_is_there_is_cut_off() -> None:
    """The last cell is as much of an id as has come; however other files end, nobody is enrolled as somebody else."""
    files = {**DIRECT, "enrollments.csv": DIRECT["enrollments.csv"].rstrip("\n")[:-1]}
    assert [(one.code, one.file, one.lines) for one in verdict(files).findings] == [
        ("file-cut-off", "enrollments.csv", (2,))
    ]
    without_ends = {name: text.rstrip("\n") for name, text in files.items()}
    assert [one.code for one in verdict(without_ends).findings] == ["file-cut-off"]


def test_what_cannot_be_used_in_the_only_file_that_ends_like_that_is_cut_off() -> None:
    """Half a phone number is invalid anywhere; where all files end without a line end, it is no more than that."""
    cut = {**REMIND_1_0, "students.csv": REMIND_1_0["students.csv"].rstrip("\n") + "212-555-01"}
    assert [(one.code, one.lines) for one in verdict(cut).findings] == [("file-cut-off", (3,))]
    everywhere = {name: text.rstrip("\n") for name, text in cut.items()}
    assert "file-cut-off" not in {one.code for one in verdict(everywhere).findings}
    whole = {**REMIND_1_0, "students.csv": REMIND_1_0["students.csv"].rstrip("\n") + "212-555-0188"}
    assert "file-cut-off" not in {one.code for one in verdict(whole).findings}


def test_an_unknown_id_before_the_last_cell_is_whole() -> None:
    """An id in the first cell begins another one, and costs its row: a row that breaks off does so in its last cell."""
    files = {name: text.rstrip("\n") for name, text in DIRECT.items()}
    files["enrollments.csv"] += "\nc,0s1"
    found = verdict(files)
    assert (found.outcome, [(one.code, one.lines) for one in found.findings]) == (
        "accepted",
        [("unknown-class", (3,))],
    )


@pytest.mark.parametrize("phone", ["212-555-0142", ""], ids=["filled", "empty"])
def test_what_cannot_be_used_before_the_last_cell_is_whole(phone: str) -> None:
    """A bad date in the middle of the only last row without a line end is a bad date."""
    files = {**DIRECT, "students.csv": f"{DIRECT['students.csv']}0s2,01,Al,Dale,9,3/4/12,a@b.org,{phone}"}
    found = verdict(files)
    assert (found.outcome, [(one.code, one.lines) for one in found.findings]) == (
        "accepted",
        [("birth-date-invalid", (4,))],
    )


@pytest.mark.parametrize(
    ("file", "row", "code"),
    [
        ("sections.csv", "School_id,Section_id,Name,Teacher_id,Teacher_2_id\n01,c1,Algebra,t1,t", "file-cut-off"),
        ("sections.csv", "School_id,Section_id,Name,Teacher_2_id,Teacher_id\n01,c1,Algebra,t,t2", "unknown-teacher"),
        ("enrollments.csv", "School_id,Section_id,Student_id,note\n01,c1,s,x", "unknown-student"),
    ],
    ids=["one of several columns for an id, the last", "another of them", "before a column that is not read"],
)
def test_the_last_cell_is_that_of_the_last_column(file: str, row: str, code: str) -> None:
    """Where an id may stand in several columns, or a last one is not read, the very column is looked at."""
    assert code in {one.code for one in verdict({**CLEVER, file: row}).findings}


def test_an_end_mark_says_that_the_last_cell_is_whole() -> None:
    """Where a program has written that the file ends, it has not broken off."""
    files = {**DIRECT, "enrollments.csv": DIRECT["enrollments.csv"].rstrip("\n")[:-1] + "\x1a"}
    assert "file-cut-off" not in {one.code for one in verdict(files).findings}


def test_an_unknown_id_that_begins_no_other_is_an_unknown_one() -> None:
    """Where several files end without a line end, a reference to nothing costs its row and no more."""
    files = {name: text.rstrip("\n") for name, text in DIRECT.items()}
    files["enrollments.csv"] += "\nc1,nobody"
    assert [one.code for one in verdict(files).findings] == ["unknown-student"]


def test_a_file_that_did_not_come_is_not_asked() -> None:
    """Guardians without a line end refer to students, who are all there."""
    files = {name: text for name, text in DIRECT.items() if name != "guardians.csv"}
    files["enrollments.csv"] = files["enrollments.csv"].rstrip("\n")
    assert [one.code for one in verdict(files).findings if one.severity == "format-error"] == []
