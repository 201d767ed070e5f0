"""Unknown class: a row names a class id that no class row has.

Nobody can be put in a class that the files do not describe; most often the two exports cover different terms.
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
    "unknown-class",
    Severity.ERROR,
    "The row names a class that is not in the files.",
    "Include this class in the export of classes, or leave the row out; check that both exports cover the same term.",
)


def check(claims: Claims) -> Iterable[Problem]:
    """Yield the rows whose class id is not in the files at all."""
    return unknown(claims, CODE, to="classes")


RULE = Rule(CODE, Stage.CLAIMED, check)
