"""Plans: the changes of one school in one delivery, and how they are kept.

A plan is self-contained. Besides what it adds, updates and removes it carries, as `kept`, the rows of people whom its
new ties need although they are not new, so that it can be applied whatever became of them since.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from rostergate.core.roster import TABLES, Frames
from rostergate.core.rows import in_parts
from rostergate.core.school_status import Status, status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rostergate.core.plan_state import State


class Action(StrEnum):
    """What happens to a row."""

    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"  # for people: archived, if no tie is left
    KEPT = "kept"  # people only: unchanged, needed by an added tie; made again if archived meanwhile


ACTION: Final = pl.Enum([action.value for action in Action])
"""The type of a column `action`: one byte for each row, of which there may be millions."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of one table that a plan changes."""

    added: int = 0
    updated: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a plan waits for a person."""

    code: str
    message: str
    """What was seen, in numbers, with the limit and the likely cause; no cell value."""
    numbers: dict[str, str | int | float]
    """The numbers behind the message: for example table, removed, of, percent, percent_max."""
    rows: pl.DataFrame | None = field(default=None, repr=False, compare=False)
    """Exactly the rows concerned, with the columns of `core.concerned.COLUMNS`: ids, no other value. None where they
    are not at hand: the store keeps them apart."""
    instead_of: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    """Codes of holds that this one explains, so that they are not told beside it. The store does not keep them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes of one school."""

    school_id: str
    name: str
    """The school's name as the delivery gives it, or as the roster has it when the school vanished."""
    state: State
    changes: dict[str, pl.DataFrame] = field(repr=False)
    """By canonical table: its columns and `action` (`ACTION`); removed rows have the values
    that the roster has. Only tables with rows."""
    counts: dict[str, Counts]
    """Every canonical table; `kept` rows are not counted."""
    holds: tuple[Hold, ...] = ()
    platform_school: str | None = None
    """The platform's school that it was matched to; None where the platform gave none and the school is made."""
    hash: str = ""
    """sha256 (hex) of school and changes: what a release names."""
    left_out: int = 0
    """Rows of the school that are in the files but could not be used."""

    @property
    def status(self) -> Status:
        """Where the school stands once the plan is what `state` says."""
        schools = self.counts["schools"]
        return status(self.state, in_files=not schools.removed, new=bool(schools.added), left_out=self.left_out)

    def as_json(self) -> dict[str, Any]:
        """Return the published shape of a school in a verdict."""
        return {
            "school_id": self.school_id,
            "name": self.name,
            "state": self.state.value,
            "status": self.status.value,
            "rows_left_out": self.left_out,
            "changes": {table: asdict(counts) for table, counts in self.counts.items()},
            "holds": [{"code": hold.code, "message": hold.message, **hold.numbers} for hold in self.holds],
        }


def counted(changes: Frames) -> dict[str, Counts]:
    """Count what a plan's changes do, for every canonical table; `kept` rows are not counted."""
    of_one = {name: rows.with_columns(place=pl.lit("")) for name, rows in changes.items()}
    return counted_by_school([""], of_one)[""]


def counted_by_school(
    school_ids: Iterable[str], changes: Frames, *, rows_at_once: int = 1_000_000
) -> dict[str, dict[str, Counts]]:
    """Count what the plan of each school does; `changes` are those of all schools, as `digests` takes them.

    About `rows_at_once` rows are counted at a time: it takes several times as much memory as they do.
    """
    found: dict[str, dict[str, dict[str, int]]] = {one: {} for one in school_ids}
    for name, rows in changes.items():
        for some in in_parts(rows, "place", rows_at_once):
            for school_id, action, count in some.group_by("place", "action").len().iter_rows():
                if action != Action.KEPT:
                    found[school_id].setdefault(name, {})[action] = count
    return {one: {name: Counts(**tables.get(name, {})) for name in TABLES} for one, tables in found.items()}


def pack(changes: Frames) -> bytes:
    """Put tables into bytes: for each its name and its `packed_rows`, as netstrings."""
    target = BytesIO()
    for name, frame in changes.items():
        rows = packed_rows(frame)
        target.write(f"{_netstring(name)}{len(rows)}:".encode())
        target.write(rows)
    return target.getvalue()


def unpack(data: bytes) -> Frames:
    """Return what `pack` was given, tables in canonical order, columns as they were."""
    packed: dict[str, bytes] = {}
    start = 0
    while start < len(data):
        name, start = _string_at(data, start)
        packed[name.decode()], start = _string_at(data, start)
    return {name: unpacked_rows(packed[name]) for name in TABLES if name in packed}


def packed_rows(frame: pl.DataFrame) -> bytes:
    """Put one table into bytes: an Arrow IPC file, compressed with lz4.

    Not an IPC stream: polars 2.1 writes one without letting go of Python's lock, and when another thread works with
    polars meanwhile, both wait for each other for ever.
    """
    rows = BytesIO()
    frame.write_ipc(rows, compression="lz4")
    return rows.getvalue()


def unpacked_rows(data: bytes) -> pl.DataFrame:
    """Return the table that `packed_rows` was given; where actions were packed as text, they are made `ACTION`."""
    rows = pl.read_ipc(BytesIO(data))
    return rows.cast({"action": ACTION}) if "action" in rows.columns else rows


def _string_at(data: bytes, start: int) -> tuple[bytes, int]:
    """Return the netstring that begins at `start`, and where the next one does."""
    length = data.index(b":", start)
    begin, end = length + 1, length + 1 + int(data[start:length])
    return data[begin:end], end


def digest(school_id: str, changes: Frames) -> str:
    """Return the sha256 (hex) of a school's changes: the same whatever the order of rows and columns.

    What is hashed is text in which no two different plans can look alike: cells in canonical order with NUL between
    them, which no cell has, and nothing for absent ones, for no cell is empty; each row with its action; rows sorted as
    text; tables in canonical order with their number of rows.
    """
    placed = {name: rows.with_columns(place=pl.lit(school_id)) for name, rows in changes.items()}
    return digests([school_id], placed)[school_id]


def digests(school_ids: Iterable[str], changes: Frames, *, rows_at_once: int = 500_000) -> dict[str, str]:
    """Return the digest of each school; `changes` are those of all schools, whose `place` says which school's they are.

    Made of whole tables, because there may be thousands of schools; of about `rows_at_once` rows at a time, because
    each of them becomes a hundred bytes of text.
    """
    texts = {one: hashlib.sha256(_netstring(one).encode()) for one in school_ids}
    for name in (one for one in TABLES if one in changes):
        rows = changes[name]
        if rows.select(pl.any_horizontal((pl.col(pl.String) == "").any())).item():
            raise AssertionError(f"{name}: a value that is absent is null, never empty")
        for some in in_parts(rows, "place", rows_at_once):
            lines = some.select("place", _LINE[name]).group_by("place")
            whole = lines.agg(pl.len().alias("rows"), pl.col("line").sort().str.join("\0"))
            for school_id, count, text in whole.iter_rows():
                texts[school_id].update(f"{_netstring(name)}{count};{text}".encode())
    return {one: text.hexdigest() for one, text in texts.items()}


def _netstring(value: str) -> str:
    return f"{len(value.encode())}:{value}"


_LINE = {
    name: pl.concat_str(pl.col(*table.columns, "action").fill_null(""), separator="\0").alias("line")
    for name, table in TABLES.items()
}
"""Table -> a row of its changes as one text, for the digest."""
