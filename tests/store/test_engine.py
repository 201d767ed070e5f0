from __future__ import annotations

import asyncio
import sqlite3
from threading import get_native_id
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, TimeoutError  # noqa: A004 - as SQLAlchemy calls it

from rostergate import store
from rostergate.errors import FullDatabaseError, StoreError
from rostergate.store import credentials
from rostergate.store.failures import store_errors
from store.making import AT, fill

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


of_each_process = pytest.mark.parametrize("worker", [False, True], ids=["daemon", "worker"])
on_sqlite = pytest.mark.parametrize("location", ["sqlite"], indirect=True)


def _bytes(path: Path) -> int:
    return path.stat().st_size


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@on_sqlite
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 60_000)]
)
async def test_every_connection_is_durable_strict_and_patient(tx: AsyncConnection, pragma: str, value: object) -> None:
    """WAL, synchronous=FULL, foreign keys and a busy timeout are set on every connection."""
    assert await tx.scalar(sa.text(f"PRAGMA {pragma}")) == value


async def test_a_reader_cannot_write(engine: AsyncEngine) -> None:
    """A write in a reading transaction raises, also on a connection that has written before."""
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", "one", AT)
    with pytest.raises(StoreError, match=r"(?i)read-?only"):
        async with store.reading(engine) as tx:
            await credentials.set_password(tx, "lincoln", "two", AT)
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", "three", AT)
    async with store.reading(engine) as tx:
        assert await credentials.password_hash(tx, "lincoln") == "three"


async def test_a_block_that_raises_leaves_nothing(engine: AsyncEngine) -> None:
    """What a block wrote before it raised is rolled back."""

    async def write() -> None:
        async with store.writing(engine) as tx:
            await credentials.set_password(tx, "lincoln", "one", AT)
            raise LookupError

    with pytest.raises(LookupError):
        await write()
    async with store.reading(engine) as tx:
        assert await credentials.password_hash(tx, "lincoln") is None


async def test_a_cancelled_writer_leaves_nothing_and_nobody_waiting(engine: AsyncEngine) -> None:
    """A writer that is cancelled rolls back and gives the write lock to the next."""
    started = asyncio.Event()

    async def write() -> None:
        async with store.writing(engine) as tx:
            await credentials.set_password(tx, "lincoln", "one", AT)
            started.set()
            await asyncio.Event().wait()

    writer = asyncio.create_task(write())
    await started.wait()
    writer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writer
    async with store.writing(engine) as tx:
        assert await credentials.password_hash(tx, "lincoln") is None


async def test_writers_wait_for_each_other_from_their_first_statement(engine: AsyncEngine) -> None:
    """A second writer does not begin before the first has ended, so that it reads what the first wrote."""
    begun, order = asyncio.Event(), []

    async def second() -> None:
        await begun.wait()
        async with store.writing(engine) as tx:
            order.append(await credentials.password_hash(tx, "lincoln"))

    waiting = asyncio.create_task(second())
    async with store.writing(engine) as tx:
        begun.set()
        for turn in range(20):
            await credentials.set_password(tx, "lincoln", f"{turn}", AT)
        assert order == []
    await waiting
    assert order == ["19"]


async def test_a_reader_keeps_its_view_while_others_write(engine: AsyncEngine) -> None:
    """A reader sees one state from its first statement to its last, and holds no writer up."""
    async with store.reading(engine) as reader:
        assert await credentials.password_hash(reader, "lincoln") is None
        async with store.writing(engine) as tx:
            await credentials.set_password(tx, "lincoln", "one", AT)
        assert await credentials.password_hash(reader, "lincoln") is None


async def test_two_engines_share_a_database(engine: AsyncEngine, location: store.Location) -> None:
    """Another process's engine sees what was committed."""
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", "one", AT)
    other = store.open(location)
    async with store.reading(other) as tx:
        assert await credentials.password_hash(tx, "lincoln") == "one"
    await other.dispose()


@of_each_process
async def test_a_missing_database_is_not_made(tmp_path: Path, *, worker: bool) -> None:
    """Opening a path without a database raises with a next step, and leaves no file behind."""
    engine = store.open(tmp_path / "none.db", worker=worker)
    with pytest.raises(StoreError, match="state folder"):
        async with store.reading(engine):
            pass
    await engine.dispose()
    assert _names(tmp_path) == []


@of_each_process
async def test_an_empty_database_says_how_to_set_it_up(tmp_path: Path, *, worker: bool) -> None:
    """A database without tables raises with a next step."""
    path = tmp_path / "empty.db"
    sqlite3.connect(path).close()
    path.touch()
    engine = store.open(path, worker=worker)
    with pytest.raises(StoreError, match="rostergate db upgrade"):
        async with store.reading(engine) as tx:
            await credentials.password_hash(tx, "lincoln")
    await engine.dispose()


@of_each_process
async def test_a_damaged_database_says_so(tmp_path: Path, *, worker: bool) -> None:
    """A file that is no database raises with a next step."""
    path = tmp_path / "damaged.db"
    path.write_bytes(b"not a database at all" * 100)
    engine = store.open(path, worker=worker)
    with pytest.raises(StoreError, match="restore the last backup"):
        async with store.reading(engine):
            pass
    await engine.dispose()


@on_sqlite
async def test_a_writer_that_waits_too_long_says_who_is_in_the_way(engine: AsyncEngine, path: Path) -> None:
    """A lock that another program holds too long raises with a next step."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with store.reading(engine) as tx:
        await tx.exec_driver_sql("PRAGMA busy_timeout=1")
    with pytest.raises(StoreError, match="another program"):
        async with store.writing(engine):
            pass
    other.close()


async def test_a_full_disk_is_told_as_that(engine: AsyncEngine) -> None:
    """Whatever was to be written is not to blame, and once there is room it can be."""
    with pytest.raises(FullDatabaseError, match=r"Free space on (its|the server's) disk, then try again") as full:
        async with store.writing(engine) as tx:
            await fill(tx)
    assert not full.value.permanent


async def test_a_wrong_statement_is_a_fault_of_the_program(engine: AsyncEngine) -> None:
    """What breaks a constraint is not a failure of the database: it raises what it raises."""
    with pytest.raises(IntegrityError):
        async with store.writing(engine) as tx:
            await tx.execute(sa.text("INSERT INTO credentials (district) VALUES ('lincoln')"))


@pytest.mark.parametrize("name", ["a b.db", "100%.db", "q?x=1.db", "h#sh.db", "ü.db"])
async def test_every_file_name_is_legal(tmp_path: Path, name: str) -> None:
    """Signs that mean something in a URI mean nothing in the database's path."""
    path = tmp_path / name
    store.upgrade(path)
    engine = store.open(path)
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", "one", AT)
    await engine.dispose()
    assert _names(tmp_path) == [name]


@of_each_process
async def test_a_worker_s_statements_run_where_they_are_awaited(path: Path, *, worker: bool) -> None:
    """A worker has nothing to do meanwhile; anybody else's statements run in the connection's own thread."""
    engine = store.open(path, worker=worker)
    async with store.reading(engine) as tx:
        connection = (await tx.get_raw_connection()).driver_connection
        assert connection is not None
        await connection.create_function("thread", 0, get_native_id)
        ran_in = await tx.scalar(sa.text("SELECT thread()"))
    await engine.dispose()
    assert (ran_in == get_native_id()) is worker


@of_each_process
async def test_a_worker_leaves_the_log_to_others(path: Path, *, worker: bool) -> None:
    """However long the log is, its commit does not wait until it is in the file; anybody else's brings it there."""
    engine = store.open(path, worker=worker)
    async with store.writing(engine) as tx:
        await tx.exec_driver_sql("CREATE TABLE long (text TEXT)")
        await tx.execute(sa.text("INSERT INTO long VALUES (:text)"), {"text": "x" * 5_000_000})
    size = _bytes(path)
    await engine.dispose()
    assert (size < 5_000_000) is worker


async def test_a_worker_s_block_that_raises_leaves_nothing(path: Path) -> None:
    """What it wrote before is rolled back, and the connection goes on."""
    engine = store.open(path, worker=True)

    async def write(password: str, *, fails: bool) -> None:
        async with store.writing(engine) as tx:
            await credentials.set_password(tx, "lincoln", password, AT)
            if fails:
                raise LookupError

    with pytest.raises(LookupError):
        await write("one", fails=True)
    await write("two", fails=False)
    async with store.reading(engine) as tx:
        assert await credentials.password_hash(tx, "lincoln") == "two"
    await engine.dispose()


def test_a_pool_that_is_used_up_is_the_databases_failure() -> None:
    """Waiting too long for a connection raises with what was in use."""
    with pytest.raises(StoreError, match="All 16 connections"), store_errors():
        raise TimeoutError
