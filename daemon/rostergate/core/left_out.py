"""Left out: how many rows of each school are in the files but could not be used.

Rule: a row counts at the school that it would have belonged to. A person belongs to none: what counts is the tie that
hangs on the person. A tie that no row states, but a class that names its teacher implies, is no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from rostergate.core.snapshot import Snapshot


def by_school(snapshot: Snapshot) -> dict[str, int]:
    """Return the number of such rows by school id; only schools with any."""
    lost = dict(snapshot.mentioned)
    if not any(rows.height for rows in lost.values()):
        return {}
    if snapshot.implied is not None:
        lost["teacher_schools"] = lost["teacher_schools"].join(
            snapshot.implied, on=["school_id", "teacher_id"], how="anti"
        )
    placed = [lost[name].select("school_id") for name in ("schools", "classes", "teacher_schools", "student_schools")]
    for ties, key, places in (
        ("class_teachers", "class_id", "classes"),
        ("enrollments", "class_id", "classes"),
        ("guardianships", "student_id", "student_schools"),
    ):
        known = pl.concat([snapshot.tables[places].select(key, "school_id"), lost[places].select(key, "school_id")])
        placed.append(lost[ties].join(known.unique(), on=key).select("school_id"))
    counted = pl.concat(placed).drop_nulls().group_by("school_id").len()
    return {str(school_id): int(rows) for school_id, rows in counted.iter_rows()}
