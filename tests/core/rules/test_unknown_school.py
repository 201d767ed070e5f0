from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.unknown_school import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(claims(), id="nothing is claimed at all"),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}],
            teacher_schools=[{"school_id": "1", "teacher_id": "t"}],
            student_schools=[{"school_id": "1", "student_id": "s"}],
            classes=[{"school_id": "1", "class_id": "c"}],
            enrollments=[{"school_id": "1", "class_id": "c", "student_id": "s"}],
        ),
        id="every row names a school of the files",
    ),
    pytest.param(
        claims(schools=[{"school_id": "1"}], enrollments=[{"class_id": "c", "student_id": "s"}]),
        id="an enrollment that does not state its school",
    ),
]

FOUND = [
    pytest.param(
        claims(
            schools=[{"school_id": "1"}],
            teacher_schools=[{"school_id": "1", "teacher_id": "t"}, {"school_id": "2", "teacher_id": "t"}],
        ),
        {("teacher_schools", "school_id", "teachers.csv", 3)},
        id="a teacher in a school that is not in the files",
    ),
    pytest.param(
        claims(schools=[{"school_id": "1"}], student_schools=[{"school_id": "01", "student_id": "s"}]),
        {("student_schools", "school_id", "students.csv", 2)},
        id="a school id with a leading zero is another id",
    ),
    pytest.param(
        claims(
            classes=[{"school_id": "2", "class_id": "c", "line": 9}],
            enrollments=[{"school_id": "2", "class_id": "c", "student_id": "s", "line": 4}],
        ),
        {("classes", "school_id", "classes.csv", 9), ("enrollments", "school_id", "enrollments.csv", 4)},
        id="a class and an enrollment that state an unknown school",
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
    assert effects(problems) == {Effect.LEAVE_OUT}
