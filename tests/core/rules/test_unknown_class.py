from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.unknown_class import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            classes=[{"school_id": "1", "class_id": "c"}],
            class_teachers=[{"class_id": "c", "teacher_id": "t"}],
            enrollments=[{"class_id": "c", "student_id": "s"}],
        ),
        id="the class is in the files",
    ),
    pytest.param(
        claims(classes=[{"school_id": "nowhere", "class_id": "c"}], enrollments=[{"class_id": "c", "student_id": "s"}]),
        id="the class is in the files, though it cannot be used",
    ),
]

FOUND = [
    pytest.param(
        claims(
            classes=[{"school_id": "1", "class_id": "c"}],
            enrollments=[{"class_id": "d", "student_id": "s"}, {"class_id": "c", "student_id": "s"}],
        ),
        {("enrollments", "class_id", "enrollments.csv", 2)},
        id="an enrollment in a class that is not in the files",
    ),
    pytest.param(
        claims(class_teachers=[{"class_id": "d", "teacher_id": "t", "file": "enrollments.csv", "line": 8}]),
        {("class_teachers", "class_id", "enrollments.csv", 8)},
        id="a further teacher of a class that is not in the files",
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
