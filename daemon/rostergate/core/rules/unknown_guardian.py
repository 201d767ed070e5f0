"""Unknown guardian: a row names a guardian id that no row of people has.

A student cannot be tied to somebody the files do not describe; most often the export of people has a filter that the
export of relationships lacks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.findings import Code, Severity
from rostergate.core.references import unknown
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rostergate.core.claims import Claims
    from rostergate.core.problem import Problem

CODE = Code(
    "unknown-guardian",
    Severity.ERROR,
    "The row names a guardian who is not among the people in the files.",
    "Include this guardian in the export of people, or have this file exported for the people in it only.",
)


def check(claims: Claims) -> Iterable[Problem]:
    """Yield the rows whose guardian id is not in the files at all."""
    return unknown(claims, CODE, to="guardians")


RULE = Rule(CODE, Stage.CLAIMED, check)
