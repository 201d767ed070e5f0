"""Birth date missing: the format has a column for it, and the student's cell is empty.

Birth dates tell two students of one name apart when ids change. A format without the column says nothing about them. A
date that makes no sense is reported as such, not as missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Problem
from rostergate.core.rows import first_rows_where
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "birth-date-missing",
    Severity.ALERT,
    "The student has no birth date.",
    "Add the birth date in the SIS. If all students lack it, check that the export fills this column.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the first row of each student without a birth date, from files that have the column."""
    stated_in = [file for file, table, column in claims.columns if (table, column) == ("students", "birth_date")]
    unstated = pl.col("birth_date").is_null() & pl.col("file").is_in(stated_in)
    missing = first_rows_where(unstated, claims.tables["students"], ["student_id"])
    yield Problem(CODE, "students", "birth_date", missing.select("file", "line"))


RULE = Rule(CODE, Stage.USABLE, check)
