"""Problems: faults found in claims, row by row, before they are grouped into findings.

What a problem does to its rows is data, so that whoever finds it never changes a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from rostergate.core.findings import Code


class Effect(StrEnum):
    """What a problem does to the rows concerned."""

    LEAVE_OUT = "leave-out"  # the row makes nothing: no claim of that file and line is used
    BLANK = "blank"  # the row is used without that cell
    NOTE = "note"  # the row is used as it is


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows of one claimed table with one fault."""

    code: Code
    table: str
    column: str | None
    """The canonical column at fault; findings show the file's own name for it."""
    rows: pl.DataFrame
    """`file` (`claims.FILE`) and `line` (`pl.UInt32`) of each row concerned; may be empty.
    Also `cell`, as `cells.marked` has it, where one row of the file may have several cells of the column."""
    effect: Effect = Effect.NOTE
    message: str | None = None
    """What is said in place of the code's title."""
    next_step: str | None = None
    """What is to be done in place of the code's next step."""
