"""Guardian unreachable: there is neither an e-mail address nor a phone number for the guardian.

The guardian is made, but cannot be invited or notified. The first row of a person counts, as it does in the snapshot.
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
    "guardian-unreachable",
    Severity.ALERT,
    "The guardian has neither an e-mail address nor a phone number of their own.",
    "Add an e-mail address or a phone number of the guardian in the SIS, or correct the one that was reported.",
)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the first row of each guardian without any contact."""
    silent = pl.col("email").is_null() & pl.col("phone").is_null()
    guardians = first_rows_where(silent, claims.tables["guardians"], ["guardian_id"])
    yield Problem(CODE, "guardians", None, guardians.select("file", "line"))


RULE = Rule(CODE, Stage.USABLE, check)
