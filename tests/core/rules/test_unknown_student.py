from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.unknown_student import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            students=[{"student_id": "s"}],
            guardianships=[{"student_id": "s", "guardian_id": "g"}],
            enrollments=[{"class_id": "c", "student_id": "s"}],
        ),
        id="the student is in the files",
    ),
]

FOUND = [
    pytest.param(
        claims(
            students=[{"student_id": "s"}],
            enrollments=[{"class_id": "c", "student_id": "s"}, {"class_id": "c", "student_id": "x"}],
        ),
        {("enrollments", "student_id", "enrollments.csv", 3)},
        id="an enrollment of a student who is not in the files",
    ),
    pytest.param(
        claims(guardianships=[{"student_id": "x", "guardian_id": "g"}]),
        {("guardianships", "student_id", "guardians.csv", 2)},
        id="a guardian of a student who is not in the files",
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
