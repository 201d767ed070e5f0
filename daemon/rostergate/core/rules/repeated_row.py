"""Repeated row: a row of a file says nothing that an earlier row of that file has not said already.

It changes nothing, but it often means that a report was joined to one table too many. People rightly stand in several
rows (one per school, per guardian, per student); reported is only a row that is the same in all that the roster reads.
A row that makes nothing because of a value in it, such as a role that no list has, is told as that alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.claims import CLAIMED, FILE, Claims
from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.rows import repeats
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = Code(
    "repeated-row",
    Severity.ALERT,
    "The row says the same as an earlier row of the file.",
    "Have the export give each row once. Usually it covers more than the file needs, such as every term of a year.",
)

_SCHOOLS = "schools"
"""Not looked at: a school that stands twice in the files refuses the delivery."""


def check(claims: Claims) -> Iterator[Problem]:
    """Yield the rows that repeat an earlier row of their file, under the first table that the file feeds."""
    tables = {table: frame for table, frame in claims.tables.items() if table != _SCHOOLS and len(frame)}
    fed: dict[str, dict[str, pl.DataFrame]] = {}
    for table, frame in tables.items():
        files = frame["file"].unique(maintain_order=True).to_list()
        for file in files:
            rows = frame if len(files) == 1 else frame.filter(pl.col("file") == file)
            fed.setdefault(file, {})[table] = _less(rows, _told(claims, file))
    for file, parts in fed.items():
        yield Problem(CODE, next(iter(parts)), None, _repeated(parts, file))


def _told(claims: Claims, file: str) -> pl.Series:
    """Return the lines of a file of which it is known on the way to the claims that they make nothing."""
    out = [one.rows for one in claims.problems if one.effect is Effect.LEAVE_OUT]
    return pl.concat([pl.Series("line", [], pl.UInt32), *(rows.filter(pl.col("file") == file)["line"] for rows in out)])


def _less(rows: pl.DataFrame, lines: pl.Series) -> pl.DataFrame:
    return rows if lines.is_empty() else rows.filter(~pl.col("line").is_in(lines.implode()))


def _repeated(parts: dict[str, pl.DataFrame], file: str) -> pl.DataFrame:
    """Return file and line of the rows that are the same as an earlier one in every table that they feed."""
    lines = _suspects(parts)
    if lines.is_empty():
        return pl.DataFrame(schema={"file": FILE, "line": pl.UInt32})
    rows = lines.to_frame().sort("line")
    for table, frame in parts.items():
        said = (
            frame.filter(pl.col("line").is_in(lines.implode()))
            .group_by("line")
            .agg(pl.struct(CLAIMED[table]).alias(table))
        )
        rows = rows.join(said, on="line", how="left", maintain_order="left")
    again = rows.filter(~pl.struct(list(parts)).is_first_distinct())
    return again.select(pl.lit(file, FILE).alias("file"), "line")


def _suspects(parts: dict[str, pl.DataFrame]) -> pl.Series:
    """Return the lines whose claims may all stand in another line too: few, or none, in a sound export."""
    doubled: list[pl.Series] = []
    single: list[pl.Series] = []
    # Ties, which have the fewest columns, first: where each stands in one line only, nothing else is looked at.
    for table, frame in sorted(parts.items(), key=lambda part: len(CLAIMED[part[0]])):
        if any(lines.equals(frame["line"]) for lines in single):
            continue
        told = repeats(frame, CLAIMED[table])
        doubled.append(frame["line"].filter(told))
        single.append(frame["line"].filter(~told))
    lines = pl.concat(doubled).unique()
    return lines.filter(~lines.is_in(pl.concat(single).implode()))


RULE = Rule(CODE, Stage.CLAIMED, check)
