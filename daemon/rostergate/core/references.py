"""References: which claimed column names a row of which other claimed table.

The unknown-* rules report a reference to nothing, and checking drops what refers to something that cannot be used; both
read this one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core import rows
from rostergate.core.cells import marked
from rostergate.core.claims import once
from rostergate.core.problem import Effect, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims
    from rostergate.core.findings import Code


@dataclass(frozen=True, slots=True)
class Reference:
    """A claimed column whose values are ids of another claimed table."""

    table: str
    column: str
    to: str
    """The table referred to; its column has the same name."""
    needed: bool = True
    """Whether a row cannot be used without it. What is not needed may also be null."""


REFERENCES = (
    Reference("teacher_schools", "school_id", to="schools"),
    Reference("teacher_schools", "teacher_id", to="teachers"),
    Reference("student_schools", "school_id", to="schools"),
    Reference("student_schools", "student_id", to="students"),
    Reference("guardianships", "student_id", to="students"),
    Reference("guardianships", "guardian_id", to="guardians"),
    Reference("classes", "school_id", to="schools"),
    Reference("class_teachers", "class_id", to="classes"),
    Reference("class_teachers", "teacher_id", to="teachers"),
    Reference("enrollments", "school_id", to="schools", needed=False),
    Reference("enrollments", "class_id", to="classes"),
    Reference("enrollments", "student_id", to="students"),
)
"""Every reference between claimed tables."""


@once
def strays(claims: Claims, one: Reference) -> pl.DataFrame:
    """Return the rows that meet no row of the table referred to; those that name none are among them."""
    return rows.unmet(claims.tables[one.table], claims.tables[one.to], [one.column])


def unknown(claims: Claims, code: Code, to: str) -> Iterator[Problem]:
    """Yield a problem for each column that refers to `to`, with the rows whose id stands nowhere in that table.

    Any row of `to` will do, usable or not: a reference to a row that is in the files, but left out, is not unknown.
    Nothing is unknown while the file of `to` is absent.
    """
    if to in claims.absent:
        return
    for one in REFERENCES:
        if one.to == to:
            unmet = strays(claims, one)
            if not unmet.is_empty():
                named = unmet.filter(pl.col(one.column).is_not_null())
                concerned = named.select("file", "line", marked(one.column))
                yield Problem(code, one.table, one.column, concerned, Effect.LEAVE_OUT)
