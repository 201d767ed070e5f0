from __future__ import annotations

import logging
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from rostergate import store
from rostergate.errors import StoreError
from rostergate.store.schema import metadata
from rostergate.store.scope import BUSY_SECONDS_MAX
from rostergate.store.upgrading import revision_known

if TYPE_CHECKING:
    from pathlib import Path


def _definitions(path: Path) -> dict[str, str]:
    """Return the SQL of every table and index without blanks and quotes: SQLite quotes a table that was renamed."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%'")
        return {name: "".join((sql or "").replace('"', "").split()) for name, sql in rows}


def test_the_migrations_make_the_schema_to_the_letter(path: Path, tmp_path: Path) -> None:
    """Every table and index is defined as `metadata` itself would define it, conditions of indexes included."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert _definitions(path) == _definitions(tmp_path / "declared.db")


def test_the_file_is_for_its_owner_alone(path: Path) -> None:
    """A new database has mode 0600, and an older one gets it."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    store.upgrade(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_upgrading_again_changes_nothing(path: Path) -> None:
    """An upgrade of what is up to date leaves every row."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO credentials VALUES ('lincoln', 'hash', '2026-09-01 12:00:00.000000')")
    store.upgrade(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM credentials").fetchone() == (1,)


def test_two_upgrades_at_once_agree(tmp_path: Path) -> None:
    """Of two programs that set up the same file, one does and the other finds it done."""
    path = tmp_path / "rostergate.db"
    with closing(sqlite3.connect(path)) as first:
        first.execute("PRAGMA journal_mode=WAL")
        first.isolation_level = None
        first.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            upgrade = pool.submit(store.upgrade, path)
            first.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            first.execute("INSERT INTO alembic_version VALUES (?)", (revision_known(),))
            first.execute("COMMIT")
            upgrade.result()
    assert _definitions(path) == {}


def test_who_sets_up_a_new_file_is_waited_for(tmp_path: Path) -> None:
    """Nobody is refused because somebody else is writing into a file that is not in WAL mode yet."""
    path = tmp_path / "rostergate.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as first, ThreadPoolExecutor(1) as pool:
        first.execute("BEGIN IMMEDIATE")
        upgrade = pool.submit(store.upgrade, path)
        with pytest.raises(TimeoutError):
            upgrade.result(1)
        first.execute("COMMIT")
        upgrade.result()


def test_what_is_up_to_date_waits_for_no_writer(path: Path) -> None:
    """While somebody writes, a large delivery for example, commands find at once that nothing is to be upgraded."""
    with closing(sqlite3.connect(path)) as writer, ThreadPoolExecutor(1) as pool:
        writer.isolation_level = None
        writer.execute("BEGIN IMMEDIATE")
        upgrade = pool.submit(store.upgrade, path)
        try:
            upgrade.result(BUSY_SECONDS_MAX / 2)
        finally:
            writer.execute("ROLLBACK")


def test_a_damaged_database_says_so(tmp_path: Path) -> None:
    """A file that is no database raises with a next step."""
    path = tmp_path / "rostergate.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="restore the last backup"):
        store.upgrade(path)


def test_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    """A path that cannot be opened raises with a next step."""
    with pytest.raises(StoreError, match="Check that the state folder exists"):
        store.upgrade(tmp_path / "none" / "rostergate.db")


def test_nothing_is_printed_and_logging_stays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An upgrade writes to neither output, and leaves loggers as they were."""
    before = (logging.root.level, list(logging.root.handlers), logging.getLogger("alembic").level)
    store.upgrade(tmp_path / "rostergate.db")
    assert (logging.root.level, list(logging.root.handlers), logging.getLogger("alembic").level) == before
    assert capfd.readouterr() == ("", "")
