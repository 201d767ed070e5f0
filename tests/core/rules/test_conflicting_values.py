from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.conflicting_values import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            teachers=[
                {"teacher_id": "t", "last_name": "Hill", "email": "t@school.org"},
                {"teacher_id": "t", "last_name": "Hill", "email": "t@school.org"},
            ],
            teacher_schools=[{"school_id": "1", "teacher_id": "t"}, {"school_id": "2", "teacher_id": "t"}],
        ),
        id="a teacher with one row per school",
    ),
    pytest.param(
        claims(
            guardianships=[
                {"student_id": "s", "guardian_id": "g", "relationship": "mother"},
                {"student_id": "u", "guardian_id": "g", "relationship": "aunt"},
            ],
        ),
        id="a guardian who is something else to another student",
    ),
    pytest.param(
        claims(students=[{"student_id": "s", "grade": "4"}, {"student_id": "s"}]),
        id="a later row that leaves the cell empty",
    ),
    pytest.param(
        claims(students=[{"student_id": "s", "grade": "04"}, {"student_id": "s", "grade": "4"}]),
        id="one grade with and without its zero",
    ),
    pytest.param(
        claims(students=[{"student_id": "s", "grade": "4"}, {"student_id": "u", "grade": "5"}]),
        id="two people with different values",
    ),
]

FOUND = [
    pytest.param(
        claims(
            students=[
                {"student_id": "s", "grade": "4", "last_name": "Hill"},
                {"student_id": "s", "grade": "5", "last_name": "Hill"},
                {"student_id": "s", "grade": "4", "last_name": "Dale"},
            ],
        ),
        {("students", "grade", "students.csv", 3), ("students", "last_name", "students.csv", 4)},
        id="rows of one student with two grades and two names",
    ),
    pytest.param(
        claims(teachers=[{"teacher_id": "t"}, {"teacher_id": "t", "phone": "+12125550101"}]),
        {("teachers", "phone", "teachers.csv", 3)},
        id="a value in a later row only, which is not used",
    ),
    pytest.param(
        claims(
            guardianships=[
                {"student_id": "s", "guardian_id": "g", "relationship": "mother"},
                {"student_id": "s", "guardian_id": "g", "relationship": "aunt"},
            ],
        ),
        {("guardianships", "relationship", "guardians.csv", 3)},
        id="one guardian who is two things to one student",
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
