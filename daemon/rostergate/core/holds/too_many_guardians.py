"""too-many-guardians: nobody has six parents; emergency contacts leaked into the export.

Guardians get an account and can see the student. A neighbour who may collect the child from school must not. Only new
ties count: what a person has released once is not held again every day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core import concerned
from rostergate.core.holding import HoldRule, SchoolView
from rostergate.core.plan import Action, Hold

if TYPE_CHECKING:
    from rostergate.core.policy import HoldLimits


def _check(view: SchoolView, limits: HoldLimits) -> Hold | None:
    if view.guardians_most <= limits.guardians_per_student_max:
        return None
    given = view.changes["guardianships"].filter(pl.col("action") == Action.ADDED.value)
    each = view.guardianships.join(given, on="student_id", how="semi").group_by("student_id").len("guardians")
    students = each.filter(pl.col("guardians") > limits.guardians_per_student_max)
    if students.is_empty():
        return None
    most = max(students["guardians"])
    seen = f"{len(students)} students would have too many guardians, up to {most} each"
    if len(students) == 1:
        seen = f"1 student would have {most} guardians"
    return Hold(
        code=HOLD.code,
        message=f"{seen}; the limit is {limits.guardians_per_student_max}. {view.cause(HOLD.likely_cause)}",
        numbers={
            "table": "guardianships",
            "students": len(students),
            "guardians_most": most,
            "guardians_per_student_max": limits.guardians_per_student_max,
        },
        rows=_rows(view, students),
    )


def _rows(view: SchoolView, students: pl.DataFrame) -> pl.DataFrame:
    """Return all guardians that those students would have, the ones that they have already as `kept`."""
    theirs = view.guardianships.join(students, on="student_id", how="semi").select("student_id", "guardian_id")
    changed = view.changes["guardianships"].select("student_id", "guardian_id", "action")
    told = theirs.join(changed, on=theirs.columns, how="left")
    return concerned.rows("guardianships", told.with_columns(pl.col("action").fill_null(Action.KEPT.value)))


HOLD = HoldRule(
    code="too-many-guardians",
    title="Students would have unusually many guardians.",
    likely_cause="Most often emergency contacts were exported as guardians.",
    check=_check,
)
