r"""The careful road: any bytes of valid UTF-8 -> a sheet, with the exact physical line of every fault.

Rule 1: LF ends a row (`sheet.with_line_feeds` has made every line end one); inside quotes it is part of the cell.
Rule 2: quotes as in RFC 4180, section 2, save that blanks and tabs may stand between a comma and a quotation mark. A
quotation mark inside an unquoted cell, text after a closing one, one that never closes, and `\"` are faults.
Rule 3: a faulty row costs its first physical line and no more. Reading goes on with the next line, so a quotation mark
that never closes does not swallow the rest of the file. A header whose names are all in quotation marks, with another
sign than the comma between them, is one cell, so that it can be said what separates them; no row below it is read.
Rule 4: no row, multi-line cells included, may exceed `row_bytes_max`. The time this takes is linear: a scan inside open
quotes only passes lines that hold nothing but doubled quotes, and those are short rows of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rostergate.core.findings import Code, Finding, finding
from rostergate.core.sheet import (
    BAD_QUOTES,
    EMPTY_FILE,
    ROW_TOO_LONG,
    TOO_MANY_ROWS,
    WHITE_SPACE,
    WRONG_COLUMN_COUNT,
    Sheet,
    Tally,
    header_findings,
    tidy,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rostergate.core.policy import ReadingLimits

_ROWS_HELD = 65_536  # rows kept as Python lists before they become a frame

_EMPTY_LINES = re.compile(rb"\n++")
_CELL = re.compile(rb'[ \t]*+"([^"]*+(?:""[^"]*+)*+)"[ \t]*+|([^",\n]*+)')

_OTHERWISE_PARTED = re.compile(rb'\s*+"[^"]*+"([;\t|])"[^"]*+"(?:\1"[^"]*+")*+\s*+\Z')


class Row(NamedTuple):
    """One row: the line it starts on, and its cells, untrimmed, or what is wrong with it."""

    line: int
    cells: list[str]
    fault: Code | None = None


def read(name: str, data: bytes, limits: ReadingLimits) -> Sheet:
    """Take the file apart; `data` is UTF-8 without a byte-order mark, its lines end in LF. Faulty rows are left out."""
    rows = rows_of(data, limits.row_bytes_max)
    first = next((row for row in rows if row.fault or not _is_blank(row.cells)), None)
    if first is None:
        return Sheet(None, findings=(finding(EMPTY_FILE, file=name),))
    header = header_of(first, data)
    if first.fault and header:
        return Sheet(Body(header).frame(), header, first.line)
    if first.fault:
        return Sheet(None, header_line=first.line, findings=(finding(first.fault, file=name, lines=(first.line,)),))
    unusable = header_findings(name, header, first.line, limits)
    if unusable:
        return Sheet(None, header, first.line, unusable)

    body = Body(header)
    for count, row in enumerate(rows, start=1):
        if count > limits.rows_max:
            message = f"The file has more than the {limits.rows_max} rows that are accepted."
            return Sheet(None, header, first.line, (finding(TOO_MANY_ROWS, file=name, message=message),))
        body.take(row)
    return Sheet(body.frame(), header, first.line, body.findings(name))


def header_of(row: Row, data: bytes) -> tuple[str, ...]:
    """Return the cells of a file's first row, trimmed; none where it is malformed, save as Rule 3 says."""
    if row.fault is BAD_QUOTES:
        line = data.split(b"\n", row.line)[row.line - 1]
        return (line.decode().strip(WHITE_SPACE),) if _OTHERWISE_PARTED.match(line) else ()
    return tuple(cell.strip(WHITE_SPACE) for cell in row.cells)


def cells_of(data: bytes, start: int, row_bytes_max: int) -> tuple[list[str], int] | None:
    """Take the row at `start` apart. Return its cells, untrimmed, and where the next row starts; None when malformed.

    The row may span lines; it is malformed when it has not ended within `row_bytes_max` bytes.
    """
    stop = min(start + row_bytes_max, len(data))
    cells: list[bytes] = []
    at = start
    while True:
        cell = _CELL.match(data, at, stop)
        if cell is None:  # pragma: no cover - the second branch matches nothing at all, too
            return None
        quoted, bare = cell.groups()
        cells.append(bare if quoted is None else quoted.replace(b'""', b'"'))
        at = cell.end()
        after = data[at : at + 1]
        if after != b",":
            break
        at += 1
    if after not in (b"\n", b""):
        return None
    end = at + len(after)
    if end - start > row_bytes_max or data.find(b'\\"', start, end) >= 0:
        return None
    return [cell.decode() for cell in cells], end  # only now: `stop` may cut a character in two


def rows_of(data: bytes, row_bytes_max: int) -> Iterator[Row]:
    """Yield every row that is not an empty line; `data` is UTF-8 without byte-order mark, its lines end in LF."""
    position, line = 0, 1
    while position < len(data):
        empty = _EMPTY_LINES.match(data, position)
        if empty:
            line += empty.end() - position
            position = empty.end()
            continue
        row, end = row_at(data, position, line, row_bytes_max)
        yield row
        line += data.count(b"\n", position, end)
        position = end


def row_at(data: bytes, start: int, line: int, row_bytes_max: int) -> tuple[Row, int]:
    """Return the row that starts there, on that line, and where the next one starts."""
    end = data.find(b"\n", start) + 1 or len(data)
    if end - start > row_bytes_max:
        return Row(line, [], ROW_TOO_LONG), end
    if data.find(b'"', start, end) < 0:
        return Row(line, data[start:end].rstrip(b"\n").decode().split(",")), end
    found = cells_of(data, start, row_bytes_max)
    return (Row(line, found[0]), found[1]) if found else (Row(line, [], BAD_QUOTES), end)


def _is_blank(cells: list[str]) -> bool:
    return not any(cell.strip(WHITE_SPACE) for cell in cells)


@dataclass(slots=True)
class Body:
    """The rows below the header, as they come."""

    header: tuple[str, ...]
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    parts: list[pl.DataFrame] = field(default_factory=list)
    bad_quotes: Tally = field(default_factory=Tally)
    too_long: Tally = field(default_factory=Tally)
    miscounted: Tally = field(default_factory=Tally)
    widths: set[int] = field(default_factory=set)

    def take(self, row: Row) -> None:
        """Keep the row, or count what is wrong with it."""
        if row.fault is BAD_QUOTES:
            self.bad_quotes.add(row.line)
        elif row.fault is ROW_TOO_LONG:
            self.too_long.add(row.line)
        elif len(row.cells) == len(self.header):
            self.rows.append(row.cells)
            self.lines.append(row.line)
            if len(self.rows) >= _ROWS_HELD:
                self._put_away()
        elif not _is_blank(row.cells):
            self.miscounted.add(row.line)
            self.widths.add(len(row.cells))

    def miscount(self, lines: pl.Series, widths: Iterable[int]) -> None:
        """Count further rows of another width: their lines, ascending, and the numbers of cells that occur."""
        self.miscounted.add_all(lines)
        self.widths.update(widths)

    def frame(self) -> pl.DataFrame:
        """Return every row kept."""
        self._put_away()
        return pl.concat(self.parts, rechunk=False)

    def findings(self, name: str) -> tuple[Finding, ...]:
        """Return what was wrong with the others."""
        return (
            self.bad_quotes.findings(BAD_QUOTES, file=name)
            + self.too_long.findings(ROW_TOO_LONG, file=name)
            + self.miscounted.findings(WRONG_COLUMN_COUNT, file=name, message=self._about_widths())
        )

    def _about_widths(self) -> str:
        wide = f"The header has {len(self.header)} columns; "
        if len(self.widths) == 1:
            return f"{wide}these rows have {min(self.widths)}."
        return f"{wide}these rows have more or fewer."

    def _put_away(self) -> None:
        columns = zip(*self.rows, strict=True) if self.rows else ([] for _ in self.header)
        cells = pl.DataFrame([pl.Series(str(place), column, dtype=pl.String) for place, column in enumerate(columns)])
        self.parts.append(tidy(cells, pl.Series(self.lines, dtype=pl.UInt32), self.header))
        self.rows, self.lines = [], []
