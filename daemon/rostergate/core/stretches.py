"""Stretches: what is proven of a file goes the fast road, and only the lines between go through the careful reader.

Where a row starts is known without walking: after a line that is a whole row, the next line starts another one. So only
at a line that is not proven may a cell go on in the lines below, and only there the careful reader says where the next
row starts. One broken row, or a thousand cells of several lines, cost what they hold and leave the rest as it is.

Rule: the result is that of the careful reader, to the last finding; a property test compares the two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate.core import proof
from rostergate.core.careful import Body, row_at
from rostergate.core.sheet import Sheet, tidy

if TYPE_CHECKING:
    from rostergate.core.policy import ReadingLimits

_EMPTY_LINES: Final = re.compile(rb"\n{2,}")


def read(name: str, data: bytes, limits: ReadingLimits) -> Sheet | None:
    """Take the file apart, or return None where its lines tell nothing; `data` is as for `careful.read`."""
    lines = proof.lines_of(data, limits)
    if lines is None:
        return None
    others = Body(lines.header)
    ends, walked = [0], [0]
    unproven = lines.below.filter(pl.col("cells").is_null()).select("start", "line")
    for start, line in unproven.iter_rows():
        if start >= ends[-1]:
            row, end = row_at(data, start, line, limits.row_bytes_max)
            others.take(row)
            walked.append(start)
            ends.append(end)
    below = _outside(lines.below, walked, ends)
    if below["outside"].sum() + len(walked) - 1 > limits.rows_max:
        return None
    wide = below.filter("outside", pl.col("cells") != len(lines.header))
    others.miscount(wide["line"], wide["cells"].unique())
    proven = below.select("line", "start", kept=pl.col("outside") & (pl.col("cells") == len(lines.header)))
    numbers = proven.filter("kept")["line"]
    cells = proof.parsed(_cut(data, proven), len(lines.header), len(numbers), quotes=lines.has_quotes)
    if cells is None:
        return None
    frame, rest = tidy(cells, numbers, lines.header), others.frame()
    whole = pl.concat([frame, rest]).sort("line") if len(rest) else frame
    return Sheet(whole, lines.header, lines.header_line, others.findings(name))


def _outside(below: pl.DataFrame, starts: list[int], ends: list[int]) -> pl.DataFrame:
    """Tell of each line, as `outside`, that it belongs to none of the rows walked, which reach from start to end."""
    if len(starts) == 1:
        return below.with_columns(outside=pl.lit(value=True))
    walked = pl.DataFrame({"start": starts, "end": ends}, schema={"start": pl.UInt64, "end": pl.UInt64})
    return (
        below.set_sorted("start")
        .join_asof(walked.set_sorted("start"), on="start")
        .with_columns(outside=pl.col("start") >= pl.col("end"))
    )


def _cut(data: bytes, lines: pl.DataFrame) -> bytes:
    """Return the lines that are `kept`, without what is empty between them."""
    turns = lines.filter(pl.col("kept") != pl.col("kept").shift(fill_value=False))["start"].to_list()
    turns += [len(data)] if len(turns) % 2 else []
    view = memoryview(data)
    rows = b"".join(view[start:end] for start, end in zip(turns[::2], turns[1::2], strict=True))
    return _EMPTY_LINES.sub(b"\n", rows) if b"\n\n" in rows else rows
