"""A sheet: one file's header and rows, however they were read, and what can be wrong with them.

Both roads (`proof`, the fast one, and `careful`) end here, so that they trim, empty and number rows alike.

Rule 1: LF, CRLF and a lone CR each end a line, in any mixture; both roads see LF alone, also inside a cell. A roster is
no other because a program has converted its line ends.
Rule 2: white space around a cell is trimmed, also inside its quotes; what is then empty is null.
Rule 3: a row in which every cell is empty is no row. Spreadsheets append such rows.
Rule 4: `line` is the physical line on which a row starts, blank lines counted, the first line being 1.
Rule 5: one Ctrl-Z (0x1A) as the last byte says that the file ends. It is no row, and ends the one before it as a line
end would; DOS programs, FoxPro among them, write it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import LINES_MAX, Code, Finding, Severity, finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rostergate.core.policy import ReadingLimits

WHITE_SPACE = (
    "\t\n\x0b\x0c\r \x85\xa0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""Unicode's White_Space characters: what polars strips by default. Python's `str.strip()` strips four more."""

_END_MARK = b"\x1a"

EMPTY_FILE = Code(
    "empty-file",
    Severity.FORMAT_ERROR,
    "The file is empty: it has not even a row with the column names.",
    "Run the export again and look at the file before it is sent. A file without rows still needs its header row.",
)
DUPLICATE_HEADER = Code(
    "duplicate-header",
    Severity.FORMAT_ERROR,
    "Several columns of the header row have the same name, or none.",
    "Keep one column of each name in the export, and remove the others; take out empty columns as well.",
)
WRONG_COLUMN_COUNT = Code(
    "wrong-column-count",
    Severity.FORMAT_ERROR,
    "Rows have more or fewer cells than the header row.",
    "Look for rows that are cut off, and for commas inside a value: such values must stand in quotation marks.",
)
BAD_QUOTES = Code(
    "bad-quotes",
    Severity.FORMAT_ERROR,
    "A quotation mark is not closed, not doubled, or in the wrong place.",
    'The export must put a value that contains " in quotation marks and write each " inside it as ""; \\" is not read.',
)
ROW_TOO_LONG = Code(
    "row-too-long",
    Severity.FORMAT_ERROR,
    "A row is longer than is accepted.",
    "Look at that line of the file: usually rows have run together because line ends are missing.",
)
TOO_MANY_ROWS = Code(
    "too-many-rows",
    Severity.FORMAT_ERROR,
    "The file has more rows than are accepted.",
    "Check that the export has each row once, and this school year only; or ask the platform's operator to allow more.",
)
TOO_MANY_COLUMNS = Code(
    "too-many-columns",
    Severity.FORMAT_ERROR,
    "The header has more columns than are accepted.",
    "Send only the columns of the format. If the whole file is one long row, its line ends are missing.",
)

CODES = (
    EMPTY_FILE,
    DUPLICATE_HEADER,
    WRONG_COLUMN_COUNT,
    BAD_QUOTES,
    ROW_TOO_LONG,
    TOO_MANY_ROWS,
    TOO_MANY_COLUMNS,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file, taken apart."""

    frame: pl.DataFrame | None
    """The header's columns (`pl.String`, empty = null) and `line` (`pl.UInt32`); None without a usable header."""
    header: tuple[str, ...] = ()
    """Every header cell, trimmed, in the file's order."""
    header_line: int = 1
    """Physical line of the header; blank lines may precede it."""
    findings: tuple[Finding, ...] = ()
    unended: int | None = None
    """The last line of the file where it may be a whole row but has no line end."""


@dataclass(slots=True)
class Tally:
    """Lines with one fault: an exact count and the first few, in bounded memory."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count one more line; these lines come in ascending order."""
        self.count += 1
        if len(self.first) < LINES_MAX:
            self.first.append(line)

    def add_all(self, lines: pl.Series) -> None:
        """Count further lines, in ascending order among themselves."""
        self.count += len(lines)
        self.first = sorted([*self.first, *lines.head(LINES_MAX)])[:LINES_MAX]

    def findings(self, code: Code, *, file: str, message: str | None = None) -> tuple[Finding, ...]:
        """Return the one finding of these lines, or none when no line was counted."""
        if not self.count:
            return ()
        return (replace(finding(code, file=file, lines=self.first, message=message), count=self.count),)


def with_line_feeds(data: bytes) -> bytes:
    """Return the file with LF for every end of a line; `data` is in an encoding that leaves ASCII as it is.

    Its end mark, if it has one, is gone, and the last row has a line end.
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data[:-1].removesuffix(b"\n") + b"\n" if data.endswith(_END_MARK) else data


def header_findings(file: str, header: Sequence[str], line: int, limits: ReadingLimits) -> tuple[Finding, ...]:
    """Return what makes a header unusable on its own: too many columns, or one name twice."""
    if len(header) > limits.columns_max:
        message = f"The header has {len(header)} columns; {limits.columns_max} are accepted."
        return (finding(TOO_MANY_COLUMNS, file=file, lines=(line,), message=message),)
    # A name is not shown: without a valid header this may well be a row of data.
    places: dict[str, list[str]] = {}
    for place, name in enumerate(header, start=1):
        places.setdefault(name, []).append(str(place))
    repeated = {name: those for name, those in places.items() if len(those) > 1}
    if not repeated:
        return ()
    same = "; ".join("columns " + " and ".join(those) for name, those in repeated.items() if name)
    message = f"Several columns have the same name: {same}." if same else ""
    if "" in repeated:
        message = f"{message} Columns {', '.join(places[''])} have no name.".lstrip()
    return (finding(DUPLICATE_HEADER, file=file, lines=(line,), message=message),)


def tidy(cells: pl.DataFrame, lines: pl.Series, header: Sequence[str]) -> pl.DataFrame:
    """Trim the cells, make empty ones null, drop rows without a value, and name the columns.

    `cells` has one `pl.String` column per header cell, in order; `lines` the line of each row. A column that the file
    itself calls `line` gives way to the line numbers; `Sheet.header` still names it.
    """
    frame = cells.select(pl.all().str.strip_chars())
    if frame.select(pl.any_horizontal((pl.all().str.len_bytes() == 0).any())).item():
        frame = frame.select(pl.when(pl.all().str.len_bytes() > 0).then(pl.all()))
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null()).alias("filled")).to_series()
    frame.columns = [*header]  # only now: to an expression, `*` and `^.+$` are not names but patterns
    frame = frame.with_columns(pl.Series("line", lines, dtype=pl.UInt32))
    return frame if filled.all() else frame.filter(filled)
