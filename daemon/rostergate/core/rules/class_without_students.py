"""Class without students: nobody is enrolled in the class.

The class is made, but its teacher has nobody to write to; most often the enrollments are exported for another term.
Nothing is said where an enrollment names the class that cannot be used: that is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Problem
from rostergate.core.rows import first_rows
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "class-without-students",
    Severity.ALERT,
    "No student is enrolled in the class.",
    "Check that enrollments are exported for the same term as classes; leave it if the class has no students yet.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the first row of each class that no enrollment names, unless the enrollments did not come."""
    if "enrollments" in claims.absent:
        return
    enrolled = claims.with_lost("enrollments")
    empty = claims.tables["classes"].join(enrolled, on="class_id", how="anti", maintain_order="left")
    yield Problem(CODE, "classes", None, first_rows(empty, ["class_id"]).select("file", "line"))


RULE = Rule(CODE, Stage.USABLE, check)
