"""Conflicting values: the rows of one person, or of one guardian of one student, do not say the same.

A person stands in the files once per school, per guardian or per student. The first row counts, so what a later row
states differently is not used. A later cell that is empty states nothing, and `09` states the same grade as `9`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Problem
from rostergate.core.roster import GUARDIANSHIPS, PEOPLE
from rostergate.core.rows import first_rows, repeats
from rostergate.core.rule import Rule, Stage
from rostergate.core.snapshot import MENTIONED
from rostergate.core.values import same_grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "conflicting-values",
    Severity.ALERT,
    "The row gives another value than an earlier row of the same person; the earlier one was used.",
    "Correct the value in the SIS, so that every row of this person says the same.",
)

_TABLES = (*PEOPLE, GUARDIANSHIPS)


def check(claims: Claims) -> Iterator[Problem]:
    """Yield, for each column, the later rows that state another value than the first row of their key."""
    for table in _TABLES:
        key, columns = MENTIONED[table.name], table.values
        several = _of_several_rows(claims.tables[table.name], key, columns)
        if several.is_empty():
            continue
        first = first_rows(several, key).select(*key, pl.col(columns).name.suffix("_first"))
        rows = several.join(first, on=key, maintain_order="left")
        for column in columns:
            said, before = pl.col(column), pl.col(f"{column}_first")
            if column == "grade":
                said, before = same_grade(said), same_grade(before)
            other = rows.filter(said.is_not_null() & said.ne_missing(before))
            yield Problem(CODE, table.name, column, other.select("file", "line"))


def _of_several_rows(frame: pl.DataFrame, key: tuple[str, ...], columns: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows whose key occurs with more than one set of values: few, or none, in a sound export."""
    told = repeats(frame, key)
    if not told.any():
        return frame.clear()
    versions = frame.filter(told).select(*key, *columns).unique()
    doubled = versions.filter(pl.struct(key).is_duplicated()).select(key).unique()
    return frame.join(doubled, on=key, how="semi", maintain_order="left")


RULE = Rule(CODE, Stage.USABLE, check)
