"""Class without teacher: no teacher of the class can be used.

A class is opened by its teacher; without one nobody could ever claim it. Teachers who are left out do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "class-without-teacher",
    Severity.ERROR,
    "The class has no teacher with an account, so it cannot be made.",
    "Correct the errors reported for this class's teachers; if there are none, give it a teacher who is in the files.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield every row of a class without a usable teacher."""
    taught = claims.tables["class_teachers"].select("class_id")
    rows = claims.tables["classes"].join(taught, on="class_id", how="anti").select("file", "line")
    yield Problem(CODE, "classes", None, rows, Effect.LEAVE_OUT)


RULE = Rule(CODE, Stage.USABLE, check)
