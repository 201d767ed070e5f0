"""Unknown school: a row names a school id that no school row has.

Nothing can be placed in a school that the files do not describe; most often the schools were exported with a filter.
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
    "unknown-school",
    Severity.ERROR,
    "The row names a school that is not among the schools in the files.",
    "Include this school in the export of schools, correct the school id of the row, or leave the row out.",
)


def check(claims: Claims) -> Iterable[Problem]:
    """Yield the rows whose school id is not in the files at all."""
    return unknown(claims, CODE, to="schools")


RULE = Rule(CODE, Stage.CLAIMED, check)
