from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.core import concerned
from rostergate.core.plan import Hold
from rostergate.desk.sheets import (
    CHANGES_COLUMNS,
    FINDINGS_COLUMNS,
    HOLDS_COLUMNS,
    findings_csv,
    protected,
    write_changes,
    write_holds,
)

if TYPE_CHECKING:
    from rostergate.desk.story import Change, Story


def changes(given_changes: list[Change]) -> list[dict[str, str]]:
    """Return the rows of changes.csv as a program reads them."""
    out = io.BytesIO()
    write_changes(given_changes, out)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))


def ties(*ids: str, action: str = "added") -> pl.DataFrame:
    """Return enrollments of one student in the classes of these ids."""
    return pl.DataFrame({"school_id": "100", "class_id": list(ids), "student_id": "s", "action": action})


def test_a_change_is_one_row_with_its_ids() -> None:
    """A tie shows all its ids; ids that it does not have are empty."""
    assert changes([("100", "enrollments", ties("c-1", action="removed"))]) == [
        dict(zip(CHANGES_COLUMNS, ("100", "enrollments", "removed", "", "s", "", "c-1"), strict=True))
    ]


def test_no_changes_leave_a_header() -> None:
    """The file is never without its header."""
    out = io.BytesIO()
    write_changes([], out)
    assert out.getvalue().decode() == ",".join(CHANGES_COLUMNS) + "\n"


def test_people_are_ids_and_kept_people_are_no_change(a_person: list[Change]) -> None:
    """Of a person only the id is shown; people whom a plan merely keeps are left out."""
    told = changes(a_person)
    assert [(row["action"], row["student_id"]) for row in told] == [("added", "s-1"), ("updated", "s-2")]
    assert "Yellowbird" not in str(told)


def test_many_rows_are_all_written() -> None:
    """A plan larger than what is written at once loses no row."""
    many = 600_001
    out = io.BytesIO()
    write_changes([("100", "enrollments", ties(*map(str, range(many))))], out)
    assert out.getvalue().count(b"\n") == many + 1


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_never_becomes_a_formula(cell: str) -> None:
    """An id that a spreadsheet would calculate gets an apostrophe, in both files alike."""
    assert protected(cell) == f"'{cell}"
    assert [row["class_id"] for row in changes([("100", "enrollments", ties(cell))])] == [f"'{cell}"]
    assert changes([(cell, "enrollments", ties("c"))])[0]["school_id"] == f"'{cell}"


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_id_comes_back_from_the_file(cell: str) -> None:
    """Quotes, commas and line ends in an id survive; both ways of protecting a cell agree."""
    assert [row["class_id"] for row in changes([("100", "enrollments", ties(cell))])] == [protected(cell)]


def test_findings_have_one_row_per_line(stories: dict[str, Story]) -> None:
    """Each listed line is a row that repeats the finding; the count stays that of the whole finding."""
    rows = list(csv.DictReader(io.StringIO(findings_csv(stories["faulty"].findings))))
    assert tuple(rows[0]) == FINDINGS_COLUMNS
    assert [(row["code"], row["line"], row["count"]) for row in rows[:3]] == [
        ("teacher-email-missing", "14", "2"),
        ("teacher-email-missing", "88", "2"),
        ("student-unreachable", "3", "118"),
    ]
    assert len(rows) == 22


def test_a_finding_without_lines_has_one_row(stories: dict[str, Story]) -> None:
    """A missing file is one row with an empty line."""
    rows = list(csv.DictReader(io.StringIO(findings_csv(stories["incomplete"].findings))))
    assert [(row["code"], row["line"]) for row in rows] == [("missing-file", "")]


def test_the_rows_of_a_hold_are_named_by_their_ids() -> None:
    """Each row names school and hold; a hold whose rows are not at hand has none, and formulas are protected."""
    rows = concerned.rows("enrollments", ties("=c", action="removed"))
    out = io.BytesIO()
    write_holds([("100", (Hold("too-many-removals", "m", {}, rows), Hold("old", "m", {})))], out)
    assert out.getvalue().decode().splitlines() == [
        ",".join(HOLDS_COLUMNS),
        "100,too-many-removals,enrollments,removed,,s,,'=c,",
    ]


def test_the_rows_of_a_hold_survive_packing() -> None:
    """What is kept of a hold's rows is what was given."""
    rows = concerned.together([concerned.rows("enrollments", ties("c1", "c2"))])
    assert concerned.unpack(concerned.pack(rows)).equals(rows)
