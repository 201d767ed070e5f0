from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.birth_date_missing import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(claims(students=[{"student_id": "s", "birth_date": "2012-03-04"}]), id="a student with a birth date"),
    pytest.param(
        claims(without={("students", "birth_date")}, students=[{"student_id": "s"}]),
        id="a format without birth dates",
    ),
]

FOUND = [
    pytest.param(
        claims(students=[{"student_id": "s", "birth_date": "2012-03-04"}, {"student_id": "u"}, {"student_id": "u"}]),
        {("students", "birth_date", "students.csv", 3)},
        id="the first row of a student without a birth date",
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
