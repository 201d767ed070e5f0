"""Backups: a whole copy of SQLite's file while it is written to, and the command for PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import shlex
import sqlite3
import stat
import subprocess
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from rostergate import store
from rostergate.errors import Refused, StoreError
from rostergate.store import backup, checking, credentials
from rostergate.store.engine import open_blocking
from rostergate.store.upgrading import revision_found
from running import SECONDS_MAX
from servers import programs
from store.making import AT

if TYPE_CHECKING:
    from pathlib import Path

    from servers import PostgreSQL


def _copies(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if "copy" in one.name]


def _run(*command: str) -> None:
    """Run one of PostgreSQL's own programs."""
    environment = {**os.environ, "PATH": f"{programs()}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, env=environment, timeout=SECONDS_MAX)


async def _with_password(location: store.Location, password_hash: str) -> None:
    engine = store.open(location)
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", password_hash, AT)
    await engine.dispose()


async def _password(location: store.Location) -> str | None:
    engine = store.open(location)
    async with store.reading(engine) as tx:
        found = await credentials.password_hash(tx, "lincoln")
    assert all(one.ok for one in await checking.check(engine))
    await engine.dispose()
    return found


async def test_a_copy_is_whole_and_for_its_owner_alone(path: Path, tmp_path: Path) -> None:
    """The copy is one file of mode 0600 that can take the database's place."""
    await _with_password(path, "one")
    file = tmp_path / "copy.db"
    assert backup.copy(path, file, AT) == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _copies(tmp_path) == ["copy.db"]
    assert await _password(file) == "one"


async def test_a_writer_goes_on_during_the_copy_and_is_not_in_it(path: Path, tmp_path: Path) -> None:
    """What is not committed when the copy begins stays out of it, and neither waits for the other."""
    await _with_password(path, "one")
    engine = store.open(path)
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", "two", AT)
        backup.copy(path, tmp_path / "copy.db", AT)
    await engine.dispose()
    assert await _password(tmp_path / "copy.db") == "one"
    assert await _password(path) == "two"


def test_a_backup_takes_the_place_of_nothing(path: Path, tmp_path: Path) -> None:
    """A file of that name is left as it is."""
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(Refused, match="exists already"):
        backup.copy(path, tmp_path / "copy.db", AT)
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_what_a_killed_backup_has_left_goes_with_the_next(path: Path, tmp_path: Path) -> None:
    """It has a whole roster in it. What was written to a moment ago may be another backup that is being made."""
    old, new, other = (tmp_path / name for name in (".a.copy.unfinished-17", ".b.copy.unfinished-18", ".c.copy"))
    for one, hours in ((old, 7), (new, 1), (other, 7)):
        one.write_text("roster")
        at = (AT - timedelta(hours=hours)).timestamp()
        os.utime(one, (at, at))
    backup.copy(path, tmp_path / "copy.db", AT)
    assert sorted(_copies(tmp_path)) == [".b.copy.unfinished-18", ".c.copy", "copy.db"]


def test_a_damaged_database_leaves_no_backup(path: Path, tmp_path: Path) -> None:
    """A copy that is not whole gets no name, and nothing of it stays."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.execute("PRAGMA page_size").fetchone()[0]
    with path.open("rb+") as file:
        file.seek(size * 3)
        file.write(os.urandom(size * 4))
    with pytest.raises(StoreError, match=r"db check|could not be made"):
        backup.copy(path, tmp_path / "copy.db", AT)
    assert _copies(tmp_path) == []


def test_what_is_no_database_is_not_to_be_tried_again(path: Path, tmp_path: Path) -> None:
    """Where trying again cannot help, the next step is the last backup."""
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="restore the last backup"):
        backup.copy(path, tmp_path / "copy.db", AT)
    assert _copies(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql://rostergate:sesame@db:5433/roster?sslmode=require",
            "postgresql://rostergate@db:5433/roster?sslmode=require",
        ),
        ("postgresql:///roster?host=/run/postgresql", "postgresql:///roster?host=/run/postgresql"),
        ("postgresql://db/roster?password=sesame&sslpassword=sesame", "postgresql://db/roster"),
    ],
)
def test_the_command_for_a_server_has_no_password(tmp_path: Path, url: str, address: str) -> None:
    """The command line is whole but for the password, which others could see in the list of processes."""
    command = backup.command_for(store.Server(url), tmp_path / "a b.dump")
    assert command is not None
    assert shlex.split(command) == [
        "pg_dump",
        "--format=custom",
        "--no-owner",
        f"--file={tmp_path / 'a b.dump'}",
        f"--dbname={address}",
    ]


async def test_the_command_makes_a_backup_that_can_be_restored(
    postgresql: PostgreSQL, server_database: str, tmp_path: Path
) -> None:
    """What is told for PostgreSQL works as it stands, and pg_restore brings it all back."""
    location = postgresql.server(server_database)
    await _with_password(location, "one")
    command = backup.command_for(location, tmp_path / "roster.dump")
    assert command is not None
    await asyncio.to_thread(_run, *shlex.split(command))
    with postgresql.empty() as name:
        dump = str(tmp_path / "roster.dump")
        await asyncio.to_thread(_run, "pg_restore", f"--dbname={postgresql.url(name)}", dump)
        assert await _password(postgresql.server(name)) == "one"


def test_a_backup_from_before_an_upgrade_takes_the_place_of_what_came_after(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """Restored as README says, nothing is left of the newer version's tables, and the upgrade can be made again."""
    with postgresql.empty() as name:
        location, dump = postgresql.server(name), str(tmp_path / "roster.dump")
        store.upgrade(location, "0005")
        command = backup.command_for(location, tmp_path / "roster.dump")
        assert command is not None
        _run(*shlex.split(command))
        store.upgrade(location)
        _run("psql", location.url, "-c", "DROP OWNED BY CURRENT_USER")
        _run("pg_restore", "--single-transaction", f"--dbname={location.url}", dump)
        with open_blocking(location).connect() as connection:
            assert revision_found(connection) == "0005"
            assert not sa.inspect(connection).has_table("outbox")
        store.upgrade(location)


def test_a_file_has_no_command(path: Path, tmp_path: Path) -> None:
    """A SQLite database is copied by rostergate itself."""
    assert backup.command_for(path, tmp_path / "copy.db") is None
