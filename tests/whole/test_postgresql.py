"""The whole daemon on PostgreSQL: what it does on SQLite it does there, and a kill loses nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING

import asyncssh
import psycopg
import pytest

from rostergate import store
from rostergate.cli import sample
from rostergate.service.lock import running
from running import Rostergate, until
from whole.test_observing import page
from wholes import as_files

if TYPE_CHECKING:
    from pathlib import Path

    from servers import PostgreSQL

_IN_THE_WAY = 7
_STOP_AT_THE_LAST_STATEMENT = f"""
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock({_IN_THE_WAY}); RETURN NEW; END $$;
CREATE TRIGGER wait BEFORE INSERT ON conclusions FOR EACH ROW EXECUTE FUNCTION wait();
"""
_WAITING = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {_IN_THE_WAY} AND NOT granted"


@pytest.fixture
def url(postgresql: PostgreSQL, server_database: str) -> str:
    """Return the address of a database of this test's own."""
    return postgresql.url(server_database)


@pytest.fixture
def rostergate(tmp_path: Path, url: str) -> Rostergate:
    """Give a rostergate on that database, with one district and no daemon yet."""
    one = Rostergate(tmp_path, {"ROSTERGATE_DATABASE__URL": url, "ROSTERGATE_DELIVERY__ATTEMPTS_MAX": "5"})
    one.add_district()
    return one


async def test_a_delivery_is_applied_held_and_released(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """From SFTP to the roster, with a hold, a release, a check and no SQLite file at the end."""
    with rostergate.daemon():
        await rostergate.upload(files)
        rostergate.reached("settled")
        assert rostergate.counts()["students"] == rostergate.counts()["enrollments"] == 260
        rostergate.run("district", "grant", "lakeside")
        await rostergate.upload(as_files(sample.without_half_of(sample.file_set(), "100")))
        rostergate.reached("planned", 2)
        (hold,) = rostergate.answer("holds")
        assert rostergate.counts()["students"] == 260
        rostergate.run("release", hold["plan"], "--by", "Operator", "--reason", "the school confirmed it")
        assert rostergate.counts()["students"] == 200
        rostergate.reached("settled", 2)
    assert "Accepted" in rostergate.latest()
    checked = rostergate.answer("db", "check")
    assert checked["ok"], checked
    told = rostergate.answer("db", "backup", str(rostergate.folder / "roster.dump"), status=1)
    assert told["command"].startswith("pg_dump ")
    assert not rostergate.spool.database.exists()


async def test_a_retry_waits_for_no_other_district(rostergate: Rostergate, url: str) -> None:
    """While another district's large delivery is being written, a command about one of this district's is done."""
    engine = store.open(store.Server(url))
    async with store.writing(engine, "elsewhere"):
        assert "no delivery lakeside-00001" in rostergate.run("retry", "lakeside-00001", status=1)
    await engine.dispose()


async def test_a_kill_inside_the_transaction_loses_nothing(
    rostergate: Rostergate, url: str, files: dict[str, bytes]
) -> None:
    """Killed with everything written and nothing committed, the delivery is decided again and applied exactly once."""
    with psycopg.connect(url) as blocker, psycopg.connect(url, autocommit=True) as looker:
        looker.execute(_STOP_AT_THE_LAST_STATEMENT.encode())
        blocker.execute(f"SELECT pg_advisory_xact_lock({_IN_THE_WAY})".encode())
        process = rostergate.start()
        try:
            until(lambda: running(rostergate.spool), "the daemon to listen")
            await rostergate.upload(files)
            until(lambda: looker.execute(_WAITING.encode()).fetchone() == (1,), "the worker to be about to commit")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert rostergate.queried("SELECT state, attempts FROM deliveries") == [("sealed", 1)]
        assert rostergate.queried("SELECT count(*) FROM students") == [(0,)]
    with rostergate.daemon():
        rostergate.reached("settled")
    assert rostergate.queried("SELECT state, attempts FROM deliveries") == [("settled", 2)]
    versions = "SELECT count(*), count(DISTINCT student_id), min(since_delivery), max(since_delivery) FROM students"
    assert rostergate.queried(versions) == [(260, 260, 1, 1)]
    assert rostergate.queried("SELECT state, count(*) FROM plans GROUP BY state") == [("applied", 3)]


async def test_a_server_that_is_stopped_ends_nothing(
    tmp_path: Path, own_postgresql: PostgreSQL, files: dict[str, bytes]
) -> None:
    """While the server is away the daemon is not ready and says so; when it is back, so is the daemon, by itself."""
    with own_postgresql.database() as name:
        one = Rostergate(tmp_path, {"ROSTERGATE_DATABASE__URL": own_postgresql.url(name)})
        one.add_district()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with one.daemon({"ROSTERGATE_METRICS__PORT": str(port)}):
            assert page(port, "/readyz")[0] == 200
            own_postgresql.stop()
            assert page(port, "/readyz") == (503, "the database does not answer\n")
            until(lambda: one.events("database.lost"), "the loss to be told")
            with pytest.raises(asyncssh.Error):
                async with one.sftp():
                    pass
            assert page(port, "/healthz")[0] == 200
            own_postgresql.start()
            until(lambda: page(port, "/readyz")[0] == 200, "the daemon to be ready again")
            parts = {"queue", "reservation"}
            until(lambda: parts <= {told["part"] for told in one.events("database.found")}, "its return to be told")
            await one.upload(files)
            one.reached("settled")
            (tmp_path / "other").mkdir()
            other = Rostergate(tmp_path / "other", one.environment)
            assert "Another rostergate daemon" in other.run("serve", "--port", "0", status=1)
        assert one.queried("SELECT state, attempts FROM deliveries") == [("settled", 1)]


def test_a_start_waits_for_a_server_that_comes_later(tmp_path: Path, own_postgresql: PostgreSQL) -> None:
    """After a power cut the daemon is often there first: it says what it waits for, and starts when that is there."""
    with own_postgresql.database() as name:
        one = Rostergate(tmp_path, {"ROSTERGATE_DATABASE__URL": own_postgresql.url(name)})
        one.config.mkdir()
        own_postgresql.stop()
        process = one.start()
        try:
            until(lambda: one.log.exists() and one.events("database.lost"), "the server to be missed")
            assert process.poll() is None
            own_postgresql.start()
            until(lambda: one.events("service.started") or process.poll() is not None, "the daemon to start")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
        assert process.returncode == 0, one.log.read_text()
        assert [event["part"] for event in one.events("database.lost")] == ["start"]
        assert [event["part"] for event in one.events("database.found")] == ["start"]


async def test_a_second_daemon_is_refused(tmp_path: Path, rostergate: Rostergate) -> None:
    """Two daemons never work on one database, also with two state folders; the second is let in after the first."""
    (tmp_path / "other").mkdir()
    other = Rostergate(tmp_path / "other", rostergate.environment)
    with rostergate.daemon():
        said = other.run("serve", "--port", "0", status=1)
        assert "Another rostergate daemon works on the database postgresql://rostergate@/" in said
    with other.daemon():
        pass


def test_a_server_that_is_away_ends_the_start_with_a_word(tmp_path: Path, url: str) -> None:
    """`serve` and the commands name the database and the next step, and end with 1; the address has no password."""
    address = url.replace("?host=", "?host=/nowhere")
    away = Rostergate(tmp_path, {"ROSTERGATE_DATABASE__URL": address, "ROSTERGATE_DATABASE__START_SECONDS_MAX": "0"})
    for command in (("status",), ("db", "check"), ("serve", "--port", "0")):
        said = away.run(*command, status=1)
        assert "postgresql://rostergate@/" in said
        assert "Check that the server runs" in said


def test_a_database_of_a_newer_version_ends_the_start_at_once(tmp_path: Path, url: str) -> None:
    """`serve` waits for a server that is away, not for one whose database it will never work with."""
    with psycopg.connect(url) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    one = Rostergate(tmp_path, {"ROSTERGATE_DATABASE__URL": url, "ROSTERGATE_DATABASE__START_SECONDS_MAX": "3600"})
    assert "written by a newer rostergate (schema 9999)" in one.run("serve", "--port", "0", status=1)
