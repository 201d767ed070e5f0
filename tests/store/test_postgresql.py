"""What is PostgreSQL's own: how transactions begin, who waits for whom, and what is said when it cannot be used."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from rostergate import store
from rostergate.errors import FullDatabaseError, StoreError
from rostergate.store import compacting, credentials
from rostergate.store.postgresql import parameters
from running import SECONDS_MAX
from servers import PASSWORD
from store.making import AT

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from servers import PostgreSQL

pytestmark = pytest.mark.parametrize("location", ["postgresql"], indirect=True)


async def _until_somebody_waits(engine: AsyncEngine) -> None:
    """Wait until a transaction of this database waits for a lock."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE d.datname = current_database() AND NOT granted"
    )
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            async with store.reading(engine) as tx:
                if await tx.scalar(waiting):
                    return


@pytest.mark.parametrize(
    ("setting", "value", "other"),
    [
        ("synchronous_commit", "on", "off"),
        ("lock_timeout", "1min", "1s"),
        ("statement_timeout", "0", "30s"),
        ("idle_in_transaction_session_timeout", "0", "5s"),
        ("default_transaction_isolation", "read committed", "serializable"),
        ("TimeZone", "UTC", "Asia/Kathmandu"),
        ("DateStyle", "ISO, MDY", "SQL, DMY"),
    ],
)
async def test_every_connection_is_durable_and_patient(
    postgresql: PostgreSQL, server_database: str, location: store.Server, setting: str, value: str, other: str
) -> None:
    """What the rules rest on is set on every connection, whatever the database's own settings say."""
    postgresql.set(server_database, setting, other)
    engine = store.open(location)
    async with store.writing(engine) as tx:
        await credentials.set_password(tx, "lincoln", "one", AT)
        assert await tx.scalar(sa.text(f"SHOW {setting}")) == value
        assert await tx.scalar(sa.text("SHOW application_name")) == "rostergate"
    async with store.reading(engine) as tx:
        assert await credentials.changed_at(tx, "lincoln") == AT
    await engine.dispose()


async def test_what_was_deleted_is_vacuumed_however_long_it_takes(
    postgresql: PostgreSQL, server_database: str, location: store.Server, engine: AsyncEngine
) -> None:
    """A timeout that the server's administrator has set does not end an erasure."""
    async with store.writing(engine) as tx:
        many = "INSERT INTO credentials SELECT n, n, now() FROM generate_series(1, 20000) n"
        await tx.execute(sa.text(many))
    postgresql.set(server_database, "statement_timeout", "1")
    await asyncio.to_thread(compacting.compact, location)


async def test_writers_of_different_districts_do_not_wait(engine: AsyncEngine) -> None:
    """A writer of one district goes on while one of another is under way; one who names none waits for both."""
    order = []

    async def everywhere() -> None:
        async with store.writing(engine) as tx:
            order.append(await credentials.password_hash(tx, "lincoln"))

    async with store.writing(engine, "lincoln") as lincoln:
        await credentials.set_password(lincoln, "lincoln", "one", AT)
        async with store.writing(engine, "jefferson") as jefferson:
            await credentials.set_password(jefferson, "jefferson", "two", AT)
            waiting = asyncio.create_task(everywhere())
            await _until_somebody_waits(engine)
        assert order == []
    await waiting
    assert order == ["one"]


async def test_writers_of_one_district_wait_for_each_other(engine: AsyncEngine) -> None:
    """What a writer has read of its district cannot change before it writes: none of two increments is lost."""

    async def count_up() -> None:
        async with store.writing(engine, "lincoln") as tx:
            seen = await credentials.password_hash(tx, "lincoln")
            await credentials.set_password(tx, "lincoln", str(int(seen or 0) + 1), AT)

    await asyncio.gather(*(count_up() for _ in range(12)))
    async with store.reading(engine) as tx:
        assert await credentials.password_hash(tx, "lincoln") == "12"


async def test_a_writer_that_waits_too_long_can_try_again(engine: AsyncEngine) -> None:
    """A lock that is held too long raises with a next step, and trying again can help."""
    async with store.writing(engine, "lincoln"):
        async with store.reading(engine) as tx:
            await tx.exec_driver_sql("SET lock_timeout = 1")
        with pytest.raises(StoreError, match="another program writes for too long") as late:
            async with store.writing(engine, "lincoln"):
                pass
    assert not late.value.permanent


async def test_a_server_that_was_started_again_is_found(
    engine: AsyncEngine, postgresql: PostgreSQL, server_database: str
) -> None:
    """A transaction that loses its connection raises with a next step; the next one finds the server."""

    async def write() -> None:
        async with store.writing(engine) as tx:
            await credentials.set_password(tx, "lincoln", "one", AT)
            postgresql.stop_sessions(server_database)
            await credentials.set_password(tx, "lincoln", "two", AT)

    with pytest.raises(StoreError, match="cannot be used") as lost:
        await write()
    assert not lost.value.permanent
    async with store.writing(engine) as tx:
        assert await credentials.password_hash(tx, "lincoln") is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://rostergate@/nowhere?host={folder}", "Make the database"),
        ("postgresql://rostergate@/postgres?host={folder}/none", "Check that the server runs"),
        ("postgresql://guarded:sesame@/postgres?host={folder}", "Check user and password"),
        ("postgresql://rostergate@/postgres?host={folder}&sslmode=no", "Correct the address"),
    ],
    ids=["no such database", "no such server", "a wrong password", "a parameter's value"],
)
async def test_a_database_that_cannot_be_reached_says_what_to_do(
    location: store.Server, address: str, said: str
) -> None:
    """The error has the next step, and never the password."""
    folder = location.url.partition("?host=")[2]
    engine = store.open(store.Server(address.format(folder=folder)))
    with pytest.raises(StoreError, match=said) as refused:
        async with store.reading(engine):
            pass
    await engine.dispose()
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "said"), [(b"N", "Let the server speak TLS"), (b"S", "Check sslmode and sslrootcert")]
)
async def test_a_server_that_cannot_be_told_for_sure_says_what_to_do(
    location: store.Server, tmp_path: Path, answer: bytes, said: str
) -> None:
    """Neither one without TLS, nor one whose certificate nothing is known to vouch for, is talked to."""
    del location
    ended = asyncio.Event()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # libpq asks whether TLS is spoken
        writer.write(answer)
        await reader.read()
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        asked = f"sslmode=verify-full&sslrootcert={tmp_path / 'none'}"
        engine = store.open(store.Server(f"postgresql://rostergate@{host}:{port}/rostergate?{asked}"))
        with pytest.raises(StoreError, match=said):
            async with store.reading(engine):
                pass
        await engine.dispose()
        await ended.wait()


async def test_a_network_that_goes_dead_is_noticed_by_both_sides(location: store.Server) -> None:
    """Within a minute or two each side ends a session that the other says nothing to, in whichever state it is."""
    del location
    asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4))
        writer.write(b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I")  # come in; ready
        await reader.read(5)
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(answered, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        silent = f"postgresql://rostergate@{host}:{port}/rostergate?sslmode=disable&target_session_attrs=any"
        connection = await psycopg.AsyncConnection.connect(silent, autocommit=True, **parameters(store.Server(silent)))
        with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as ours:
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 120_000
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        await connection.close()
        await ended.wait()
    assert b"tcp_user_timeout=120000" in await asked
    assert b"tcp_keepalives_idle=60" in await asked


async def test_a_server_that_cannot_be_written_to_counts_as_away(
    postgresql: PostgreSQL, server_database: str, location: store.Server
) -> None:
    """Readers are refused, too, so that the daemon is not ready and waits, as it does for a server that is stopped."""
    postgresql.set(server_database, "default_transaction_read_only", "on")
    engine = store.open(location)
    with pytest.raises(StoreError, match=r"session is read-only.*Connect to the primary") as refused:
        async with store.reading(engine):
            pass
    await engine.dispose()
    assert not refused.value.permanent


async def test_a_server_without_a_connection_to_spare_is_told_as_that(
    postgresql: PostgreSQL, server_database: str, location: store.Server
) -> None:
    """It is as good as a full disk: nobody's statement is to blame."""
    postgresql.limit_sessions(server_database, 0)
    engine = store.open(location)
    with pytest.raises(FullDatabaseError, match="Raise max_connections on the server"):
        async with store.reading(engine):
            pass
    await engine.dispose()


async def test_a_password_with_any_sign_lets_in(postgresql: PostgreSQL, location: store.Server) -> None:
    """A password is taken apart as libpq does it, and is not shown with the location."""
    written = PASSWORD.replace("%", "%25").replace("/", "%2F").replace("@", "%40").replace(":", "%3A")
    guarded = store.Server(postgresql.guarded_url("postgres", written))
    engine = store.open(guarded)
    async with store.reading(engine) as tx:
        assert await tx.scalar(sa.text("SELECT current_user")) == "guarded"
    await engine.dispose()
    assert str(guarded) == "postgresql://guarded@/postgres"
    assert "wind" not in repr(guarded) + str(location)
