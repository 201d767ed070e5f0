from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.teacher_without_classes import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t"}, {"teacher_id": "t"}],
            class_teachers=[{"class_id": "c", "teacher_id": "t"}],
        ),
        id="a teacher of two schools with a class in one",
    ),
    pytest.param(
        claims(absent={"class_teachers"}, teachers=[{"teacher_id": "t"}]), id="the classes' teachers did not come"
    ),
    pytest.param(
        replace(
            claims(teachers=[{"teacher_id": "t"}]),
            lost=claims(class_teachers=[{"class_id": "c", "teacher_id": "t"}]).tables,
        ),
        id="the only class cannot be used, which is reported as such",
    ),
]

FOUND = [
    pytest.param(
        claims(
            teachers=[{"teacher_id": "t"}, {"teacher_id": "u"}, {"teacher_id": "u"}],
            class_teachers=[{"class_id": "c", "teacher_id": "t"}],
        ),
        {("teachers", None, "teachers.csv", 3)},
        id="the first row of a teacher whom no class names",
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
