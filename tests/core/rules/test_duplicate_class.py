from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.duplicate_class import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            classes=[
                {"school_id": "1", "class_id": "c", "name": "Algebra"},
                {"school_id": "1", "class_id": "c", "name": "Algebra"},
            ],
            class_teachers=[{"class_id": "c", "teacher_id": "t"}, {"class_id": "c", "teacher_id": "u"}],
        ),
        id="a class with one row per teacher",
    ),
    pytest.param(
        claims(
            classes=[
                {"school_id": "1", "class_id": "c", "name": "Algebra"},
                {"school_id": "2", "class_id": "d", "name": "Algebra"},
            ],
        ),
        id="one name in two schools",
    ),
    pytest.param(
        claims(classes=[{"school_id": "1", "class_id": "c"}, {"school_id": "1", "class_id": "c", "name": "Algebra"}]),
        id="a row without the name says nothing else",
    ),
]

FOUND = [
    pytest.param(
        claims(
            classes=[
                {"school_id": "2", "class_id": "c", "name": "Algebra"},
                {"school_id": "1", "class_id": "c", "name": "Algebra"},
                {"school_id": "2", "class_id": "c", "name": "Algebra"},
                {"school_id": "1", "class_id": "c", "name": "Algebra"},
            ],
        ),
        {("classes", "school_id", "classes.csv", 3), ("classes", "school_id", "classes.csv", 5)},
        id="one id in two schools: the school of the first row counts",
    ),
    pytest.param(
        claims(
            classes=[
                {"school_id": "1", "class_id": "c", "name": "Geometry"},
                {"school_id": "1", "class_id": "c", "name": "Algebra"},
            ],
        ),
        {("classes", "name", "classes.csv", 3)},
        id="one id under two names: the name of the first row counts",
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
