from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.contact_taken import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t", "email": "a@x.org"}, {"teacher_id": "t", "email": "a@x.org"}],
            guardians=[{"guardian_id": "g", "phone": "+12125550101"}, {"guardian_id": "g", "phone": "+12125550101"}],
        ),
        id="a teacher with one row per school, a guardian with one row per student",
    ),
    pytest.param(claims(students=[{"student_id": "s"}, {"student_id": "u"}]), id="two students without any contact"),
    pytest.param(
        claims(
            students=[{"student_id": "1", "email": "a@x.org"}],
            guardians=[{"guardian_id": "1", "email": "b@x.org"}],
        ),
        id="one id for two people of different roles, each with an address of their own",
    ),
]

FOUND = [
    pytest.param(
        claims(
            students=[{"student_id": "1", "email": "a@x.org"}],
            guardians=[{"guardian_id": "2", "email": "a@x.org"}],
            teachers=[{"teacher_id": "3", "email": "a@x.org"}],
        ),
        Effect.BLANK,
        {("students", "email", "students.csv", 2), ("guardians", "email", "guardians.csv", 2)},
        id="a teacher keeps it before a guardian and a student, whatever the ids",
    ),
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t7", "first_name": "Eli", "last_name": "Brook", "email": "a@x.org"}],
            guardians=[{"guardian_id": "g9", "first_name": "Eli", "last_name": "Brook", "email": "a@x.org"}],
        ),
        Effect.BLANK,
        {("guardians", "email", "guardians.csv", 2)},
        id="a teacher who is a parent, too, keeps it as a teacher",
    ),
    pytest.param(
        claims(
            students=[{"student_id": "1", "phone": "+12125550101"}],
            guardians=[{"guardian_id": "2", "phone": "+12125550101"}],
        ),
        Effect.BLANK,
        {("students", "phone", "students.csv", 2)},
        id="a guardian keeps it before a student",
    ),
    pytest.param(
        claims(
            guardians=[
                {"guardian_id": "8", "email": "a@x.org"},
                {"guardian_id": "7", "email": "a@x.org"},
                {"guardian_id": "8", "email": "a@x.org"},
            ],
        ),
        Effect.BLANK,
        {("guardians", "email", "guardians.csv", 2), ("guardians", "email", "guardians.csv", 4)},
        id="within a role the lowest id keeps it, and every row of the other person is concerned",
    ),
    pytest.param(
        claims(teachers=[{"teacher_id": "u", "email": "a@x.org"}, {"teacher_id": "t", "email": "a@x.org"}]),
        Effect.LEAVE_OUT,
        {("teachers", "email", "teachers.csv", 2)},
        id="a teacher without an address of their own is not made",
    ),
    pytest.param(
        claims(teachers=[{"teacher_id": "u", "phone": "+12125550101"}, {"teacher_id": "t", "phone": "+12125550101"}]),
        Effect.BLANK,
        {("teachers", "phone", "teachers.csv", 2)},
        id="a teacher without a number of their own is made without it",
    ),
    pytest.param(
        claims(
            students=[{"student_id": "1", "email": "a@x.org"}], guardians=[{"guardian_id": "1", "email": "a@x.org"}]
        ),
        Effect.BLANK,
        {("students", "email", "students.csv", 2)},
        id="the same id in two roles means two people",
    ),
]


@pytest.mark.parametrize("claimed", QUIET)
def test_quiet(claimed: Claims) -> None:
    """Nothing is reported where nothing is wrong."""
    assert lines(list(RULE.check(claimed))) == set()


@pytest.mark.parametrize(("claimed", "effect", "expected"), FOUND)
def test_found(claimed: Claims, effect: Effect, expected: set[tuple[str, str | None, str, int]]) -> None:
    """The rows that cannot keep the contact are reported with what that does to them, and nothing else is."""
    problems = list(RULE.check(claimed))
    assert lines(problems) == expected
    assert {problem.effect for problem in problems if len(problem.rows)} == {effect}
