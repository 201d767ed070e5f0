from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from rostergate.core.roster import TABLES
from rostergate.store.instant import Instant
from rostergate.store.schema import key_order, metadata, roster

WEST = datetime(2026, 9, 1, 23, 30, tzinfo=timezone(timedelta(hours=-7)))


def test_an_instant_is_utc_in_the_database_and_aware_in_python() -> None:
    """A moment comes back as the same moment, in UTC, on either database."""
    stored = Instant().process_bind_param(WEST, sqlite.dialect())
    assert stored == datetime(2026, 9, 2, 6, 30)  # noqa: DTZ001 - what SQLite stores
    back = Instant().process_result_value(stored, sqlite.dialect())
    assert back == WEST
    assert back is not None
    assert back.tzinfo is UTC
    assert Instant().process_bind_param(WEST, postgresql.dialect()) == WEST
    assert Instant().process_result_value(WEST, postgresql.dialect()) == WEST


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_nothing_is_no_instant(dialect: object) -> None:
    """NULL stays None both ways."""
    assert Instant().process_bind_param(None, dialect) is None
    assert Instant().process_result_value(None, dialect) is None


def test_a_moment_without_a_zone_is_a_fault() -> None:
    """A naive datetime is never stored."""
    with pytest.raises(AssertionError, match="time zone"):
        Instant().process_bind_param(datetime(2026, 9, 1), sqlite.dialect())  # noqa: DTZ001 - the fault


@pytest.mark.parametrize("name", TABLES)
def test_a_roster_table_has_the_canonical_columns(name: str) -> None:
    """Each canonical table has its own columns in order, between what places a version and what dates it."""
    columns = [column.name for column in roster[name].columns]
    dates = ("since_delivery", "until_delivery", "since_ground", "until_ground")
    assert columns == ["id", "district", *TABLES[name].columns, *dates]
    assert sorted(key_order(TABLES[name])) == sorted(TABLES[name].key)


@pytest.mark.parametrize("name", TABLES)
def test_at_most_one_version_is_current_on_either_database(name: str) -> None:
    """The index of current rows is partial and unique in SQLite and in PostgreSQL."""
    index = next(one for one in roster[name].indexes if one.unique)
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        made = str(CreateIndex(index).compile(dialect=dialect))
        assert made.startswith("CREATE UNIQUE INDEX")
        assert made.endswith("WHERE until_delivery IS NULL")


def test_every_table_can_be_made_in_postgresql() -> None:
    """No type belongs to SQLite alone."""
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
