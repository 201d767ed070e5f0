"""One daemon at a time on a database, also after its server was started again."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from gate.house import until
from rostergate import journal
from rostergate.errors import AlreadyRunning, StoreError
from rostergate.service import alone
from rostergate.service.alone import Alone
from rostergate.store.reserving import Reservation
from running import SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from servers import PostgreSQL


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(alone, "ALONE_SECONDS_MAX", 0.1)


def told(lines: Sequence[Mapping[str, object]], event: str) -> bool:
    """Say whether the log tells an event."""
    return any(line["event"] == event for line in lines)


async def test_a_second_daemon_is_refused(postgresql: PostgreSQL, server_database: str) -> None:
    """While one has the database no other gets it; afterwards it does."""
    location = postgresql.server(server_database)
    async with Alone(location):
        refused = Alone(location)
        with pytest.raises(AlreadyRunning, match="postgresql://rostergate@/"):
            async with refused:
                pass
        await until(lambda: postgresql.sessions(server_database) == 1, SECONDS_MAX)  # the refused one has left its own
    async with Alone(location):
        pass


async def test_a_reservation_that_was_lost_is_had_again(postgresql: PostgreSQL, server_database: str) -> None:
    """When the server has ended the session, the daemon asks again, and nobody else gets in afterwards."""
    location, stop = postgresql.server(server_database), asyncio.Event()
    async with Alone(location) as one:
        with capture_logs() as lines:
            keeping = asyncio.create_task(one.keep(stop))
            postgresql.stop_sessions(server_database)
            await until(lambda: told(lines, journal.DATABASE_FOUND), SECONDS_MAX)
        with pytest.raises(AlreadyRunning):
            async with Alone(location):
                pass
        stop.set()
        await keeping
    assert [line["event"] for line in lines] == [journal.DATABASE_LOST, journal.DATABASE_FOUND]


async def test_an_outage_is_told_once_however_long_it_lasts(
    own_postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the server is looked for meanwhile, the log and the service manager hear of it twice."""
    stop = asyncio.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, own_postgresql.database() as name:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)  # noqa: FBT003 - the standard library's signature
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        async with Alone(own_postgresql.server(name)) as one:
            with capture_logs() as lines:
                keeping = asyncio.create_task(one.keep(stop))
                await asyncio.to_thread(own_postgresql.stop)
                await until(lambda: told(lines, journal.DATABASE_LOST), SECONDS_MAX)
                assert manager.recv(100) == b"STATUS=waiting for the database"
                await asyncio.to_thread(own_postgresql.start)
                await until(lambda: told(lines, journal.DATABASE_FOUND), SECONDS_MAX)
            stop.set()
            await keeping
        assert [line["event"] for line in lines] == [journal.DATABASE_LOST, journal.DATABASE_FOUND]
        assert manager.recv(100) == b"STATUS=the database answers again"


async def test_a_session_that_was_silent_is_not_taken_for_another_daemon(
    postgresql: PostgreSQL, server_database: str
) -> None:
    """A server that did not answer in time may still keep the session: it is ended before another is begun."""

    class Silent(Reservation):
        async def assert_kept(self) -> None:
            raise StoreError("it has not answered")

    stop = asyncio.Event()
    async with Alone(postgresql.server(server_database)) as one:
        one._reservation = Silent()
        with capture_logs() as lines:
            keeping = asyncio.create_task(one.keep(stop))
            await until(lambda: keeping.done() or told(lines, journal.DATABASE_FOUND), SECONDS_MAX)
        stop.set()
        await keeping


async def test_who_finds_another_daemon_in_its_place_ends(postgresql: PostgreSQL, server_database: str) -> None:
    """When another daemon was quicker after the outage, this one ends, so that never two work on it."""
    location = postgresql.server(server_database)
    async with Alone(location) as one, AsyncExitStack() as others:
        postgresql.stop_sessions(server_database)
        await others.enter_async_context(Alone(location))
        with pytest.raises(AlreadyRunning):
            async with asyncio.timeout(SECONDS_MAX):
                await one.keep(asyncio.Event())


async def test_a_file_is_kept_by_the_lock_of_its_folder(tmp_path: Path) -> None:
    """On SQLite there is nothing to reserve and nothing to lose."""
    async with Alone(tmp_path / "rostergate.db") as one, Alone(tmp_path / "rostergate.db"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await one.keep(asyncio.Event())
