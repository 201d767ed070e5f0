"""Concerned: the rows that a hold is about, in one shape for every table, named by ids alone.

Rule 1: exactly the rows that were counted, so that who decides can look at each of them.
Rule 2: ids and actions, no other value of a person.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS: Final = ("table", "action", "teacher_id", "student_id", "guardian_id", "class_id", "other_id")
"""The columns of the rows of a hold; ids that a table does not have are null.

`action` is a value of `core.plan.Action`; a `kept` row is there and stays. `other_id` is the id under which the same
person seems to go on, or to have been known before.
"""

NOTHING: Final = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String()))


def rows(table: str, changes: pl.DataFrame) -> pl.DataFrame:
    """Return rows of one canonical table, with `action` and perhaps `other_id`, in the shape of `COLUMNS`."""
    ids = set(TABLES[table].key) & set(COLUMNS)
    cells = {"table": pl.lit(table), "action": pl.col("action").cast(pl.String), **{one: pl.col(one) for one in ids}}
    if "other_id" in changes.columns:
        cells["other_id"] = pl.col("other_id")
    return changes.select(cells.get(name, pl.lit(None, pl.String)).alias(name) for name in COLUMNS)


def together(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of several tables as one frame."""
    return pl.concat([NOTHING, *parts])


def pack(frame: pl.DataFrame) -> bytes:
    """Put the rows of a hold into one Arrow IPC file, compressed with zstd."""
    target = BytesIO()
    frame.select(COLUMNS).write_ipc(target, compression="zstd")
    return target.getvalue()


def unpack(data: bytes) -> pl.DataFrame:
    """Return what `pack` was given."""
    return pl.read_ipc(BytesIO(data))
