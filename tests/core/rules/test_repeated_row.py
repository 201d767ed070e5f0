from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.repeated_row import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t", "last_name": "Hill"}, {"teacher_id": "t", "last_name": "Hill"}],
            teacher_schools=[{"school_id": "1", "teacher_id": "t"}, {"school_id": "2", "teacher_id": "t"}],
        ),
        id="a teacher with one row per school",
    ),
    pytest.param(
        claims(
            students=[{"student_id": "s", "line": line} for line in (2, 3, 4, 5)],
            student_schools=[
                {"school_id": "1", "student_id": "s", "line": 2},
                {"school_id": "1", "student_id": "s", "line": 3},
                {"school_id": "2", "student_id": "s", "line": 4},
                {"school_id": "2", "student_id": "s", "line": 5},
            ],
            guardians=[
                {"guardian_id": guardian, "file": "students.csv", "line": line}
                for guardian, line in (("g", 2), ("h", 3), ("g", 4), ("h", 5))
            ],
            guardianships=[
                {"student_id": "s", "guardian_id": guardian, "file": "students.csv", "line": line}
                for guardian, line in (("g", 2), ("h", 3), ("g", 4), ("h", 5))
            ],
        ),
        id="a student repeated for each guardian and each school",
    ),
    pytest.param(
        claims(
            classes=[{"school_id": "1", "class_id": "c"}, {"school_id": "1", "class_id": "c"}],
            class_teachers=[
                {"class_id": "c", "teacher_id": "t"},
                {"class_id": "c", "teacher_id": "u"},
                {"class_id": "c", "teacher_id": "t", "file": "enrollments.csv", "line": 2},
            ],
        ),
        id="a class with one row per teacher, one of whom is enrolled as well",
    ),
    pytest.param(
        claims(schools=[{"school_id": "1"}, {"school_id": "1"}]), id="schools, which the declaration looks after"
    ),
]

FOUND = [
    pytest.param(
        claims(
            enrollments=[
                {"class_id": "c", "student_id": "s"},
                {"class_id": "c", "student_id": "u"},
                {"class_id": "c", "student_id": "s"},
                {"class_id": "c", "student_id": "s"},
            ],
        ),
        {("enrollments", None, "enrollments.csv", 4), ("enrollments", None, "enrollments.csv", 5)},
        id="one enrollment three times: the later two repeat it",
    ),
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t", "email": None}, {"teacher_id": "t", "email": None}],
            teacher_schools=[{"school_id": "1", "teacher_id": "t"}, {"school_id": "1", "teacher_id": "t"}],
        ),
        {("teachers", None, "teachers.csv", 3)},
        id="a teacher's whole row twice, empty cells included",
    ),
    pytest.param(
        claims(
            students=[{"student_id": "s"}, {"student_id": "s"}, {"student_id": "s"}],
            guardians=[{"guardian_id": "g", "file": "students.csv", "line": 4}],
        ),
        {("students", None, "students.csv", 3)},
        id="of three rows of a student only the third says more, about a guardian",
    ),
]


@pytest.mark.parametrize("claimed", QUIET)
def test_quiet(claimed: Claims) -> None:
    """Nothing is reported where nothing is wrong."""
    assert lines(list(RULE.check(claimed))) == set()


@pytest.mark.parametrize(("claimed", "expected"), FOUND)
def test_found(claimed: Claims, expected: set[tuple[str, str | None, str, int]]) -> None:
    """The rows at fault are reported with their table, column, file and line, and nothing else is."""
    problems = list(RULE.check(claimed))
    assert lines(problems) == expected
    assert effects(problems) == {Effect.NOTE}
