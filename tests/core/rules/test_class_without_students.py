from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.class_without_students import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            classes=[{"school_id": "1", "class_id": "c"}, {"school_id": "1", "class_id": "c"}],
            enrollments=[{"class_id": "c", "student_id": "s"}],
        ),
        id="a class with two teachers and one student",
    ),
    pytest.param(
        claims(absent={"enrollments"}, classes=[{"school_id": "1", "class_id": "c"}]),
        id="the enrollments did not come",
    ),
    pytest.param(
        replace(
            claims(classes=[{"school_id": "1", "class_id": "c"}]),
            lost=claims(enrollments=[{"class_id": "c", "student_id": "s"}]).tables,
        ),
        id="the only enrollment cannot be used, which is reported as such",
    ),
]

FOUND = [
    pytest.param(
        claims(
            classes=[
                {"school_id": "1", "class_id": "c"},
                {"school_id": "1", "class_id": "d"},
                {"school_id": "1", "class_id": "d"},
            ],
            enrollments=[{"class_id": "c", "student_id": "s"}],
        ),
        {("classes", None, "classes.csv", 3)},
        id="the first row of a class in which nobody is enrolled",
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
