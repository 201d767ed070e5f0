from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.class_without_teacher import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(classes=[{"school_id": "1", "class_id": "c"}], class_teachers=[{"class_id": "c", "teacher_id": "t"}]),
        id="the class has a teacher",
    ),
    pytest.param(
        claims(
            classes=[{"school_id": "1", "class_id": "c"}],
            class_teachers=[{"class_id": "c", "teacher_id": "t", "file": "enrollments.csv", "line": 7}],
        ),
        id="the teacher of the class stands in another file",
    ),
]

FOUND = [
    pytest.param(
        claims(
            classes=[{"school_id": "1", "class_id": "c"}, {"school_id": "1", "class_id": "d"}],
            class_teachers=[{"class_id": "c", "teacher_id": "t"}],
        ),
        {("classes", None, "classes.csv", 3)},
        id="one class of two has no teacher",
    ),
    pytest.param(
        claims(classes=[{"school_id": "1", "class_id": "c"}, {"school_id": "1", "class_id": "c"}]),
        {("classes", None, "classes.csv", 2), ("classes", None, "classes.csv", 3)},
        id="every row of the class is concerned",
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
