"""The feed: every change of the roster as a line that a platform can follow, stop at, and resume after.

Rule 1: the lines come turn by turn, in the order in which turns were committed; see `store.turns`.
Rule 2: within a turn, what is added, updated or stands otherwise comes first, what is referred to before what refers to
it; then what is removed, the other way round. So no line leaves a tie to nothing. Within a table rows come in the order
of their keys.
Rule 3: a line's cursor is the turn's position and the line's number in it. Versions never change, so the same cursor
always means the same line. Only when a person is erased do turns lose lines: their other lines get new, higher numbers,
so whoever stopped among them is told the turn from its beginning.
Rule 4: a cursor that this database cannot have given is refused: it was restored from a backup since, and going on
would leave changes out in silence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core.plan import Action
from rostergate.core.roster import TABLES
from rostergate.errors import Refused
from rostergate.store import floors, states, turns
from rostergate.store.history import ROWS_AT_ONCE
from rostergate.store.schema import key_order
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncResult

    from rostergate.core.roster import Table
    from rostergate.store.turns import Rows, Turn

ERASED: Final = "erased"
"""The action of the line that tells of an erased person."""

STANDS: Final = "stands"
"""The action of a line about a row that stays as it is, but stands otherwise with the platform."""

_CURSOR = re.compile(r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the feed: after the so-many-th line of a turn."""

    position: int = 0
    line: int = 0

    def __str__(self) -> str:
        return f"{self.position}.{self.line}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Return the cursor that a line had. Raises `Refused`."""
        found = _CURSOR.fullmatch(text.strip())
        if not found:
            raise Refused(f"{text!r} is no cursor; give back the `cursor` of the last line that was taken, as it was.")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Change:
    """One row that a turn changed."""

    table: Table
    key: tuple[str, ...]
    """In the order of `key_order`."""
    before: tuple[str | None, ...] | None
    """Its values before; None when it was not in the roster."""
    after: tuple[str | None, ...] | None
    """Its values after; None when it is not in the roster any more, and where only `stands` has changed."""
    stands: tuple[str | None, ...] | None
    """Where it stands after the turn, as in `states.COLUMNS`; None when it is not in the roster any more."""

    @property
    def action(self) -> str:
        """What happened to the row."""
        if self.before is None:
            return STANDS if self.after is None else Action.ADDED.value
        return Action.REMOVED.value if self.after is None else Action.UPDATED.value


async def end(tx: AsyncConnection, delivery: str | None = None) -> Cursor:
    """Return the cursor after everything that the roster has now, or as of a delivery.

    What the feed tells after it makes the roster as it is from one that was read in this transaction, or as of that
    delivery. Raises as `turns.of` does.
    """
    turn = (await turns.of(tx, delivery))[-1] if delivery else await turns.at(tx, await turns.last(tx))
    return Cursor(turn.position, turn.lines_max) if turn else Cursor()


async def assert_given(tx: AsyncConnection, cursor: Cursor, district: str | None = None) -> None:
    """Raise `Refused` when no line of this database's feed can have had the cursor, or what followed it is purged."""
    await floors.assert_followed(tx, cursor.position, cursor.line, district)
    turn = await turns.at(tx, cursor.position)
    if cursor.line > (turn.lines_max if turn else 0) or (cursor.position and not turn):
        raise Refused(
            f"The feed of this database has no line {cursor}: it has been restored from a backup, or the cursor comes "
            "from elsewhere. Export the roster with `rostergate roster`, and follow the feed from there."
        )


async def lines(tx: AsyncConnection, turn: Turn, after: Cursor | None = None) -> AsyncIterator[dict[str, Any]]:
    """Give the lines of a turn that come after a cursor, as the published shape; see `rostergate changes`.

    Raises `Refused` where they have been purged, perhaps since the reader began.
    """
    taken = after.line if after and after.position == turn.position else 0
    await floors.assert_followed(tx, turn.position, taken, turn.district)
    line = turn.first_line
    if turn.erased:
        line += 1
        if after is None or Cursor(turn.position, line) > after:
            yield _erased(turn, Cursor(turn.position, line), turn.erased)
    async for change in _changes(tx, turn):
        line += 1
        cursor = Cursor(turn.position, line)
        if after is None or cursor > after:
            yield _shape(turn, cursor, change)


def _erased(turn: Turn, cursor: Cursor, told: Mapping[str, str]) -> dict[str, Any]:
    """Return the line that says who was erased: no key, which would be kept by that, but a digest of it."""
    return {
        "cursor": str(cursor),
        "district": turn.district,
        "delivery": turn.delivery,
        "at": turn.at.isoformat(),
        "school": None,
        "table": told["table"],
        "action": ERASED,
        "key": None,
        "before": None,
        "after": None,
        "stands": None,
        "person": {"salt": told["salt"], "sha256": told["sha256"]},
    }


def _shape(turn: Turn, cursor: Cursor, change: Change) -> dict[str, Any]:
    key = dict(zip(key_order(change.table), change.key, strict=True))
    return {
        "cursor": str(cursor),
        "district": turn.district,
        "delivery": turn.delivery,
        "at": turn.at.isoformat(),
        "school": key.get("school_id"),
        "table": change.table.name,
        "action": change.action,
        "key": {column: key[column] for column in change.table.key},
        "before": _values(change.table, change.before),
        "after": _values(change.table, change.after),
        "stands": _stands(change),
    }


def _values(table: Table, values: tuple[str | None, ...] | None) -> dict[str, str | None] | None:
    return None if values is None else dict(zip(table.values, values, strict=True))


def _stands(change: Change) -> dict[str, str | None] | None:
    columns = states.COLUMNS.get(change.table.name)
    return None if columns is None or change.stands is None else dict(zip(columns, change.stands, strict=True))


async def _changes(tx: AsyncConnection, turn: Turn) -> AsyncIterator[Change]:
    for name, table in TABLES.items():
        rows = turn.rows.get(name)
        if rows and (rows.made or rows.stood):
            async for change in _paired(tx, turn, table, rows):
                if change.action != Action.REMOVED.value:
                    yield change
    for name, table in reversed(TABLES.items()):
        rows = turn.rows.get(name)
        if rows and rows.ended:
            async for change in _paired(tx, turn, table, rows):
                if change.action == Action.REMOVED.value:
                    yield change


async def _paired(tx: AsyncConnection, turn: Turn, table: Table, rows: Rows) -> AsyncIterator[Change]:
    """Give what a turn did to a table, in the order of the keys.

    The versions it ended stand beside those it made, and beside what it tells to stand otherwise.
    """
    streams = (
        _Rows(tx, _ended(turn, table) if rows.ended else None),
        _Rows(tx, _made(turn, table, rows) if rows.made else None),
        _Rows(tx, _stood(turn, table) if rows.stood else None),
    )
    length, width = len(table.key), len(table.columns)
    heads = [await one.following() for one in streams]
    while any(heads):
        key = min(row[:length] for row in heads if row)
        before = after = stands = None
        for place, row in enumerate(heads):
            if row and row[:length] == key:
                if place == 0:
                    before = row[length:]
                elif place == 1:
                    after, stands = row[length:width], row[width:]
                else:
                    stands = row[length:]
                heads[place] = await streams[place].following()
        yield Change(table, key, before, after, stands)


def _made(turn: Turn, table: Table, rows: Rows) -> sa.Select[Any]:
    made = versions[table.name]
    joined, stands = states.joined(table, made, turn.district, turn.position)
    return (
        _chosen(table, *stands)
        .select_from(joined)
        .where(
            made.c.id.between(rows.first, rows.last),
            made.c.district == turn.district,
            made.c.since_ground == turn.ground,
            sa.or_(made.c.until_ground.is_(None), made.c.until_ground != turn.ground),
        )
    )


def _ended(turn: Turn, table: Table) -> sa.Select[Any]:
    made = versions[table.name]
    return _chosen(table).where(
        made.c.district == turn.district,
        made.c.until_ground == turn.ground,
        made.c.since_ground != turn.ground,
    )


def _stood(turn: Turn, table: Table) -> sa.Select[Any]:
    told = states.told_at(table, turn.district, turn.position).subquery()
    key = [told.c[column] for column in key_order(table)]
    return sa.select(*key, *(told.c[column] for column in states.COLUMNS[table.name])).order_by(*key)


def _chosen(table: Table, *more: sa.ColumnElement[str]) -> sa.Select[Any]:
    made = versions[table.name]
    key = [made.c[column] for column in key_order(table)]
    return sa.select(*key, *(made.c[column] for column in table.values), *more).order_by(*key)


class _Rows:
    """The rows of a query, one by one; a bounded number of them is in memory."""

    def __init__(self, tx: AsyncConnection, query: sa.Select[Any] | None) -> None:
        self._tx = tx
        self._query = query
        self._found: AsyncResult[Any] | None = None
        self._part: list[tuple[Any, ...]] = []

    async def following(self) -> tuple[Any, ...] | None:
        """Return the next row; None after the last."""
        if not self._part and self._query is not None:
            if self._found is None:
                self._found = await self._tx.stream(self._query, execution_options={"yield_per": ROWS_AT_ONCE})
            self._part = [tuple(row) for row in await self._found.fetchmany(ROWS_AT_ONCE)]
            self._part.reverse()
            if not self._part:
                self._query = None
        return self._part.pop() if self._part else None
