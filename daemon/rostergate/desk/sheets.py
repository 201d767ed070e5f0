"""findings.csv, changes.csv and holds.csv: one delivery for spreadsheets.

Rule 1: UTF-8, comma, quotes as in RFC 4180, LF. Each file always has its header.
Rule 2: a spreadsheet must not take a cell for a formula. A cell that begins with = + - @, a tab or a carriage return
gets an apostrophe in front, as OWASP advises ("CSV Injection"). Programs that read these files take it off again.
Rule 3: changes.csv and holds.csv name people by their ids alone. They have no names, no contacts and no other value of
a person.
"""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING

import polars as pl

from rostergate.core import concerned
from rostergate.core.plan import Action
from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rostergate.core.findings import Finding
    from rostergate.desk.story import Change, Held

FINDINGS_COLUMNS = ("severity", "code", "file", "line", "column", "count", "message", "next_step")
"""One row per listed line; a finding without lines has one row, its line empty. `count` is the whole finding's."""

CHANGES_COLUMNS = ("school_id", "table", "action", "teacher_id", "student_id", "guardian_id", "class_id")
"""One row per change; ids that a table does not have are empty. `action` is added, updated or removed."""

HOLDS_COLUMNS = ("school_id", "hold", *concerned.COLUMNS)
"""One row per row that a hold is about; see `core.concerned.COLUMNS`. Two holds may be about one row."""

_FORMULA = r"^[=+\-@\t\r]"
_ROWS_AT_ONCE = 250_000  # rows; bounds the memory that the protected copy takes


def findings_csv(findings: Iterable[Finding]) -> str:
    """Return findings.csv, with the columns of `FINDINGS_COLUMNS`."""
    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(FINDINGS_COLUMNS)
    for one in findings:
        place = [one.severity.value, one.code, one.file or ""]
        rest = [one.column or "", str(one.count), one.message, one.next_step]
        for line in one.lines or ("",):
            writer.writerow([protected(cell) for cell in (*place, str(line), *rest)])
    return sheet.getvalue()


def write_changes(changes: Iterable[Change], out: IO[bytes]) -> None:
    """Write changes.csv, with the columns of `CHANGES_COLUMNS`, a bounded number of rows at a time."""
    out.write((",".join(CHANGES_COLUMNS) + "\n").encode())
    for school_id, table, frame in changes:
        for part in frame.iter_slices(_ROWS_AT_ONCE):
            _rows(school_id, table, part).write_csv(out, include_header=False)


def write_holds(held: Iterable[Held], out: IO[bytes]) -> None:
    """Write holds.csv, with the columns of `HOLDS_COLUMNS`. Holds whose rows are not at hand have none there."""
    out.write((",".join(HOLDS_COLUMNS) + "\n").encode())
    for school_id, hold in ((school_id, hold) for school_id, holds in held for hold in holds):
        if hold.rows is not None:
            told = hold.rows.with_columns(school_id=pl.lit(school_id), hold=pl.lit(hold.code))
            told.select(_protected(pl.col(name)).alias(name) for name in HOLDS_COLUMNS).write_csv(
                out, include_header=False
            )


def protected(cell: str) -> str:
    """Return the cell so that a spreadsheet shows it as text."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _rows(school_id: str, table: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of changes.csv for some changes of one table; people whom a plan merely keeps are no change."""
    ids = {name: pl.col(name) for name in TABLES[table].key if name != "school_id"}
    cells = {"school_id": pl.lit(school_id), "table": pl.lit(table), "action": pl.col("action").cast(pl.String), **ids}
    columns = [_protected(cells.get(name, pl.lit(None, pl.String))).alias(name) for name in CHANGES_COLUMNS]
    return frame.filter(pl.col("action") != Action.KEPT.value).select(columns)


def _protected(cell: pl.Expr) -> pl.Expr:
    return pl.when(cell.str.contains(_FORMULA)).then(pl.concat_str(pl.lit("'"), cell)).otherwise(cell)
