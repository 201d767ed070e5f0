from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.claiming import claims, effects, lines
from rostergate.core.problem import Effect
from rostergate.core.rules.guardian_unreachable import RULE

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

QUIET = [
    pytest.param(claims(guardians=[{"guardian_id": "g", "email": "g@home.org"}]), id="a guardian with an address"),
    pytest.param(claims(guardians=[{"guardian_id": "g", "phone": "+12125550101"}]), id="a guardian with a number"),
]

FOUND = [
    pytest.param(
        claims(guardians=[{"guardian_id": "g", "email": "g@home.org"}, {"guardian_id": "h", "last_name": "Hill"}]),
        {("guardians", None, "guardians.csv", 3)},
        id="a guardian with a name only",
    ),
    pytest.param(
        claims(guardians=[{"guardian_id": "g"}, {"guardian_id": "g", "email": "g@home.org"}]),
        {("guardians", None, "guardians.csv", 2)},
        id="the first row counts, so an address in a later row does not help",
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
