"""Student unreachable: there is no contact for the student, nor for any of the student's guardians.

The student is made, but no message about the student reaches anybody. While the guardians' file is absent the roster
may well know a guardian, so nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Problem
from rostergate.core.rows import first_rows, first_rows_where
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "student-unreachable",
    Severity.ALERT,
    "There is no e-mail address or phone number for the student or any guardian of the student.",
    "Add an e-mail address or a phone number of the student, or of one guardian, in the SIS.",
)

_SILENT = pl.col("email").is_null() & pl.col("phone").is_null()


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the first row of each student whom nobody can reach."""
    if claims.absent & {"guardians", "guardianships"}:
        return
    tables = claims.tables
    silent = first_rows_where(_SILENT, tables["students"], ["student_id"])
    theirs = tables["guardianships"].join(silent, on="student_id", how="semi")
    known = tables["guardians"].join(theirs, on="guardian_id", how="semi", maintain_order="left")
    reachable = first_rows(known, ["guardian_id"]).filter(~_SILENT)
    reached = theirs.join(reachable, on="guardian_id", how="semi")
    unreached = silent.join(reached, on="student_id", how="anti", maintain_order="left")
    yield Problem(CODE, "students", None, unreached.select("file", "line"))


RULE = Rule(CODE, Stage.USABLE, check)
