from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.student_not_in_school import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(
            schools=[{"school_id": "1"}, {"school_id": "2"}],
            students=[{"student_id": "s"}, {"student_id": "s"}],
            student_schools=[{"school_id": "1", "student_id": "s"}, {"school_id": "2", "student_id": "s"}],
            classes=[{"school_id": "2", "class_id": "c"}, {"school_id": "2", "class_id": "c"}],
            enrollments=[
                {"class_id": "c", "student_id": "s"},
                {"school_id": "2", "class_id": "c", "student_id": "s"},
            ],
        ),
        id="a student of two schools in a class with two teachers, in one of them",
    ),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}],
            classes=[{"school_id": "1", "class_id": "c"}],
            enrollments=[{"class_id": "c", "student_id": "x"}],
        ),
        id="an unknown student is reported as such",
    ),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}],
            students=[{"student_id": "s"}],
            student_schools=[{"school_id": "1", "student_id": "s"}],
            classes=[{"school_id": "9", "class_id": "c"}],
            enrollments=[{"class_id": "c", "student_id": "s"}, {"class_id": "d", "student_id": "s"}],
        ),
        id="classes of an unknown school, and unknown classes, are reported as such",
    ),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}],
            students=[{"student_id": "s"}],
            student_schools=[{"school_id": "1", "student_id": "s"}],
            classes=[{"school_id": "1", "class_id": "c"}],
            enrollments=[{"school_id": "9", "class_id": "c", "student_id": "s"}],
        ),
        id="an enrollment that states an unknown school is reported as such",
    ),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}, {"school_id": "2"}],
            students=[{"student_id": "s"}],
            student_schools=[{"school_id": "2", "student_id": "s"}],
            classes=[{"school_id": "1", "class_id": "c"}, {"school_id": "2", "class_id": "c"}],
            enrollments=[{"class_id": "c", "student_id": "s"}],
        ),
        id="a class that stands in two schools is reported as such",
    ),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}],
            students=[{"student_id": "s"}],
            student_schools=[{"school_id": "l", "student_id": "s"}],
            classes=[{"school_id": "1", "class_id": "c"}],
            enrollments=[{"class_id": "c", "student_id": "s"}],
        ),
        id="a student whose row names an unknown school is reported as such",
    ),
]

FOUND = [
    pytest.param(
        claims(
            schools=[{"school_id": "1"}, {"school_id": "2"}],
            students=[{"student_id": "s"}, {"student_id": "u"}],
            student_schools=[{"school_id": "1", "student_id": "s"}, {"school_id": "2", "student_id": "u"}],
            classes=[{"school_id": "2", "class_id": "c"}],
            enrollments=[{"class_id": "c", "student_id": "s"}, {"class_id": "c", "student_id": "u"}],
        ),
        {("enrollments", "student_id", "enrollments.csv", 2)},
        id="a student of one school in a class of another",
    ),
    pytest.param(
        claims(
            schools=[{"school_id": "1"}, {"school_id": "2"}],
            students=[{"student_id": "s"}],
            student_schools=[{"school_id": "1", "student_id": "s"}],
            classes=[{"school_id": "2", "class_id": "c"}],
            enrollments=[{"school_id": "1", "class_id": "c", "student_id": "s"}],
        ),
        {("enrollments", "school_id", "enrollments.csv", 2)},
        id="an enrollment that states another school than its class",
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


def test_what_is_told_of_a_school_that_is_not_the_class_s() -> None:
    """Where only the row's own school is wrong, nobody is asked to export the student once more."""
    told = {
        one.column: (one.message, one.next_step)
        for claimed, _ in (case.values for case in FOUND)
        for one in RULE.check(claimed)
    }
    assert told["student_id"] == (None, None)
    assert told["school_id"] == (
        "The row names another school than its class has.",
        "Correct the school of the row, or the class that it names, in the SIS.",
    )
