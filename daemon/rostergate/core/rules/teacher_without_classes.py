"""Teacher without classes: no class names the teacher.

The account is made, but there is nobody in it to teach; most often the classes are exported for another term, or the
export of teachers contains all staff. Nothing is said where a row names the teacher that cannot be used: that is told.
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
    "teacher-without-classes",
    Severity.ALERT,
    "No class in the files names the teacher.",
    "Check that classes are exported for the current term; leave it if this person does not teach a class.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the first row of each teacher whom no class names, unless the classes did not come."""
    if "class_teachers" in claims.absent:
        return
    named = claims.with_lost("class_teachers")
    idle = claims.tables["teachers"].join(named, on="teacher_id", how="anti", maintain_order="left")
    yield Problem(CODE, "teachers", None, first_rows(idle, ["teacher_id"]).select("file", "line"))


RULE = Rule(CODE, Stage.USABLE, check)
