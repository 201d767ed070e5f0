from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from rostergate.store.compacting import compact

if TYPE_CHECKING:
    from pathlib import Path

    from rostergate.store import Server
    from servers import PostgreSQL


def test_what_is_written_anew_stays_on_the_disk_of_the_database(tmp_path: Path) -> None:
    """The copy is made in the database's folder, whatever that is called, and is gone afterwards; no row is lost."""
    folder = tmp_path / "it's here"
    folder.mkdir()
    path = folder / "rostergate.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE things (name)")
        database.executemany("INSERT INTO things VALUES (?)", [("Ann",), ("Bo",)])
        database.commit()
    compact(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA temp_store_directory").fetchall() == [(str(folder),)]
        assert database.execute("SELECT name FROM things").fetchall() == [("Ann",), ("Bo",)]
    assert [one.name for one in folder.iterdir()] == ["rostergate.db"]


def test_an_administrators_timeout_ends_no_vacuum(postgresql: PostgreSQL, server_database: str, server: Server) -> None:
    """However little time the database's own settings give a statement, the places are given free."""
    postgresql.set(server_database, "statement_timeout", "1ms")
    compact(server)
