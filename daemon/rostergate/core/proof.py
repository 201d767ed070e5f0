r"""The fast road: prove that lines are whole rows, with vectorised checks, so that polars may parse them.

A line is proven when it is a whole row by RFC 4180, with as many cells as the header. Then none of its cells goes on in
the next line, and what polars is lenient about cannot occur: it fills short rows, gives up on long ones without naming
a line, passes \" and reads a blank line of a one-column file as a row (measured with polars 2.1). This road never
reports a fault; `stretches` says what becomes of the lines that are not proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from rostergate.core.careful import cells_of
from rostergate.core.sheet import WHITE_SPACE, Sheet, header_findings, tidy

if TYPE_CHECKING:
    from rostergate.core.policy import ReadingLimits

_CELL = r'(?:"(?:[^"]|"")*"|[^",]*)'
_QUOTED = r'"[^"]*"'
_HARDLY_ANY = r'\A[\s,"]*\z'
_SEPARATORS = tuple(bytes([sign]) for sign in (0x1F, 0x1E, 0x1D, 0x1C, *range(1, 9)))  # control characters


class Lines(NamedTuple):
    """A file's lines below its header, without the empty ones, and what is proven of each."""

    header: tuple[str, ...]
    header_line: int
    below: pl.DataFrame
    """`line` (`pl.UInt32`), `start` (`pl.UInt64`: the byte at which it begins), `cells` (`pl.UInt32`: as many as the
    line has where it is proven to be a whole row, else null)."""
    has_quotes: bool


def read(data: bytes, limits: ReadingLimits) -> Sheet | None:
    """Prove a file by counting, where it has neither quotation marks nor blank lines; None when that proves nothing.

    `data` is UTF-8 without mark or NUL, its lines end in LF. polars gives up on a row with too many cells, so none has
    more commas than the header (a test holds polars to it); save for empty cells in a last line without a line end, so
    that line is counted by itself. Then rows and commas have the right numbers only if every row has as many as the
    header, which a blank line has not, save where there is one column.
    """
    if b'"' in data:
        return None
    first, _, body = data.partition(b"\n")
    header = _header(first, limits)
    rows = body.count(b"\n") + (not body.endswith(b"\n") and bool(body))
    if header is None or rows > limits.rows_max or body.count(b",") != rows * (len(header) - 1):
        return None
    if len(header) == 1 and (b"\n\n" in body or body.startswith(b"\n")):
        return None
    last = body[body.rfind(b"\n") + 1 :]
    if last and last.count(b",") != len(header) - 1:
        return None
    cells = parsed(body, len(header), rows, quotes=False)
    if cells is None or _longest_possible(cells) + 1 > limits.row_bytes_max:
        return None
    lines = pl.int_range(2, rows + 2, dtype=pl.UInt32, eager=True)
    return Sheet(tidy(cells, lines, header), header, 1)


def lines_of(data: bytes, limits: ReadingLimits) -> Lines | None:
    """Return what is proven of each line, or None when there is no header to go by; `data` is as for `read`."""
    # One line more for the header; a file with many blank lines is left to the careful reader, which streams.
    if not data or data.count(b"\n") > limits.rows_max + 1:
        return None
    texts = _texts(data)
    if texts is None or texts.is_empty():
        return None
    header = _header(texts["text"][0].encode(), limits)
    if header is None:
        return None
    header_line = texts["index"][0] + 1
    lengths = pl.col("text").str.len_bytes().cast(pl.UInt64)
    texts = texts.with_columns(start=lengths.cum_sum() - lengths + pl.col("index"))[1:]
    has_quotes = b'"' in data
    cells = _cells(texts["text"], len(header), quotes=has_quotes, limits=limits)
    below = texts.select(pl.col("index").cast(pl.UInt32).alias("line") + 1, "start", cells.alias("cells"))
    return Lines(header, header_line, below, has_quotes)


def parsed(body: bytes, width: int, rows: int, *, quotes: bool) -> pl.DataFrame | None:
    """Return the cells of proven lines as polars reads them; None when there are not as many rows as were proven.

    There are no blank lines among them.
    """
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


def _longest_possible(cells: pl.DataFrame) -> int:
    """Return the bytes of a row that has the longest cell of every column."""
    (longest,) = cells.select(pl.all().str.len_bytes().max().fill_null(0)).rows()
    return sum(longest) + cells.width if cells.height else 0


def _header(line: bytes, limits: ReadingLimits) -> tuple[str, ...] | None:
    """Return the header's cells, trimmed; None when it is not one to go by."""
    taken = cells_of(line, 0, limits.row_bytes_max - 1)  # without its line end
    header = tuple(cell.strip(WHITE_SPACE) for cell in taken[0]) if taken else ()
    return None if not any(header) or header_findings("", header, 1, limits) else header


def _texts(data: bytes) -> pl.DataFrame | None:
    """Return `index` (of the line, from 0) and `text` of each line that is not empty."""
    # polars drops a separator that ends a line, so it must be a character that the file has not.
    separator = next((sign for sign in _SEPARATORS if sign not in data), None)
    if separator is None:
        return None
    try:
        lines = pl.read_csv(
            data,
            has_header=False,
            schema={"text": pl.String()},
            separator=separator.decode(),
            quote_char=None,
            eol_char="\n",
            row_index_name="index",
        )
    except pl.exceptions.PolarsError:
        return None
    return lines.drop_nulls()


def _cells(lines: pl.Series, width: int, *, quotes: bool, limits: ReadingLimits) -> pl.Series:
    """Return how many cells each line has, null where it is not proven to be a whole row within the limits."""
    text = pl.col("text")
    whole, separators = text.str.len_bytes() < limits.row_bytes_max, text
    if quotes:
        whole &= text.str.contains(rf"\A{_CELL}(?:,{_CELL})*\z") & ~text.str.contains('\\"', literal=True)
        # In a whole row quotation marks come in pairs: without what they enclose, every comma stands between cells.
        separators = text.str.replace_all(_QUOTED, "")
    cells = pl.when(whole).then(separators.str.count_matches(",", literal=True) + 1).alias("cells")
    frame = lines.to_frame("text").with_columns(cells)
    if (frame["cells"] == width).all():
        return frame["cells"]
    # Whether a row of another width is blank, and so no row at all, is left to the careful reader.
    sure = pl.col("cells").eq(width) | ~text.str.contains(_HARDLY_ANY)
    return frame.select(pl.when(sure).then("cells")).to_series()
