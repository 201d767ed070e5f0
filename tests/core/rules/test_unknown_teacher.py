from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.unknown_teacher import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(teachers=[{"teacher_id": "t"}], class_teachers=[{"class_id": "c", "teacher_id": "t"}]),
        id="the teacher of the class is in the files",
    ),
    pytest.param(
        claims(absent={"teachers"}, class_teachers=[{"class_id": "c", "teacher_id": "t"}]),
        id="the teachers' file did not come, so nobody is unknown",
    ),
    pytest.param(claims(class_teachers=[{"class_id": "c"}]), id="a class row that names no teacher"),
]

FOUND = [
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t"}],
            class_teachers=[{"class_id": "c", "teacher_id": "t"}, {"class_id": "c", "teacher_id": "T"}],
        ),
        {("class_teachers", "teacher_id", "classes.csv", 3)},
        id="an id in another case is another id",
    ),
    pytest.param(
        claims(class_teachers=[{"class_id": "c", "teacher_id": "t", "file": "enrollments.csv"}]),
        {("class_teachers", "teacher_id", "enrollments.csv", 2)},
        id="a further teacher of a class from the enrollments file",
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
