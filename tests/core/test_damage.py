from __future__ import annotations

import pytest

from core.sets import DIRECT, REMIND_1_0, claims
from rostergate.core.damage import check
from rostergate.core.formats import direct, remind_1_0

Traces = list[tuple[str, str | None, str | None, tuple[int, ...]]]


def traces(**changed: str) -> Traces:
    """Return what is found in the sound set with these files (without .csv) in the place of its own."""
    files = {**DIRECT, **{f"{name}.csv": text for name, text in changed.items()}}
    return [(one.code, one.file, one.column, one.lines) for one in check(claims(direct.FORMAT, files))]


def students(grade: str) -> str:
    """Write students.csv with one student of this grade."""
    return f"student_id,school_id,first_name,last_name,grade,birth_date,email,phone\n0s1,01,Bo,Dale,{grade},,,\n"


def test_sound_sets_are_not_damaged() -> None:
    """What an SIS exports shows no trace of a spreadsheet."""
    assert traces() == []
    assert check(claims(remind_1_0.FORMAT, REMIND_1_0)) == ()


@pytest.mark.parametrize("number", ["1.23E+11", "1E+15", "1.23457e+12", "1,23E+11"])
def test_ids_in_scientific_notation(number: str) -> None:
    """An id that a spreadsheet shortened is found in every column it stands in."""
    cell = f'"{number}"'
    assert traces(
        schools=f"school_id,school_name\n01,Lincoln\n02,Adams\n{cell},Polk\n",
        classes=f"class_id,school_id,class_name,teacher_id\nc1,{cell},Algebra,t1\n",
    ) == [
        ("spreadsheet-damage", "schools.csv", "school_id", (4,)),
        ("spreadsheet-damage", "classes.csv", "school_id", (2,)),
    ]


def test_one_finding_for_a_column_that_feeds_two_tables() -> None:
    """A column is reported once, however many tables it feeds."""
    assert traces(enrollments="class_id,student_id\nc1,0s1\n1E+10,0s1\n") == [
        ("spreadsheet-damage", "enrollments.csv", "class_id", (3,))
    ]
    teachers = "teacher_id,school_id,first_name,last_name,email,phone\n"
    assert traces(teachers=f"{teachers}t1,01,A,B,a@b.org,\n1E+10,01,A,B,c@b.org,\n") == [
        ("spreadsheet-damage", "teachers.csv", "teacher_id", (3,))
    ]


@pytest.mark.parametrize("sound", ["1E5", "E+11", "12E+11x", "1.23E+1"])
def test_ids_that_only_resemble_it_are_sound(sound: str) -> None:
    """Only what a spreadsheet writes is taken for damage."""
    assert traces(schools=f"school_id,school_name\n01,Lincoln\n02,Adams\n{sound},Polk\n") == []


@pytest.mark.parametrize(
    "id_", ["7.0", "12-Mar", "Mar-12", '"=""007"""', "'007", "#N/A", "#REF!", "#NAME?", "########"]
)
def test_ids_that_are_no_ids_any_more(id_: str) -> None:
    """Decimals, dates, formulas and errors are found wherever an id stands."""
    schools = f"school_id,school_name\n01,Lincoln\n02,Adams\n{id_},Polk\n"
    classes = f"class_id,school_id,class_name,teacher_id\n{id_},{id_},Algebra,t1\n"
    assert traces(schools=schools, classes=classes) == [
        ("spreadsheet-damage", "schools.csv", "school_id", (4,)),
        ("spreadsheet-damage", "classes.csv", "school_id", (2,)),
        ("spreadsheet-damage", "classes.csv", "class_id", (2,)),
    ]


@pytest.mark.parametrize("id_", ["7.00", "A.0", "12-mar", "12-March", "'a", "# 7", "#7", "N/A", "7-12"])
def test_ids_of_ones_own_are_sound(id_: str) -> None:
    """What no spreadsheet writes is an id like any other."""
    assert traces(schools=f"school_id,school_name\n01,Lincoln\n02,Adams\n{id_},Polk\n") == []


def test_decimals_among_others_are_sound() -> None:
    """Where ids are numbers with a point, as of courses and their sections, one of them may end in .0."""
    classes = "class_id,school_id,class_name,teacher_id\n401.0,01,Algebra,t1\n401.1,01,Art,t1\n"
    assert traces(classes=classes, enrollments="class_id,student_id\n401.1,0s1\n") == []


def test_names_that_are_errors() -> None:
    """Nobody is called #N/A, nor is a class."""
    assert traces(classes="class_id,school_id,class_name,teacher_id\nc1,01,#N/A,t1\n") == [
        ("spreadsheet-damage", "classes.csv", "class_name", (2,))
    ]
    assert traces(students=students("9").replace("Dale", "#VALUE!")) == [
        ("spreadsheet-damage", "students.csv", "last_name", (2,))
    ]
    assert traces(classes="class_id,school_id,class_name,teacher_id\nc1,01,#MeToo,t1\n") == []


def test_references_without_their_zeros() -> None:
    """A reference that matches once zeros are put back shows damage, and it is told of the file that lost them."""
    assert traces(classes="class_id,school_id,class_name,teacher_id\nc1,1,Algebra,t1\n") == [
        ("spreadsheet-damage", "classes.csv", "school_id", (2,))
    ]
    assert traces(classes="class_id,school_id,class_name,teacher_id\nc1,001,Algebra,t1\n") == [
        ("spreadsheet-damage", "schools.csv", "school_id", (2,))
    ]


def test_references_to_nothing_are_no_damage() -> None:
    """An unknown id stays an unknown id, with or without zeros."""
    assert traces(classes="class_id,school_id,class_name,teacher_id\nc1,3,Algebra,t1\nc2,x1,Art,t1\n") == []


def test_ids_that_exist_both_ways_are_sound() -> None:
    """Leading zeros count: where both ids exist, each is what it is."""
    assert traces(schools="school_id,school_name\n01,Lincoln\n02,Adams\n1,Polk\n") == []


@pytest.mark.parametrize(
    "grade", ["12-Sep", "2-May", "Sep-12", "5/12", "5/12/2026", "2026-05-12", "2026-05-12 00:00:00"]
)
def test_grades_that_are_dates(grade: str) -> None:
    """A grade that a spreadsheet took for a date is damage."""
    assert traces(students=students(grade)) == [("spreadsheet-damage", "students.csv", "grade", (2,))]


@pytest.mark.parametrize("grade", ["9", "09", "9-12", "K", "Pre-K", "Senior", "Grade 9", ""])
def test_grades_are_grades(grade: str) -> None:
    """Grades as districts write them are no dates."""
    assert traces(students=students(grade)) == []


def test_absent_files_refer_to_nothing() -> None:
    """Without guardians.csv nothing can refer to a guardian."""
    files = {name: text for name, text in DIRECT.items() if name != "guardians.csv"}
    assert check(claims(direct.FORMAT, files)) == ()
