"""What spreadsheets do to a roster when they open and save it: ids and grades that are no longer what the SIS exported.

A file that has been through a spreadsheet looks fine and matches nothing: applied as it is, it would archive half a
district. Every trace of it therefore refuses the delivery, and the next step says how to avoid it.

Rule 1: an id in scientific notation (1.23E+11) has lost its last digits for good.
Rule 2: a reference that matches nothing, but would if zeros at the front were put back, shows that ids lost theirs.
Rule 3: a grade that is a date (9-12 turned into 12-Sep, 5/12 into 5-Dec) was a range of grades.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core import abreast
from rostergate.core.cells import located, marked
from rostergate.core.claims import CLAIMED, Claims
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.references import REFERENCES, strays

if TYPE_CHECKING:
    from collections.abc import Iterator


SPREADSHEET_DAMAGE = Code(
    "spreadsheet-damage",
    Severity.FORMAT_ERROR,
    "A spreadsheet program has changed values in the file.",
    "Upload the file as the SIS exports it; do not open and save it in a spreadsheet program on the way.",
)
CODES = (SPREADSHEET_DAMAGE,)

_SCIENTIFIC = r"^[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]{2,}$"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = (
    rf"(?i)^(?:[0-9]{{1,2}}[-/ ]{_MONTH}(?:[-/ ][0-9]{{2,4}})?|{_MONTH}[-/ ][0-9]{{1,4}}"
    r"|[0-9]{1,2}/[0-9]{1,2}(?:/[0-9]{2,4})?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]+)?)$"
)


def check(claims: Claims) -> tuple[Finding, ...]:
    """Return the traces that a spreadsheet has left; `claims` as `layout.claims` gives them, not yet normalised.

    One finding per file, column and kind of damage. Ids that the format derives are not looked at.
    """
    lines: dict[tuple[str, str | None, str], set[int]] = {}
    traces = abreast.each(lambda search: list(search(claims)), (_scientific, _bare, _dates))
    for message, table, column, rows in chain.from_iterable(traces):
        for file, own, places in located(claims, table, column, rows.select("file", "line", marked(column))):
            lines.setdefault((file, own, message), set()).update(places)
    return tuple(
        finding(SPREADSHEET_DAMAGE, file=file, column=column, lines=places, message=message)
        for (file, column, message), places in lines.items()
    )


def _scientific(claims: Claims) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
    message = "Ids are in scientific notation, as a spreadsheet program shows long numbers: their last digits are lost."
    for table, columns in CLAIMED.items():
        for column in columns:
            if column.endswith("_id"):
                rows = claims.tables[table].filter(pl.col(column).str.contains(_SCIENTIFIC))
                yield message, table, column, rows


def _bare(claims: Claims) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
    for one in REFERENCES:
        unknown = claims.tables[one.table].clear()
        if one.to not in claims.absent:
            unknown = strays(claims, one)
        if not unknown.is_empty():
            rows = _without_zeros(unknown, claims.tables[one.to], one.column)
            yield f"Ids match those of {one.to} only once zeros at the front are put back.", one.table, one.column, rows


def _without_zeros(unknown: pl.DataFrame, known: pl.DataFrame, column: str) -> pl.DataFrame:
    digits = pl.col(column).str.contains(r"^[0-9]+$")
    bare = pl.col(column).str.strip_chars_start("0").alias("bare")
    return unknown.filter(digits).with_columns(bare).join(known.filter(digits).select(bare).unique(), on="bare")


def _dates(claims: Claims) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
    rows = claims.tables["students"].filter(pl.col("grade").str.contains(_DATE))
    yield "Grades have been turned into dates.", "students", "grade", rows
