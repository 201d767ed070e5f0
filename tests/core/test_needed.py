"""What a row has to have, by the declaration of its format."""

from __future__ import annotations

import pytest

from core.sets import DIRECT, claims
from rostergate.core import needed
from rostergate.core.formats.direct import FORMAT
from rostergate.core.problem import Effect


def problems(changed: dict[str, str]) -> list[tuple[str, str, str | None, list[tuple[str, int]]]]:
    """Return code, table, column and rows of each problem of the changed set."""
    found = needed.problems(FORMAT, claims(FORMAT, {**DIRECT, **changed}))
    assert all(one.effect is Effect.LEAVE_OUT for one in found)
    return [(one.code.code, one.table, one.column, one.rows.rows()) for one in found]


def test_a_sound_set_passes() -> None:
    """A set that follows its declaration lacks nothing."""
    assert problems({}) == []


PROBLEMS = {
    "no e-mail address": (
        {"teachers.csv": "teacher_id,school_id,first_name,last_name,email,phone\nt1,01,A,B,,\nt2,01,A,B,x@y.org,\n"},
        [("teacher-email-missing", "teachers", "email", [("teachers.csv", 2)])],
    ),
    "no name": (
        {"teachers.csv": "teacher_id,school_id,first_name,last_name,email,phone\nt1,01,,B,x@y.org,\n"},
        [("name-missing", "teachers", "first_name", [("teachers.csv", 2)])],
    ),
    "no name of a school": (
        {"schools.csv": "school_id,school_name\n01,Lincoln\n02,\n"},
        [("name-missing", "schools", "name", [("schools.csv", 3)])],
    ),
    "no school of a class": (
        {"classes.csv": "class_id,school_id,class_name,teacher_id\nc1,,Algebra,t1\n"},
        [("class-school-missing", "classes", "school_id", [("classes.csv", 2)])],
    ),
    "a long name of a class": (
        {"classes.csv": f"class_id,school_id,class_name,teacher_id\nc1,01,{'ä' * 256},t1\nc2,01,{'ä' * 255},t1\n"},
        [("class-name-too-long", "classes", "name", [("classes.csv", 2)])],
    ),
    "a long name of a school": (
        {"schools.csv": f"school_id,school_name\n01,{'a' * 60}\n02,{'a' * 61}\n"},
        [("school-name-too-long", "schools", "name", [("schools.csv", 3)])],
    ),
}


@pytest.mark.parametrize(("changed", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_required_values_and_lengths(
    changed: dict[str, str], expected: list[tuple[str, str, str | None, list[tuple[str, int]]]]
) -> None:
    """A row that lacks a required value, or has one that is too long, makes nothing."""
    assert problems(changed) == expected
