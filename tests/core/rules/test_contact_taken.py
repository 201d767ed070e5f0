from __future__ import annotations

from dataclasses import replace
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
    pytest.param(
        claims(
            students=[
                {"student_id": "1", "email": "a@x.org"},
                {"student_id": "1", "email": "b@x.org"},
                {"student_id": "2", "email": "b@x.org"},
                {"student_id": "3", "phone": None},
                {"student_id": "3", "phone": "+12125550101"},
            ],
            guardians=[{"guardian_id": "9", "phone": "+12125550101"}],
        ),
        id="what a later row of another person says, which is not used",
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


LOST = {"student_id": "1", "email": "a@x.org", "file": "students.csv", "line": 7}


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


def test_a_row_that_can_be_used_counts_before_one_that_cannot() -> None:
    """A person whose first row is left out carries what the next one says."""
    claimed = claims(
        students=[{"student_id": "1", "email": "b@x.org"}, {"student_id": "2", "email": "a@x.org"}],
    )
    lost = claims(students=[LOST]).tables
    assert lines(list(RULE.check(replace(claimed, lost=lost)))) == set()


def test_somebody_who_is_left_out_keeps_their_contact() -> None:
    """They may have an account already; only the rows of others are told, for theirs is told already."""
    claimed = claims(students=[{"student_id": "0", "phone": "+1"}, {"student_id": "2", "email": "a@x.org"}])
    lost = claims(students=[LOST, {"student_id": "4", "email": "a@x.org"}]).tables
    found = lines(list(RULE.check(replace(claimed, lost=lost))))
    assert found == {("students", "email", "students.csv", 3)}
