"""Unknown student: a row names a student id that no student row has.

A tie to somebody the files do not describe makes nothing; most often the student has left, but the schedule or the
family is still exported.
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
    "unknown-student",
    Severity.ERROR,
    "The row names a student who is not among the students in the files.",
    "Include this student in the export of students, or have this file exported for current students only.",
)


def check(claims: Claims) -> Iterable[Problem]:
    """Yield the rows whose student id is not in the files at all."""
    return unknown(claims, CODE, to="students")


RULE = Rule(CODE, Stage.CLAIMED, check)
