"""Student not in school: a student is enrolled in a class of a school that the student does not attend.

A class belongs to one school, and so do those who sit in it. The row is an error because making it would put a student
in a school whose own list does not have that student.

Nothing is said about what other rules report: a student, class or school that is not in the files, and a class that
stands in two schools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem, Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "student-not-in-school",
    Severity.ERROR,
    "The student is enrolled in a class of a school that the student does not attend.",
    "Export the student for the school of the class as well, or take the student out of the class in the SIS.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield enrollments that state another school than their class, then those whose student is not in that school."""
    tables = claims.tables
    schools = tables["schools"].select("school_id")
    classes = tables["classes"].select("class_id", place="school_id").unique()
    places = classes.filter(~pl.col("class_id").is_duplicated()).join(
        schools, left_on="place", right_on="school_id", how="semi"
    )
    placed = tables["enrollments"].join(places, on="class_id", how="inner", maintain_order="left")
    elsewhere = pl.col("school_id").ne(pl.col("place")).fill_null(value=False)
    stated = placed.filter(elsewhere).join(schools, on="school_id", how="semi")
    yield Problem(CODE, "enrollments", "school_id", stated.select("file", "line"), Effect.LEAVE_OUT)

    ties = tables["student_schools"].select("student_id", place="school_id")
    outside = placed.join(ties, on=["student_id", "place"], how="anti").filter(~elsewhere)
    known = outside.join(tables["students"].select("student_id"), on="student_id", how="semi")
    yield Problem(CODE, "enrollments", "student_id", known.select("file", "line"), Effect.LEAVE_OUT)


RULE = Rule(CODE, Stage.CLAIMED, check)
