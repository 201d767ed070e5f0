"""Lists: columns that may have one of a few values only, by which it is told what a row is about.

Rule 1: case does not count. A format may allow for values of one's own that begin with a certain word.
Rule 2: a row with any other value, or none, makes nothing, and is told. What the roster has of it stays: a teacher whom
the export calls `Lehrkraft` from one day to the next has not left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.claims import FILE
from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rostergate.core.declaration import Column, File, Sheets

UNLISTED_VALUE = Code(
    "unlisted-value",
    Severity.ERROR,
    "The value is none of those that the format has for this column, so the row makes nothing.",
    "Have the export give one of the values that are listed. Until then the roster keeps what it has of these rows.",
)
CODES = (UNLISTED_VALUE,)


def is_listed(column: Column) -> pl.Expr:
    """Build the condition that a cell of a column has one of the values that the column may have."""
    cell = pl.col(column.name).str.to_lowercase()
    listed = cell.is_in([value.lower() for value in column.values])
    if column.values_begin:
        listed |= cell.str.starts_with(column.values_begin)
    return listed.fill_null(value=False)


def problems(files: Iterable[File], sheets: Sheets) -> Iterator[Problem]:
    """Yield the rows whose value is not one of the listed ones, column by column; under no claimed table."""
    for file in files:
        for column in file.columns:
            if column.values and len(sheets[file.name]):
                lines = sheets[file.name].filter(~is_listed(column))["line"]
                message = f"`{column.name}` has to be one of {', '.join(column.values)}; the row makes nothing."
                rows = pl.select(pl.lit(file.name, FILE).alias("file"), line=lines)
                yield Problem(UNLISTED_VALUE, "", column.name, rows, Effect.LEAVE_OUT, message)
