"""Many rows at once: every text is kept, and one statement does what one per row would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from rostergate.store import copying, many_values
from rostergate.store.schema import roster

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

TEXTS = ["", None, " ", 'say "x"', "back\\slash", "\\.", "\\N", "a\nb\r\tc", ",", "\x01\x7f", "é😀\ufeff\u2028", "null"]
THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("key", sa.String),
    sa.Column("value", sa.String),
    sa.Column("number", sa.Integer),
    sa.UniqueConstraint("key"),
)
GIVEN = pl.DataFrame({"key": [str(place) for place in range(len(TEXTS))], "value": TEXTS})


@pytest.fixture
async def things(tx: AsyncConnection) -> AsyncConnection:
    """Give a transaction with an empty table."""
    await tx.execute(sa.schema.CreateTable(THINGS))
    return tx


async def _all(tx: AsyncConnection) -> list[tuple[object, ...]]:
    rows = await tx.execute(sa.select(THINGS).order_by(sa.cast(THINGS.c.key, sa.Integer)))
    return [tuple(row) for row in rows]


async def _insert_missing(tx: AsyncConnection, rows: pl.DataFrame, number: int) -> int:
    of_engine = copying if tx.dialect.name == "postgresql" else many_values
    return await of_engine.insert_missing(tx, THINGS, rows, {"number": number})


async def test_every_text_arrives_as_it_was(things: AsyncConnection) -> None:
    """Quotes, line ends, COPY's own signs, an empty text and no text are kept apart; each row has the constants."""
    assert await _insert_missing(things, GIVEN, 7) == len(TEXTS)
    assert await _all(things) == [(str(place), value, 7) for place, value in enumerate(TEXTS)]


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
@pytest.mark.parametrize("numbers", [1, 5, 1_000])
async def test_rows_of_which_none_is_there(tx: AsyncConnection, numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go straight into the table, numbered in their order; a key that is there nevertheless is not passed over."""
    monkeypatch.setattr(copying, "NUMBERS", numbers)
    things = THINGS.to_metadata(sa.MetaData())
    things.append_column(sa.Column("id", sa.BigInteger, sa.Identity(increment=numbers), primary_key=True))
    await tx.execute(sa.schema.CreateTable(things))
    assert await copying.insert_all(tx, things, GIVEN, {"number": 7}) == len(TEXTS)
    rows = await tx.execute(sa.select(things.c["key", "value", "number"]).order_by(things.c.id))
    assert [tuple(row) for row in rows] == [(str(place), value, 7) for place, value in enumerate(TEXTS)]
    await tx.execute(things.insert().values(key="with the next number"))
    with pytest.raises(psycopg.errors.UniqueViolation, match="things"):
        await copying.insert_all(tx, things, GIVEN[:1], {"number": 8})


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
async def test_versions_are_numbered_by_the_block(tx: AsyncConnection) -> None:
    """As many numbers as rows are given after one are nobody else's, in every table of the roster."""
    steps = {}
    for name in roster:
        sequence = await tx.scalar(sa.select(sa.func.pg_get_serial_sequence(name, "id")))
        query = sa.text("SELECT seqincrement FROM pg_sequence WHERE seqrelid = CAST(:sequence AS regclass)")
        steps[name] = await tx.scalar(query, {"sequence": sequence})
    assert steps == dict.fromkeys(roster, copying.NUMBERS)


async def test_a_key_that_is_there_is_left_alone(things: AsyncConnection) -> None:
    """Rows whose key exists are not written, and not counted."""
    await _insert_missing(things, GIVEN[:3], 1)
    assert await _insert_missing(things, GIVEN, 2) == len(TEXTS) - 3
    assert [row[2] for row in await _all(things)] == [1] * 3 + [2] * (len(TEXTS) - 3)


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
async def test_an_update_is_run_for_each_row(things: AsyncConnection) -> None:
    """Parameters that the rows have become their columns, also inside conditions; the others are constants."""
    await _insert_missing(things, GIVEN, 1)
    key, value, number = (sa.bindparam(name) for name in ("given_key", "given_value", "given_number"))
    update = THINGS.update().where(THINGS.c.key == key, THINGS.c.value.is_distinct_from(value)).values(number=number)
    given = GIVEN.with_columns(value=pl.when(pl.col("key") < "1").then(pl.lit("new")).otherwise("value"))
    rows = given.rename(lambda name: f"given_{name}")
    assert await copying.run_for_each(things, update, rows, {"given_number": 2}) == 1
    assert [row[2] for row in await _all(things)] == [2] + [1] * (len(TEXTS) - 1)


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("rows", "known"), [(40_000, True), (10, False)], ids=["large", "small"])
async def test_the_planner_knows_what_was_filled_a_moment_ago(
    things: AsyncConnection,
    rows: int,
    known: bool,  # noqa: FBT001
) -> None:
    """Before many rows are looked up in a large table that the server has not looked at yet, it does so."""
    many = pl.DataFrame({"key": [str(place) for place in range(rows)], "value": ["x"] * rows})
    await _insert_missing(things, many, 1)
    update = THINGS.update().where(THINGS.c.key == sa.bindparam("given_key")).values(number=2)
    given = pl.DataFrame({"given_key": ["3", "none"]})
    assert await copying.run_for_each(things, update, given, {}) == 1
    tuples = await things.scalar(sa.text("SELECT reltuples FROM pg_class WHERE relname = 'things'"))
    assert (tuples == rows) is known


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 20_050])
async def test_any_number_of_rows(things: AsyncConnection, rows: int) -> None:
    """As many as there are, in full statements and the last one."""
    many = pl.DataFrame({"key": [str(place) for place in range(rows)]}, schema={"key": pl.String})
    assert await _insert_missing(things, many, 1) == rows
    assert await _insert_missing(things, many, 2) == 0
    assert [row[0] for row in await _all(things)] == many["key"].to_list()


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
async def test_nothing_is_left_of_the_rows(things: AsyncConnection) -> None:
    """The table that the rows are copied to is gone after each statement."""
    await _insert_missing(things, GIVEN, 1)
    with pytest.raises(sa.exc.DBAPIError, match="given"):
        await things.execute(sa.text("SELECT * FROM given"))
