"""From every released schema to the newest, on both engines, with rows in every table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from rostergate import store
from rostergate.errors import StoreError
from rostergate.store.engine import open_blocking, to_write
from rostergate.store.schema import metadata
from rostergate.store.upgrading import MIGRATIONS, revision_found, revision_known, revisions
from servers import ENGINES
from store.making import AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import PostgreSQL

VALUES: dict[type[sa.types.TypeEngine[Any]], Any] = {
    sa.Integer: 1,
    sa.DateTime: AT,
    sa.Date: date(2026, 9, 1),
    sa.JSON: {},
    sa.LargeBinary: b"packed",
    sa.Boolean: False,
    sa.Float: 0.5,
}


@pytest.fixture(params=ENGINES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[store.Location]:
    """Give the location of a database that was never set up, on one engine and on the other."""
    if request.param == "sqlite":
        yield tmp_path / "rostergate.db"
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        with server.empty() as name:
            yield server.server(name)


@contextmanager
def _writing(location: store.Location) -> Iterator[sa.Connection]:
    with open_blocking(location).connect() as connection, to_write(connection).begin():
        yield connection


def _fill(connection: sa.Connection) -> dict[str, list[dict[str, Any]]]:
    """Write a row into every table that has none; return all rows of every table."""
    tables = sa.MetaData()
    tables.reflect(connection)
    made: dict[str, list[dict[str, Any]]] = {}
    for table in tables.sorted_tables:
        rows = _rows(connection, table)
        if not rows:
            connection.execute(table.insert().values({one.name: _value(one, connection, made) for one in table.c}))
            rows = _rows(connection, table)
        made[table.name] = rows
    return made


def _value(column: sa.Column[Any], connection: sa.Connection, made: dict[str, list[dict[str, Any]]]) -> Any:
    for key in column.foreign_keys:
        return made[key.column.table.name][0][key.column.name]
    value = next((value for kind, value in VALUES.items() if isinstance(column.type, kind)), f"a {column.name}")
    return value.replace(tzinfo=None) if value is AT and connection.dialect.name == "sqlite" else value


def _rows(connection: sa.Connection, table: sa.Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


@pytest.mark.parametrize("revision", sorted(revisions()))
def test_every_released_schema_becomes_the_newest_with_its_rows(fresh: store.Location, revision: str) -> None:
    """What stood in the tables stands there afterwards, column by column, and the schema is the declared one."""
    store.upgrade(fresh, revision)
    with _writing(fresh) as connection:
        before = _fill(connection)
    assert before["alembic_version"] == [{"version_num": revision}]
    store.upgrade(fresh)
    with _writing(fresh) as connection:
        assert revision_found(connection) == revision_known()
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        after = _fill(connection)
    for table in before.keys() - {"alembic_version"}:
        for old, new in zip(before[table], after[table], strict=True):
            assert {name: new[name] for name in old} == old, table


def test_the_files_names_are_alembic_s_revisions() -> None:
    """What is known by the names alone is what alembic reads in the files, and the newest is its head."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert {script.revision for script in scripts.walk_revisions()} == revisions()
    assert scripts.get_current_head() == revision_known()


def test_two_upgrades_at_once_agree(fresh: store.Location) -> None:
    """Of two programs that set up the same database at the same time, one does and the other finds it done."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(store.upgrade, [fresh, fresh]))
    with _writing(fresh) as connection:
        assert revision_found(connection) == revision_known()


def test_an_upgrade_that_stops_leaves_nothing(fresh: store.Location) -> None:
    """A migration that fails half way leaves the schema as it was."""
    store.upgrade(fresh, "0001")
    with _writing(fresh) as connection:
        connection.exec_driver_sql("CREATE TABLE conclusions (foreign_one INTEGER)")
    with pytest.raises(Exception, match="already exists"):
        store.upgrade(fresh)
    with _writing(fresh) as connection:
        assert revision_found(connection) == "0001"


def test_a_newer_database_is_left_alone(location: store.Location) -> None:
    """A schema that this program does not know raises with a next step, and stays as it is."""
    with _writing(location) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer rostergate \(schema 9999\)"):
        store.upgrade(location)
    with _writing(location) as connection:
        assert revision_found(connection) == "9999"


@pytest.mark.parametrize(
    "options",
    [
        "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
        "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
    ],
    ids=["not every name", "a language's order"],
)
def test_a_database_of_another_order_is_refused(postgresql: PostgreSQL, options: str) -> None:
    """A server's database that sorts or keeps text unlike SQLite is refused, with the command for the right one."""
    with postgresql.empty(options) as name, pytest.raises(StoreError, match="createdb --encoding=UTF8 --locale=C"):
        store.upgrade(postgresql.server(name))


def _described(connection: sa.Connection) -> list[tuple[Any, ...]]:
    """Return every column, index and constraint of a server's database as the server itself writes them."""
    columns = (
        "SELECT table_name::text, column_name::text, data_type || coalesce(identity_generation, ''), is_nullable::text,"
        " column_default::text FROM information_schema.columns WHERE table_schema = 'public'"
    )
    indexes = "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    constraints = (
        "SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace"
    )
    found = [tuple(row) for one in (columns, indexes, constraints) for row in connection.exec_driver_sql(one)]
    return sorted((row for row in found if "alembic" not in str(row[0])), key=repr)


def test_the_migrations_make_the_schema_to_the_letter(postgresql: PostgreSQL, server: store.Server) -> None:
    """On a server, too, every table, index and constraint is what `metadata` itself would make."""
    with postgresql.empty() as name, _writing(postgresql.server(name)) as connection, _writing(server) as migrated:
        metadata.create_all(connection)
        assert _described(migrated) == _described(connection)
