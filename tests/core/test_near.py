from __future__ import annotations

import pytest

from rostergate.core.near import files, folded, pairs


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("Teacher_ID", "teacher_id"),
        ("teacher id", "teacher_id"),
        ("TeacherId", "teacher_id"),
        ("teachers_id", "teacher_id"),
        ("Students.csv", "students.csv"),
        ("student.csv", "students.csv"),
        ("students .csv", "students.csv"),
        ("E-Mail", "email"),
    ],
)
def test_near_misses_are_paired(found: str, expected: str) -> None:
    """Case, spaces, signs and a missing letter do not hide which name was meant."""
    assert pairs([found], [expected]) == {expected: found}


@pytest.mark.parametrize(
    ("found", "expected"), [("school_id", "school_name"), ("Ada", "email"), ("dob", "birth_date"), ("", "email")]
)
def test_other_names_are_not(found: str, expected: str) -> None:
    """Names that only have a word in common are different names."""
    assert pairs([found], [expected]) == {}


def test_each_name_is_used_once() -> None:
    """The most alike pair comes first, and what is left is paired with what is left."""
    assert pairs(["student_ids", "Student_ID"], ["student_id"]) == {"student_id": "Student_ID"}
    assert pairs(["Email"], ["email", "emails"]) == {"email": "Email"}


def test_a_name_that_may_be_either_is_not_guessed() -> None:
    """A name that is as much like one as like another stands for neither, and not for one that it is less like."""
    several = ["teacher_2_id", "teacher_3_id"]
    assert pairs(["teacher_5_id"], several) == {}
    assert pairs(["teacher_5_id"], [*several, "teacher_10_id"]) == {}
    assert pairs(["teacher_5_id", "Teacher_2_ID"], several) == {
        "teacher_2_id": "Teacher_2_ID",
        "teacher_3_id": "teacher_5_id",
    }


def test_names_that_differ_in_signs_alone_are_one() -> None:
    """It does not matter which of them was meant."""
    assert pairs(["dob"], ["DOB", "Dob"]) == {"DOB": "dob"}


def test_folding_keeps_letters_and_digits() -> None:
    """Folding drops case and signs, in any script."""
    assert folded("Straße 1_b") == "strasse1b"


@pytest.mark.parametrize(
    "found", ["STUDENTS.CSV", "2026-11-29_students.csv", "students (2).csv", "Northfield Students.csv"]
)
def test_files_with_something_around_their_name_are_meant(found: str) -> None:
    """A date, a number or the district's name beside it does not hide which file it is."""
    assert files([found], ["schools.csv", "students.csv"]) == {"students.csv": found}


def test_files_that_may_be_several_are_not_guessed() -> None:
    """A name that has two of the names in it, or none, stands for neither."""
    assert files(["students_of_schools.csv", "rooms.csv"], ["schools.csv", "students.csv"]) == {}
