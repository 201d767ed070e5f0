"""Duplicate class: one class id stands in two schools, or under two names.

Enrollments name a class by its id alone, so an id must mean one class. The first row counts; later rows that say
otherwise are left out. A class repeated for each of its teachers, the same in all else, is no duplicate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "duplicate-class",
    Severity.ERROR,
    "The class id is already used in an earlier row for a class of another school or another name.",
    "Give every class of the district an id of its own, and the same name in all its rows.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the rows whose school differs from the first row of their class id, then those whose name does."""
    classes = claims.tables["classes"]
    for column in ("school_id", "name"):
        stated = classes.select("class_id", column).drop_nulls().unique(maintain_order=True)
        first = stated.filter(pl.col("class_id").is_duplicated()).unique("class_id", keep="first", maintain_order=True)
        known = first.rename({column: "first"})
        other = classes.join(known, on="class_id", maintain_order="left").filter(pl.col(column) != pl.col("first"))
        yield Problem(CODE, "classes", column, other.select("file", "line"), Effect.LEAVE_OUT)


RULE = Rule(CODE, Stage.CLAIMED, check)
