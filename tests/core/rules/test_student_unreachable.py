from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.student_unreachable import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(claims(students=[{"student_id": "s", "email": "s@school.org"}]), id="a student with an address"),
    pytest.param(
        claims(
            students=[{"student_id": "s"}, {"student_id": "s"}],
            guardians=[{"guardian_id": "g"}, {"guardian_id": "h", "phone": "+12125550101"}],
            guardianships=[{"student_id": "s", "guardian_id": "g"}, {"student_id": "s", "guardian_id": "h"}],
        ),
        id="one of two guardians has a number",
    ),
    pytest.param(
        claims(absent={"guardians", "guardianships"}, students=[{"student_id": "s"}]),
        id="the guardians' file did not come",
    ),
]

FOUND = [
    pytest.param(
        claims(students=[{"student_id": "s"}, {"student_id": "s"}]),
        {("students", None, "students.csv", 2)},
        id="the first row of a student without guardians",
    ),
    pytest.param(
        claims(
            students=[{"student_id": "s"}, {"student_id": "u", "email": "u@school.org"}],
            guardians=[{"guardian_id": "g"}, {"guardian_id": "h", "phone": "+12125550101"}],
            guardianships=[{"student_id": "s", "guardian_id": "g"}, {"student_id": "u", "guardian_id": "h"}],
        ),
        {("students", None, "students.csv", 2)},
        id="the student's only guardian has no contact, another student's has",
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
