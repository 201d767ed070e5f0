"""What spreadsheets do to a roster when they open and save it: ids and grades that are no longer what the SIS exported.

A file that has been through a spreadsheet looks fine and matches nothing: applied as it is, it would archive half a
district. Every trace of it therefore refuses the delivery, and the next step says how to avoid it.

Rule 1: an id in scientific notation (1.23E+11) has lost its last digits for good, and one that is a date (3-12 turned
into 12-Mar) what it was. An id that ends in .0 was a whole number, unless others in its column have other fractions.
An id that is written as a formula (="007") or with an apostrophe before it was a trick to keep its zeros.
Rule 2: an error of the spreadsheet (#N/A) in place of an id or a name is neither.
Rule 3: a reference that matches nothing, but would if zeros at the front were put back, shows that ids lost theirs:
those that are shorter, whichever file they stand in.
Rule 4: a grade that is a date (9-12 turned into 12-Sep, 5/12 into 5-Dec) was a range of grades.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from rostergate.core.cells import located, marked
from rostergate.core.claims import CLAIMED, Claims, once
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.references import REFERENCES, strays
from rostergate.core.values import MONTH

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
_DECIMAL = r"^[0-9]+\.0$"
_FRACTION = r"^[0-9]+\.[0-9]*[1-9][0-9]*$"
_FORMULA = r"^(?:=.*|'[0-9]+)$"
_MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_MONTH_AND_DAY = rf"^(?:[0-9]{{1,2}}-{_MONTHS}|{_MONTHS}-[0-9]{{2}})$"  # as Excel shows 3-12 and 3-2012
_ERROR = r"^#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|#+)$"
_DATE = (
    rf"(?i)^(?:[0-9]{{1,2}}[-/ ]{MONTH}(?:[-/ ][0-9]{{2,4}})?|{MONTH}[-/ ][0-9]{{1,4}}"
    r"|[0-9]{1,2}/[0-9]{1,2}(?:/[0-9]{2,4})?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9:.]+)?)$"
)
_IDS = {
    "Ids are in scientific notation, as spreadsheets show long numbers: their last digits are lost.": _SCIENTIFIC,
    "Ids end in .0: a program has taken them for decimal numbers.": _DECIMAL,
    "Ids are dates, as a spreadsheet program makes of two numbers with a dash between them.": _MONTH_AND_DAY,
    "Ids are formulas of a spreadsheet program, or begin with an apostrophe.": _FORMULA,
}
"""What is told of an id -> how such ids look."""
_ERRORS = "An error of a spreadsheet program, such as #N/A, stands in place of a value."
_ANY = "|".join([*_IDS.values(), _ERROR])
_NAMES = ("name", "first_name", "last_name")

Trace: TypeAlias = tuple[str, str, str, pl.DataFrame]
"""What is told, of which claimed table and column, and the rows."""


def check(claims: Claims) -> tuple[Finding, ...]:
    """Return the traces that a spreadsheet has left; `claims` as `layout.claims` gives them, not yet normalised.

    One finding per file, column and kind of damage. Ids that the format derives are not looked at.
    """
    lines: dict[tuple[str, str | None, str], set[int]] = {}
    for message, table, column, rows in chain(_ids(claims), _names(claims), _bare(claims), _dates(claims)):
        if rows.is_empty():
            continue
        for file, own, places in located(claims, table, column, rows.select("file", "line", marked(column))):
            lines.setdefault((file, own, message), set()).update(places)
    return tuple(
        finding(SPREADSHEET_DAMAGE, file=file, column=column, lines=places, message=message)
        for (file, column, message), places in lines.items()
    )


def _ids(claims: Claims) -> Iterator[Trace]:
    for table, columns in CLAIMED.items():
        for column in (one for one in columns if one.endswith("_id")):
            # As usual there is none: each id is looked at once for all kinds of damage.
            strange = _worth_a_look(claims, table, column).filter(pl.col(column).str.contains(_ANY))
            if strange.is_empty():
                continue
            for message, pattern in _IDS.items():
                rows = strange.filter(pl.col(column).str.contains(pattern))
                if pattern is not _DECIMAL or rows.is_empty() or not _has_fractions(claims, table, column):
                    yield message, table, column, rows
            yield _ERRORS, table, column, strange.filter(pl.col(column).str.contains(_ERROR))


def _worth_a_look(claims: Claims, table: str, column: str) -> pl.DataFrame:
    """Return the rows whose id may be strange: where no id of the table referred to is, only those that meet none."""
    to = next((one for one in REFERENCES if (one.table, one.column) == (table, column)), None)
    if to is None or _has_strange(claims, to.to, column):
        return claims.tables[table]
    return strays(claims, to)


@once
def _has_strange(claims: Claims, table: str, column: str) -> bool:
    return bool(claims.tables[table][column].str.contains(_ANY).any())


def _has_fractions(claims: Claims, table: str, column: str) -> bool:
    return bool(claims.tables[table][column].str.contains(_FRACTION).any())


def _names(claims: Claims) -> Iterator[Trace]:
    for table, columns in CLAIMED.items():
        for column in (one for one in columns if one in _NAMES):
            yield _ERRORS, table, column, claims.tables[table].filter(pl.col(column).str.contains(_ERROR))


def _bare(claims: Claims) -> Iterator[Trace]:
    """Yield the shorter spellings where ids of two files are the same but for zeros at the front."""
    for one in REFERENCES:
        unknown = claims.tables[one.table].clear()
        if one.to not in claims.absent:
            unknown = strays(claims, one)
        if not unknown.is_empty():
            named, known = _in_digits(unknown, one.column), _in_digits(claims.tables[one.to], one.column)
            message = f"Ids match those of {one.to} only once zeros at the front are put back."
            yield message, one.table, one.column, _shorter(named, known, one.column)
            message = "Ids match those of other files only once zeros at the front are put back."
            yield message, one.to, one.column, _shorter(known, named, one.column)


def _in_digits(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    bare = pl.col(column).str.strip_chars_start("0").alias("bare")
    return rows.filter(pl.col(column).str.contains(r"^[0-9]+$")).with_columns(bare)


def _shorter(rows: pl.DataFrame, others: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the rows whose id another one has with more zeros."""
    longest = others.group_by("bare").agg(pl.col(column).str.len_bytes().max().alias("longest"))
    return rows.join(longest, on="bare").filter(pl.col(column).str.len_bytes() < pl.col("longest"))


def _dates(claims: Claims) -> Iterator[Trace]:
    rows = claims.tables["students"].filter(pl.col("grade").str.contains(_DATE))
    yield "Grades have been turned into dates.", "students", "grade", rows
