"""Unknown teacher: a row names a teacher id that no teacher row has.

A class cannot be given to somebody the files do not describe; most often the teacher has left, or got another id.
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
    "unknown-teacher",
    Severity.ERROR,
    "The row names a teacher who is not among the teachers in the files.",
    "Include this teacher in the export of teachers, or assign the class a teacher who is in that export.",
)


def check(claims: Claims) -> Iterable[Problem]:
    """Yield the rows whose teacher id is not in the files at all."""
    return unknown(claims, CODE, to="teachers")


RULE = Rule(CODE, Stage.CLAIMED, check)
