"""The observation port, over a real socket and a real database."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

import databases
from rostergate import store
from rostergate.config import Settings
from rostergate.config.settings import MetricsSettings
from rostergate.service.observing import Observation
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Watched:
    """A daemon as far as the observation port sees it."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.closed: str | None = None
        self.engine = store.open(database)
        self.observation = Observation(
            Settings(metrics=MetricsSettings(port=free_port())), self.engine, Spool(folder), lambda: self.closed
        )

    async def ask(self, request: bytes) -> bytes:
        """Send a request and return all of the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.observation.port)
        writer.write(request)
        async with asyncio.timeout(30):
            answer = await reader.read()
        writer.close()
        return answer

    async def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        head, _, body = (await self.ask(f"GET {path} HTTP/1.1\r\n\r\n".encode())).partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """Give one whose database is in order."""
    databases.make(tmp_path / "rostergate.db")
    one = Watched(tmp_path, tmp_path / "rostergate.db")
    await one.observation.open()
    yield one
    await one.observation.close()
    await one.engine.dispose()


async def test_ready(watched: Watched) -> None:
    """A daemon that listens, reaches its database and has room is ready, and tells its metrics."""
    assert await watched.get("/healthz") == (200, "alive\n")
    assert await watched.get("/readyz?verbose") == (200, "ready\n")
    status, page = await watched.get("/metrics")
    assert status == 200
    for line in ("rostergate_plans_held 0.0", "rostergate_queue_deliveries 0.0", "rostergate_queue_oldest_seconds 0.0"):
        assert line in page.splitlines()


async def test_draining(watched: Watched) -> None:
    """While the gate takes nobody the daemon is alive and not ready, with the gate's reason."""
    watched.closed = "the daemon is about to stop"
    assert await watched.get("/readyz") == (503, "the daemon is about to stop\n")
    assert (await watched.get("/healthz"))[0] == 200


async def test_no_database(tmp_path: Path) -> None:
    """Without its database the daemon is not ready; the metrics say that nobody knows how much waits."""
    one = Watched(tmp_path, tmp_path / "nowhere" / "rostergate.db")
    await one.observation.open()
    assert await one.get("/readyz") == (503, "the database does not answer\n")
    assert "rostergate_plans_held NaN" in (await one.get("/metrics"))[1]
    await one.observation.close()
    await one.engine.dispose()


async def test_full_disk(watched: Watched) -> None:
    """With less free than the settings ask for the daemon is not ready, and says how much there is."""
    watched.observation._free_bytes_min = 1 << 60
    status, why = await watched.get("/readyz")
    assert (status, "bytes are free" in why) == (503, True)


async def test_other_requests(watched: Watched) -> None:
    """Other pages, other methods and requests without an end are refused; HEAD has no body."""
    assert (await watched.get("/"))[0] == 404
    assert b" 405 " in await watched.ask(b"POST /metrics HTTP/1.1\r\n\r\n")
    assert b" 431 " in await watched.ask(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20_000)
    head = await watched.ask(b"HEAD /healthz HTTP/1.1\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")


async def test_connections_are_bounded(watched: Watched) -> None:
    """Beyond so many at once a connection is ended without an answer; then it is answered again."""
    silent = [await asyncio.open_connection("127.0.0.1", watched.observation.port) for _ in range(16)]
    assert await watched.ask(b"") == b""
    for _, writer in silent:
        writer.close()
        await writer.wait_closed()
    while watched.observation._connections:  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)
    assert (await watched.get("/healthz"))[0] == 200


async def test_off_by_default(tmp_path: Path) -> None:
    """Nothing is listened on unless the settings say where."""
    engine = store.open(tmp_path / "rostergate.db")
    observation = Observation(Settings(), engine, tmp_path, lambda: None)
    await observation.open()
    assert observation.port == 0
    await observation.close()
    await engine.dispose()
