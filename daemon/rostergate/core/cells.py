"""Cells: where a claim's value stands in the files, if not in the row's own column of that meaning.

A format may take a value from another file (a birth date from demographics.csv) or from one of several columns (a
number from sms or else phone). Whoever has to correct it is told the file, line and column where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.claims import Places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims


@dataclass(frozen=True, slots=True)
class Cell:
    """How the sheet that a source reads tells where a value of it comes from."""

    file: str | None = None
    """The other file; None where it is another column of the same row."""
    line: str | None = None
    """The sheet's column with the line in that file, null where the file has no such row."""
    name: str | None = None
    """What that file calls its column."""
    column: str | None = None
    """The sheet's column with what the row's own file calls it, null where it is as declared."""


def marked(column: str) -> pl.Expr:
    """Build the column `cell` (`pl.UInt64`), which tells the cells of one row apart without holding their values."""
    return pl.col(column).cast(pl.String).hash().alias("cell")


def places(cell: Cell, sheet: pl.DataFrame, column: str) -> Places:
    """Return where the values of a sheet's column stand."""
    line = pl.col(cell.line) if cell.line else pl.lit(None, pl.UInt32)
    name = pl.col(cell.column) if cell.column else pl.when(line.is_not_null()).then(pl.lit(cell.name))
    rows = sheet.select("line", marked(column), line.alias("own_line"), name.alias("own_column"))
    return Places(cell.file, rows.filter(pl.any_horizontal(pl.col("own_line", "own_column").is_not_null())))


def located(
    claims: Claims, table: str, column: str | None, rows: pl.DataFrame
) -> Iterator[tuple[str, str | None, pl.Series]]:
    """Yield the file, the file's own column and the lines, each once, where the cells of some claimed rows stand.

    `rows`: `file`, `line`, and `cell` (as `marked` has it) where one row of the file may have several such cells.
    """
    for (own_file,), part in rows.partition_by("file", as_dict=True, maintain_order=True).items():
        file, where = str(own_file), (str(own_file), table, column or "")
        declared, known = claims.columns.get(where), claims.places.get(where)
        if known is None:
            yield file, declared, part["line"].unique()
            continue
        on = [name for name in ("line", "cell") if name in part.columns]
        found = part.unique(on).join(known.rows.unique(on, keep="first"), on=on, how="left")
        elsewhere = pl.col("own_line").is_not_null()
        found = found.select(pl.coalesce("own_line", "line").alias("line"), "own_column", elsewhere.alias("elsewhere"))
        for (name, is_elsewhere), some in found.partition_by(
            "own_column", "elsewhere", as_dict=True, maintain_order=True
        ).items():
            there = known.file if is_elsewhere and known.file else file
            yield there, str(name) if name else declared, some["line"].unique()
