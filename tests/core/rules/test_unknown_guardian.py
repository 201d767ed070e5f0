from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.unknown_guardian import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(
        claims(guardians=[{"guardian_id": "g"}], guardianships=[{"student_id": "s", "guardian_id": "g"}]),
        id="the guardian is in the files",
    ),
    pytest.param(
        claims(absent={"guardians"}, guardianships=[{"student_id": "s", "guardian_id": "g"}]),
        id="the guardians' file did not come, so nobody is unknown",
    ),
]

FOUND = [
    pytest.param(
        claims(
            guardians=[{"guardian_id": "g"}],
            guardianships=[
                {"student_id": "s", "guardian_id": "g", "file": "relationships.csv"},
                {"student_id": "s", "guardian_id": "G", "file": "relationships.csv"},
            ],
        ),
        {("guardianships", "guardian_id", "relationships.csv", 3)},
        id="an id in another case is another id",
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
