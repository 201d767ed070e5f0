"""The roster in the store: what has been applied, version by version.

Rule 1: an update ends the current version and makes a new one; a removal ends it; a row that returns is a new version
of the same key. A row that stays as it is, is not written.
Rule 2: a person who is left without any tie is archived: the version ends, nothing is deleted.
Rule 3: every change moves the ground of the district, and of each school whose own rows changed, and is a turn of its
delivery in the line of turns.
Rule 4: whoever is new is linked to the account that the platform has, and classes of active teachers are live.
`apply` makes of the store what `core.diff.apply` makes of frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from rostergate.core.diff import merged_rows
from rostergate.core.plan import ACTION, Action
from rostergate.core.roster import PEOPLE, TABLES, schema
from rostergate.errors import NotFound
from rostergate.store import accounts, copying, many_values, turns
from rostergate.store.beside import begun, one_ahead
from rostergate.store.schema import WHOLE_DISTRICT, deliveries, grounds, key_order
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames, Table

_ROWS_PER_CALL: Final = 5_000
"""Rows that become Python values in one go: a few milliseconds, so that the event loop goes on."""
_ROWS_SORTED: Final = 1_000_000
"""Rows that are put in order together: it takes as much memory again, and those of a school stand together anyway."""


async def load(tx: AsyncConnection, district: str) -> Frames:
    """Return a district's current roster: every canonical table, its columns; the order of rows is not defined."""
    return {name: await _load(tx, district, table) for name, table in TABLES.items()}


async def counts(tx: AsyncConnection, district: str) -> dict[str, int]:
    """Return how many current rows each canonical table has."""
    found = {}
    for name, made in versions.items():
        found[name] = int(await tx.scalar(sa.select(sa.func.count()).where(*_current(made, district))) or 0)
    return found


async def schools(tx: AsyncConnection, district: str) -> frozenset[str]:
    """Return the ids of the schools that a district's roster has."""
    made = versions["schools"]
    return frozenset(await tx.scalars(sa.select(made.c.school_id).where(*_current(made, district))))


async def ground(tx: AsyncConnection, district: str, school_id: str = WHOLE_DISTRICT) -> int:
    """Return the number of times a district's roster, or one school's part of it, has changed."""
    query = sa.select(grounds.c.ground).where(grounds.c.district == district, grounds.c.school_id == school_id)
    return int(await tx.scalar(query) or 0)


async def moved(tx: AsyncConnection, district: str) -> tuple[int, datetime | None]:
    """Return a district's ground, and when it moved last; None before the first change."""
    query = sa.select(grounds.c.ground, grounds.c.moved_at).where(
        grounds.c.district == district, grounds.c.school_id == WHOLE_DISTRICT
    )
    found = (await tx.execute(query)).one_or_none()
    return (found.ground, found.moved_at) if found else (0, None)


async def grounds_of_schools(tx: AsyncConnection, district: str) -> dict[str, int]:
    """Return the ground of every school whose rows ever changed."""
    rows = await tx.execute(sa.select(grounds.c.school_id, grounds.c.ground).where(grounds.c.district == district))
    return {school_id: count for school_id, count in rows if school_id != WHOLE_DISTRICT}


async def apply(tx: AsyncConnection, district: str, changes: Iterable[Frames], delivery: str, at: datetime) -> int:
    """Write the changes of one delivery's plans into the roster; return how many versions were made or ended.

    `changes` holds one `Plan.changes` per school: the columns of each table and `action`. Raises `NotFound` when there
    is no such delivery in the district.
    """
    query = sa.select(deliveries.c.number).where(deliveries.c.id == delivery, deliveries.c.district == district)
    number = await tx.scalar(query)
    if number is None:
        raise NotFound(f"District {district} has no delivery {delivery}.")
    plans = list(changes)
    following = await ground(tx, district) + 1
    writer = _Writer(tx, district, number, following)
    touching = begun(_touched, plans)
    total, schools = 0, set[str]()
    async for table, rows in one_ahead(_in_order(plans)):
        changed = await writer.write(table, rows)
        total += changed
        if changed and "school_id" in rows.columns:
            schools.update(rows["school_id"].unique())
    for people in PEOPLE:
        total += await writer.archive(people, (await touching)[people.name])
    if total:
        await _move_ground(tx, district, [WHOLE_DISTRICT, *sorted(schools)], at)
        position = await turns.take(tx, delivery, district, ground=following, at=at, rows=writer.rows)
        await accounts.follow(tx, district, at, position)
    return total


def _in_order(plans: list[Frames]) -> Iterator[tuple[Table, pl.DataFrame]]:
    """Give each table with its rows in the order of the index that they are written to, which takes half the time.

    A large table comes in parts.
    """
    for table in TABLES.values():
        for rows in merged_rows(table, plans).iter_slices(_ROWS_SORTED):
            yield table, rows.sort(key_order(table))


def _touched(plans: list[Frames]) -> Frames:
    """Return, for each kind of people, the keys of those who may have lost their last tie."""
    touched = {}
    for people in PEOPLE:

        def told(name: str, columns: Sequence[str] = (*people.key, "action")) -> pl.DataFrame:
            nothing = pl.DataFrame(schema={**schema(TABLES[name]), "action": ACTION})
            return pl.concat([nothing, *(one[name] for one in plans if name in one)]).select(columns)

        ties = pl.concat(map(told, people.tied_by))
        lost = pl.col("action") == Action.REMOVED
        candidates = pl.concat([told(people.name, people.key), ties.filter(lost).select(people.key)])
        still = ties.filter(~lost).select(people.key)
        touched[people.name] = candidates.join(still, on=people.key, how="anti").unique().sort(people.key)
    return touched


class _Writer:
    """Writes rows of one district as one delivery, on the ground that follows, and counts them in `rows`.

    Statements go to the driver as text with plain tuples: all values are text or whole numbers, and there may be
    millions of them.
    """

    def __init__(self, tx: AsyncConnection, district: str, number: int, ground: int) -> None:
        self.rows: dict[str, turns.Rows] = {}
        self._tx = tx
        self._district = district
        self._number = number
        self._ground = ground
        self._dialect: _Dialect = type(tx.dialect)
        self._copies = tx.dialect.name == "postgresql"
        self._empty: dict[str, bool] = {}

    async def write(self, table: Table, rows: pl.DataFrame) -> int:
        """Add, update and, save for people, remove; return how many versions were made or ended."""
        action = pl.col("action")
        chosen = rows["action"].is_in([Action.ADDED, Action.UPDATED])
        wanted = rows if chosen.all() else rows.filter(chosen)  # a first load has no others: a copy saved
        kept = rows.filter(action == Action.KEPT).join(wanted, on=table.key, how="anti")
        ended = made = first = 0
        if table.values and wanted.height and await self._has_any(table):
            ended += await self._run(_end_different(table, self._dialect), wanted)
        if wanted.height or kept.height:
            first = await self._last_id(table) + 1
            made += await self._make_missing(table, wanted)
            made += await self._make_missing(table, kept)
        if not table.of_people:
            ended += await self._run(_end(table, self._dialect), rows.filter(action == Action.REMOVED))
        if made or ended:
            last = await self._last_id(table) if made else 0
            before = self.rows.get(table.name, turns.Rows())
            self.rows[table.name] = replace(
                before,
                first=before.first or (first if made else 0),
                last=last or before.last,
                made=before.made + made,
                ended=before.ended + ended,
            )
        return made + ended

    async def archive(self, people: Table, keys: pl.DataFrame) -> int:
        """End those of the people who have no tie; return how many."""
        ended = await self._run(_end_untied(people, self._dialect), keys)
        if ended:
            before = self.rows.get(people.name, turns.Rows())
            self.rows[people.name] = replace(before, ended=before.ended + ended)
        return ended

    async def _last_id(self, table: Table) -> int:
        return int(await self._tx.scalar(sa.select(sa.func.max(versions[table.name].c.id))) or 0)

    async def _has_any(self, table: Table) -> bool:
        made = versions[table.name]
        return await self._tx.scalar(sa.select(made.c.id).where(*_current(made, self._district)).limit(1)) is not None

    async def _make_missing(self, table: Table, rows: pl.DataFrame) -> int:
        """Make current versions; where the key has one already, nothing is written. Return how many were made."""
        if rows.height < copying.ROWS_MIN:
            return await self._run(_make(table, self._dialect), rows.select(table.columns))
        constants = {"district": self._district, "since_delivery": self._number, "since_ground": self._ground}
        insert = many_values.insert_missing
        if self._copies:
            if table.name not in self._empty:  # before the first part of its rows is written, and so for all of them
                self._empty[table.name] = not await self._has_any(table)
            insert = copying.insert_all if self._empty[table.name] else copying.insert_missing
        return await insert(self._tx, versions[table.name], rows.select(table.columns), constants)

    async def _run(self, statement: _Statement, rows: pl.DataFrame) -> int:
        """Run a statement once per row; return how many rows of the database it changed."""
        of_turn = {"district": self._district, "number": self._number, "ground": self._ground}
        if self._copies and rows.height >= copying.ROWS_MIN:
            constants = {_name(name): value for name, value in of_turn.items()}
            given = rows.rename(_name).select([name for name in statement.names if name not in constants])
            return await copying.run_for_each(self._tx, statement.of_one, given, constants)
        given = rows.with_columns(pl.lit(value).alias(name) for name, value in of_turn.items()).rename(_name)
        changed = 0
        for some in given.select(statement.names).iter_slices(_ROWS_PER_CALL):
            changed += (await self._tx.exec_driver_sql(statement.text, some.rows())).rowcount
        return changed


_Dialect: TypeAlias = Callable[..., sa.Dialect]  # a dialect's class


class _Statement(NamedTuple):
    """A statement as text whose parameters are given by position."""

    text: str
    names: list[str]
    """Of its parameters, in that order."""
    of_one: sa.UpdateBase
    """The same, not yet compiled."""


@cache
def _make(table: Table, dialect: _Dialect) -> _Statement:
    """Return the insert of a current version, which does nothing where the key has one."""
    # Both say ON CONFLICT DO NOTHING; SQLAlchemy has it only by dialect.
    of_dialect = postgresql if dialect().name == "postgresql" else sqlite
    of_turn = {"district": "district", "since_delivery": "number", "since_ground": "ground"}
    given = {column: _given(column) for column in table.columns}
    given |= {column: _given(name) for column, name in of_turn.items()}
    return _by_position(of_dialect.insert(versions[table.name]).values(given).on_conflict_do_nothing(), dialect)


@cache
def _end(table: Table, dialect: _Dialect) -> _Statement:
    """Return the update that ends the current version of a key."""
    return _by_position(_ending(table), dialect)


@cache
def _end_different(table: Table, dialect: _Dialect) -> _Statement:
    """Return the update that ends the current version of a key when it has other values than given."""
    made = versions[table.name]
    different = sa.or_(*(made.c[column].is_distinct_from(_given(column)) for column in table.values))
    return _by_position(_ending(table).where(different), dialect)


@cache
def _end_untied(people: Table, dialect: _Dialect) -> _Statement:
    """Return the update that ends the current version of a person who has no tie."""
    made = versions[people.name]
    ties = [versions[name] for name in people.tied_by]
    untied = (
        ~sa.exists().where(
            tie.c.district == made.c.district,
            *(tie.c[column] == made.c[column] for column in people.key),
            tie.c.until_delivery.is_(None),
        )
        for tie in ties
    )
    return _by_position(_ending(people).where(*untied), dialect)


def _ending(table: Table) -> sa.Update:
    made = versions[table.name]
    key = (made.c[column] == _given(column) for column in table.key)
    current = made.update().where(made.c.district == _given("district"), *key, made.c.until_delivery.is_(None))
    return current.values(until_delivery=_given("number"), until_ground=_given("ground"))


def _given(column: str) -> sa.BindParameter[Any]:
    return sa.bindparam(_name(column), type_=sa.Integer() if column in _NUMBERS else sa.String())


_NUMBERS: Final = frozenset({"number", "ground"})


def _name(column: str) -> str:
    return f"given_{column}"  # SQLAlchemy keeps the columns' own names for itself


def _current(made: sa.Table, district: str) -> tuple[sa.ColumnElement[bool], ...]:
    return made.c.district == district, made.c.until_delivery.is_(None)


def _by_position(statement: sa.UpdateBase, dialect: _Dialect) -> _Statement:
    by_place = dialect(paramstyle="qmark" if dialect().name == "sqlite" else "format")
    compiled = statement.compile(dialect=by_place)
    return _Statement(str(compiled), list(compiled.positiontup or ()), statement)


async def _load(tx: AsyncConnection, district: str, table: Table) -> pl.DataFrame:
    made = versions[table.name]
    chosen = sa.select(*(made.c[column] for column in table.columns)).where(*_current(made, district))
    return await collect(tx, table, chosen.subquery())


async def collect(tx: AsyncConnection, table: Table, rows: sa.FromClause) -> pl.DataFrame:
    """Read rows that have a table's columns: the database puts each column into one JSON array, polars takes it apart.

    No cell becomes a Python value on the way, which takes a quarter of the time (measured on 500,000 rows).
    """
    collected = sa.func.json_agg if tx.dialect.name == "postgresql" else sa.func.json_group_array
    # As text: PostgreSQL's driver would make Python values of JSON.
    columns = [sa.cast(collected(rows.c[column]), sa.Text) for column in table.columns]
    found = (await tx.execute(sa.select(*columns))).one()
    return await asyncio.to_thread(_decoded, table, tuple(found))


def _decoded(table: Table, columns: Sequence[str]) -> pl.DataFrame:
    if not columns[0] or columns[0] == "[]":
        return pl.DataFrame(schema=schema(table))
    arrays = (pl.Series([column]).str.json_decode(pl.List(pl.String)) for column in columns)
    return pl.DataFrame(
        [array.explode().alias(name).rechunk() for name, array in zip(table.columns, arrays, strict=True)]
    )


async def _move_ground(tx: AsyncConnection, district: str, school_ids: Sequence[str], at: datetime) -> None:
    query = sa.select(grounds.c.school_id).where(grounds.c.district == district)
    known = set(await tx.scalars(query))
    if missing := [one for one in school_ids if one not in known]:
        new = [{"district": district, "school_id": one, "ground": 0, "moved_at": at} for one in missing]
        await tx.execute(grounds.insert(), new)
    moved = (
        grounds.update()
        .where(grounds.c.district == district, grounds.c.school_id == sa.bindparam("school"))
        .values(ground=grounds.c.ground + 1, moved_at=at)
    )
    await tx.execute(moved, [{"school": one} for one in school_ids])
