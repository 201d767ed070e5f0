"""History in the store: the roster as it was on any ground of its district, whole or in parts.

Rule 1: a version counts on the grounds from `since_ground` on, up to the one before `until_ground`.
Rule 2: rows come in the order of their keys, by their characters' numbers as in Python: so both engines compare text
(`upgrading` refuses a database that does not).
Rule 3: what may be large is streamed: a part of it is in memory, never the whole table.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from rostergate.core.roster import TABLES
from rostergate.store import floors, states, turns
from rostergate.store.roster import collect
from rostergate.store.schema import key_order
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames, Table

ROWS_AT_ONCE: Final = 20_000
"""Rows that are in memory as Python values at a time."""


async def counts(tx: AsyncConnection, district: str, ground: int) -> dict[str, int]:
    """Return how many rows each canonical table had on a ground. Raises `Refused` as `floors.assert_kept` does."""
    await floors.assert_kept(tx, district, ground)
    found = {}
    for name, table in TABLES.items():
        query = sa.select(sa.func.count()).select_from(_valid(table, district, ground).subquery())
        found[name] = int(await tx.scalar(query) or 0)
    return found


async def load(tx: AsyncConnection, district: str, ground: int) -> Frames:
    """Return the roster as it was on a ground: every canonical table, its columns; the order is not defined.

    Raises `Refused` as `floors.assert_kept` does, and so do the others here.
    """
    await floors.assert_kept(tx, district, ground)
    return {
        name: await collect(tx, table, _valid(table, district, ground).subquery()) for name, table in TABLES.items()
    }


async def gone(tx: AsyncConnection, district: str, ground: int, *, before: int | None = None) -> Frames:
    """Return those rows of the roster as it was on a ground that are not in it as they were any more.

    With `before`, only those that had been in it, as they were, on that earlier ground already.
    """
    made_by = ground if before is None else before
    await floors.assert_kept(tx, district, made_by)
    return {
        name: await collect(tx, table, _ended_after(table, district, ground, 0, made_by).subquery())
        for name, table in TABLES.items()
    }


async def made(tx: AsyncConnection, district: str, after: int, ground: int) -> Frames:
    """Return those rows of the roster as it was on a ground that were not in it, or were others, on the one `after`."""
    await floors.assert_kept(tx, district, after)
    found = {}
    for name, table in TABLES.items():
        rows = _valid(table, district, ground, since=after + 1)
        found[name] = await collect(tx, table, rows.subquery())
    return found


async def rows(
    tx: AsyncConnection, district: str, table: Table, span: turns.Span | None = None
) -> AsyncIterator[pl.DataFrame]:
    """Give a table as a delivery left it, or as it is, in parts of `ROWS_AT_ONCE`, in the order of `key_order`.

    Each part has the columns of `columns`. All parts are of one state of the database when the transaction is.
    """
    if span is None:
        source: sa.FromClause = versions[table.name]
        chosen = [source.c.district == district, source.c.until_delivery.is_(None)]
    else:
        await floors.assert_kept(tx, district, span.after)
        source, chosen = _valid(table, district, span.after).subquery(), []
    joined, stands = states.joined(table, source, district, span.position if span else None)
    query = sa.select(*(source.c[column] for column in table.columns), *stands).select_from(joined).where(*chosen)
    ordered = query.order_by(*(source.c[column] for column in key_order(table)))
    result = await tx.stream(ordered, execution_options={"yield_per": ROWS_AT_ONCE})
    async for part in result.partitions(ROWS_AT_ONCE):
        yield await asyncio.to_thread(_frame, columns(table), part)


def columns(table: Table) -> tuple[str, ...]:
    """Return the columns of `rows`: the table's own, and where each row stands with the platform (`states.COLUMNS`)."""
    return (*table.columns, *states.COLUMNS.get(table.name, ()))


def _frame(columns: tuple[str, ...], part: Iterable[sa.Row[Any]]) -> pl.DataFrame:
    return pl.DataFrame([tuple(row) for row in part], schema=dict.fromkeys(columns, pl.String()), orient="row")


def _valid(table: Table, district: str, ground: int, since: int = 0) -> sa.CompoundSelect[tuple[str, ...]]:
    """Choose the rows that counted on a ground, and had been made on the one `since` or later.

    In two parts, for the indexes of current and of ended versions.
    """
    made = versions[table.name]
    current = sa.select(*(made.c[column] for column in table.columns)).where(
        made.c.district == district,
        made.c.until_delivery.is_(None),
        made.c.since_ground.between(since, ground),
    )
    return sa.union_all(current, _ended_after(table, district, ground, since, ground))


def _ended_after(table: Table, district: str, ground: int, since: int, until: int) -> sa.Select[tuple[str, ...]]:
    """Choose the rows that were made on the grounds from `since` to `until` and ended after `ground`."""
    made = versions[table.name]
    return sa.select(*(made.c[column] for column in table.columns)).where(
        made.c.district == district,
        made.c.until_ground > ground,
        made.c.since_ground.between(since, until),
    )
