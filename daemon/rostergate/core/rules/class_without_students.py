"""Class without students: nobody is enrolled in the class.

The class is made, but its teacher has nobody to write to; most often the enrollments are exported for another term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Problem, Rule, Stage
from rostergate.core.rows import first_rows

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
    """Yield the first row of each class without a usable enrollment, unless the enrollments did not come."""
    if "enrollments" in claims.absent:
        return
    classes = first_rows(claims.tables["classes"], ["class_id"])
    empty = classes.join(claims.tables["enrollments"].select("class_id"), on="class_id", how="anti")
    yield Problem(CODE, "classes", None, empty.select("file", "line"))


RULE = Rule(CODE, Stage.USABLE, check)
