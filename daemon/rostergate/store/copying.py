"""Copying: many rows at once on PostgreSQL, into a table of the transaction's own, then one statement for all of them.

A statement for one row stays what it is; here its parameters that `rows` has as columns become columns of that table.
The rows go by COPY, as CSV from polars: no cell becomes a Python value on the way. SQLite has `many_values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql import visitors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

NUMBERS: Final = 1_000_000
"""What the sequences of versioned tables count up by (migration 0012): who is given one has as many to number rows
with. To be given each row's took the server a tenth of its time."""
ROWS_MIN: Final = 500
"""Rows from which on a table of their own pays."""
_ROWS_AT_ONCE: Final = 20_000
"""Rows that become CSV in one go: a few milliseconds, so that the event loop goes on."""
_UNKNOWN_BYTES_MIN: Final = 1_000_000
"""Size from which on a table's plan matters."""


async def insert_all(tx: AsyncConnection, made: sa.Table, rows: pl.DataFrame, constants: Mapping[str, Any]) -> int:
    """Insert rows, each with the next `id` and the constants, straight into a versioned table; return how many.

    A row that breaks a unique index raises, and the transaction with it: for a table that has none of their keys.
    """
    sequence = sa.func.pg_get_serial_sequence(made.name, "id")
    same = [pl.lit(value).alias(name) for name, value in constants.items()]
    for some in rows.iter_slices(NUMBERS):
        (first,) = (await tx.execute(sa.select(sa.func.nextval(sequence)))).one()
        numbers = pl.int_range(first, first + some.height, dtype=pl.Int64, eager=True)
        await _copy(tx, made.name, some.with_columns(numbers.alias("id"), *same))
    return rows.height


async def insert_missing(tx: AsyncConnection, made: sa.Table, rows: pl.DataFrame, constants: Mapping[str, Any]) -> int:
    """Insert rows, each with the constants; those that break a unique index are left out. Return how many were made."""
    given = await _given(tx, rows)
    values = [sa.bindparam(None, value, type_=made.c[name].type) for name, value in constants.items()]
    chosen = sa.select(*(given.c[name] for name in rows.columns), *values)
    insert = postgresql.insert(made).from_select([*rows.columns, *constants], chosen)
    return await _run_and_drop(tx, insert.on_conflict_do_nothing(), given)


async def run_for_each(
    tx: AsyncConnection, statement: sa.UpdateBase, rows: pl.DataFrame, constants: Mapping[str, Any]
) -> int:
    """Run an update as if once per row, its parameters named like the columns; return how many rows it changed.

    The parameters that `rows` does not have are `constants`.
    """
    await assure_statistics(tx, {one.name for one in visitors.iterate(statement) if isinstance(one, sa.Table)})
    given = await _given(tx, rows)

    def column(element: Any, **_: object) -> Any:  # noqa: ANN401 - as SQLAlchemy has it
        return given.c[element.key] if isinstance(element, sa.BindParameter) and element.key in given.c else None

    joined: Any = visitors.replacement_traverse(statement, {}, column)
    return await _run_and_drop(tx, joined, given, constants)


async def assure_statistics(tx: AsyncConnection, names: Collection[str]) -> None:
    """Let the planner know tables that were filled a moment ago, before the server has looked at them by itself.

    It would take each for a handful of rows, and read all of one for each row of another (measured: 7.6 of 8.9 seconds
    of a district's second day). Nobody is waited for: who has a table locked for this looks at it already. SQLite's
    planner goes by its indexes alone.
    """
    if tx.dialect.name != "postgresql":
        return
    size = sa.text(
        "SELECT relname FROM pg_class WHERE oid = ANY(CAST(:names AS regclass[])) AND reltuples <= 0 "
        "AND pg_relation_size(oid) >= :bytes"
    )
    unknown = await tx.scalars(size, {"names": sorted(names), "bytes": _UNKNOWN_BYTES_MIN})
    for name in unknown.all():
        await tx.exec_driver_sql(f'ANALYZE (SKIP_LOCKED) "{name}"')


async def _run_and_drop(
    tx: AsyncConnection, statement: sa.UpdateBase, given: sa.Table, constants: Mapping[str, Any] | None = None
) -> int:
    # SQLAlchemy leaves the count of an insert's rows out otherwise.
    changed = await tx.execute(statement, constants or {}, execution_options={"preserve_rowcount": True})
    await tx.execute(sa.schema.DropTable(given))
    return changed.rowcount


async def _given(tx: AsyncConnection, rows: pl.DataFrame) -> sa.Table:
    """Return a table of this transaction's own with these rows, all of them text."""
    columns = (sa.Column(name, sa.String) for name in rows.columns)
    given = sa.Table("given", sa.MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")
    await tx.execute(sa.schema.CreateTable(given))
    await _copy(tx, given.name, rows)
    await tx.exec_driver_sql("ANALYZE given")
    return given


async def _copy(tx: AsyncConnection, table: str, rows: pl.DataFrame) -> None:
    import psycopg  # noqa: PLC0415 - its driver would slow down every command on SQLite

    connection: Any = (await tx.get_raw_connection()).driver_connection
    columns = ", ".join(f'"{name}"' for name in rows.columns)
    try:
        async with (
            connection.cursor() as cursor,
            cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN (FORMAT csv)') as copy,
        ):
            for some in rows.iter_slices(_ROWS_AT_ONCE):
                # Every text is quoted, and no text (NULL) is not: so COPY tells "" from NULL, and a \. ends nothing.
                await copy.write(some.write_csv(include_header=False, quote_style="non_numeric").encode())
    except psycopg.OperationalError as error:
        raise OperationalError("COPY", None, error) from error
