"""Student not in school: a student is enrolled in a class of a school that the student does not attend.

A class belongs to one school, and so do those who sit in it. The row is an error because making it would put a student
in a school whose own list does not have that student.

Nothing is said about what other rules report: a student, class or school that is not in the files, a student whose row
names such a school, and a class that stands in two schools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.references import Reference, strays
from rostergate.core.rule import Rule, Stage
from rostergate.core.seats import outside, places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "student-not-in-school",
    Severity.ERROR,
    "The student is enrolled in a class of a school that the student does not attend.",
    "Export the student for the school of the class as well, or take the student out of the class in the SIS.",
)

_ANOTHER = "The row names another school than its class has."
_NEXT = "Correct the school of the row, or the class that it names, in the SIS."
_ATTENDED = Reference("student_schools", "school_id", to="schools")


def check(claims: Claims) -> Iterator[Problem]:
    """Yield enrollments that state another school than their class, then those whose student is not in that school."""
    tables, schools = claims.tables, claims.tables["schools"].select("school_id")
    classes = tables["classes"].select("class_id", "school_id").unique()
    of_one_school = classes.filter(~pl.col("class_id").is_duplicated()).join(schools, on="school_id", how="semi")

    seats = tables["enrollments"].with_columns(places(claims))
    elsewhere = pl.col("school_id").ne(pl.col("place")).fill_null(value=False)
    stated = seats.filter(elsewhere).join(schools, on="school_id", how="semi")
    rows = stated.join(of_one_school, on="class_id", how="semi")
    yield Problem(CODE, "enrollments", "school_id", rows.select("file", "line"), Effect.LEAVE_OUT, _ANOTHER, _NEXT)

    known = outside(claims).filter(~elsewhere).join(tables["students"], on="student_id", how="semi")
    untold = known.join(strays(claims, _ATTENDED), on="student_id", how="anti")
    rows = untold.join(of_one_school, on="class_id", how="semi")
    yield Problem(CODE, "enrollments", "student_id", rows.select("file", "line"), Effect.LEAVE_OUT)


RULE = Rule(CODE, Stage.CLAIMED, check)
