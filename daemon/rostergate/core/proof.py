r"""The fast road: prove a file clean with vectorised checks over its raw lines, then let polars parse what was proven.

A file is proven when every physical line is a whole row by RFC 4180, with as many cells as the header. Then no cell
spans lines, line numbers are exact, and what polars is lenient about cannot occur: it fills short rows, gives up on
long ones without naming a line, passes \" and reads a blank line of a one-column file as a row (measured with polars
2.1). Whatever is not proven goes to the careful reader; this one never reports a fault.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.careful import cells_of
from rostergate.core.sheet import WHITE_SPACE, Sheet, header_findings, tidy

if TYPE_CHECKING:
    from rostergate.core.policy import ReadingLimits

_CELL = r'(?:"(?:[^"]|"")*"|[^",]*)'
_EMPTY_LINES = re.compile(rb"\n{2,}")
_LINE_END_BYTES_MAX = 2
_NO_SEPARATOR = b"\x1f"


def read(data: bytes, limits: ReadingLimits) -> Sheet | None:
    """Take the file apart, or return None when it is not proven clean; `data` is UTF-8 without mark or NUL."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # One line more for the header; a file with many blank lines is left to the careful reader, which streams.
    if not data or data.count(b"\n") > limits.rows_max + 1:
        return None
    if _NO_SEPARATOR in data:
        return None  # a control character that no roster has; polars would drop one that ends a line
    return _counted(data, limits) or _by_lines(data, limits)


def _counted(data: bytes, limits: ReadingLimits) -> Sheet | None:
    """Prove a file by counting, where it has neither quotation marks nor blank lines; None when that proves nothing.

    polars gives up on a row with too many cells, so none has more commas than the header (a test holds polars to it).
    Then rows and commas have the right numbers only if every row has as many as the header.
    """
    if b'"' in data or b"\n\n" in data or data.startswith(b"\n"):
        return None
    first, _, body = data.partition(b"\n")
    header = _header(first, limits)
    rows = body.count(b"\n") + (not body.endswith(b"\n") and bool(body))
    if header is None or rows > limits.rows_max or body.count(b",") != rows * (len(header) - 1):
        return None
    cells = _parsed(body, len(header), rows, quotes=False)
    if cells is None or _longest_possible(cells) + _LINE_END_BYTES_MAX > limits.row_bytes_max:
        return None
    lines = pl.int_range(2, rows + 2, dtype=pl.UInt32, eager=True)
    return Sheet(tidy(cells, lines, header), header, 1)


def _longest_possible(cells: pl.DataFrame) -> int:
    """Return the bytes of a row that has the longest cell of every column."""
    longest = cells.select(pl.all().str.len_bytes().max().fill_null(0)).sum_horizontal()
    return int(longest.item()) + cells.width if cells.height else 0


def _by_lines(data: bytes, limits: ReadingLimits) -> Sheet | None:
    """Prove a file line by line."""
    lines = _lines(data)
    if lines is None or lines.is_empty() or lines.height - 1 > limits.rows_max:
        return None
    first = lines["text"][0].encode()
    header = _header(first, limits)
    if header is None:
        return None
    quotes = b'"' in data
    if not _is_proven(lines["text"], len(header), quotes=quotes, limits=limits):
        return None
    numbers = lines["index"][1:].cast(pl.UInt32) + 1
    header_line = lines["index"][0] + 1
    del lines

    if data.startswith(b"\n") or b"\n\n" in data:
        data = _EMPTY_LINES.sub(b"\n", data).lstrip(b"\n")
    cells = _parsed(data[len(first) + 1 :], len(header), len(numbers), quotes=quotes)
    return None if cells is None else Sheet(tidy(cells, numbers, header), header, header_line)


def _header(line: bytes, limits: ReadingLimits) -> tuple[str, ...] | None:
    """Return the header's cells, trimmed; None when it is not one to go by."""
    taken = cells_of(line, 0, limits.row_bytes_max)
    header = tuple(cell.strip(WHITE_SPACE) for cell in taken[0]) if taken else ()
    return None if not any(header) or header_findings("", header, 1, limits) else header


def _lines(data: bytes) -> pl.DataFrame | None:
    """Return `index` (of the physical line, from 0) and `text` of each line that is not empty."""
    try:
        lines = pl.read_csv(
            data,
            has_header=False,
            schema={"text": pl.String()},
            separator=_NO_SEPARATOR.decode(),
            quote_char=None,
            eol_char="\n",
            row_index_name="index",
        )
    except pl.exceptions.PolarsError:
        return None
    return lines.drop_nulls()


def _is_proven(lines: pl.Series, width: int, *, quotes: bool, limits: ReadingLimits) -> bool:
    """Tell whether each of the lines, none of them empty, is a whole row of that many cells."""
    longest = lines.str.len_bytes().max()
    if not isinstance(longest, int) or longest + _LINE_END_BYTES_MAX > limits.row_bytes_max:
        return False
    if not quotes:
        return bool((lines.str.count_matches(",", literal=True) == width - 1).all())
    try:
        whole = lines.str.contains(rf"\A{_CELL}(?:,{_CELL}){{{width - 1}}}\z").all()
    except pl.exceptions.PolarsError:
        return False  # so many columns that the pattern exceeds the engine's size limit
    return bool(whole) and not lines.str.contains('\\"', literal=True).any()


def _parsed(body: bytes, width: int, rows: int, *, quotes: bool) -> pl.DataFrame | None:
    """Return the cells as polars reads them; None when they are not as many as was proven."""
    schema = {str(place): pl.String() for place in range(width)}
    if not body:
        return pl.DataFrame(schema=schema)
    try:
        cells = pl.read_csv(
            body,
            has_header=False,
            schema=schema,
            quote_char='"' if quotes else None,
            eol_char="\n",
        )
    except pl.exceptions.PolarsError:
        return None  # the careful reader says what is wrong, or reads it after all
    return cells if cells.height == rows else None
