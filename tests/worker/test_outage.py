"""A database server that is away for a while: the queue goes on by itself, and gives no delivery up meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from rostergate import journal, store
from rostergate.core.delivery import State
from rostergate.errors import StoreError
from rostergate.store import deliveries, roster, verdicts
from rostergate.worker import queue
from running import SECONDS_MAX
from store.making import AT, accepted, sealed
from worker.walking import Walked, queue_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, MutableMapping
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from servers import PostgreSQL

Lines = list["MutableMapping[str, Any]"]


class _Interrupted:
    """Stands in for the worker processes: the server is stopped while the first walk is under way."""

    def __init__(self, engine: AsyncEngine, server: PostgreSQL) -> None:
        self._engine = engine
        self._server = server
        self.walks = 0

    async def run(self, _: object, __: object, ___: object, delivery: str, *____: object) -> Walked:
        """Walk one delivery."""
        self.walks += 1
        if self.walks == 1:
            await asyncio.to_thread(self._server.stop)
        async with store.writing(self._engine, "lincoln") as tx:
            await verdicts.conclude(tx, delivery, accepted(), ground=await roster.ground(tx, "lincoln"), at=AT)
        return Walked()


@pytest.fixture
def location(own_postgresql: PostgreSQL) -> Iterator[store.Server]:
    """Give a database whose server the test may stop."""
    with own_postgresql.database() as name:
        yield own_postgresql.server(name)


@pytest.fixture
async def engine(location: store.Server) -> AsyncIterator[AsyncEngine]:
    """Give the engine on it."""
    engine = store.open(location)
    yield engine
    await engine.dispose()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "OUTAGE_SECONDS_MIN", 0.01)
    monkeypatch.setattr(queue, "OUTAGE_SECONDS_MAX", 0.1)


async def _run(
    location: store.Server,
    engine: AsyncEngine,
    server: PostgreSQL,
    folder: Path,
    attempts_max: int,
    lost: str,
    lines: Lines,
) -> tuple[deliveries.Delivery, int]:
    """Run the queue until a delivery is closed; start the server again once `lost` was told."""
    (folder / "lincoln.toml").write_text('name = "Lincoln"\ntime_zone = "UTC"\n')
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)
    stop, walking = asyncio.Event(), _Interrupted(engine, server)

    async def on_closed(_: str) -> None:
        stop.set()

    queue_ = queue_of(engine, location, folder, walking, on_closed, retry_seconds=0.01, attempts_max=attempts_max)
    running = asyncio.create_task(queue_.run(stop))
    async with asyncio.timeout(SECONDS_MAX):
        while not any(line["event"] == lost for line in lines):  # noqa: ASYNC110 - the journal tells nobody
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.start)
        await running
    async with store.reading(engine) as tx:
        return await deliveries.get(tx, delivery), walking.walks


async def test_the_queue_waits_for_its_database(
    location: store.Server, engine: AsyncEngine, own_postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """A delivery whose attempt an outage interrupted is taken again when the server is back, without anybody's help."""
    with capture_logs() as lines:
        found, walks = await _run(location, engine, own_postgresql, tmp_path, 3, journal.DATABASE_LOST, lines)
    assert (found.state, found.attempts, walks) == (State.SETTLED, 2, 2)
    told = [line["event"] for line in lines if line["event"] in {journal.DATABASE_LOST, journal.DATABASE_FOUND}]
    assert told == [journal.DATABASE_LOST, journal.DATABASE_FOUND], "once each, however often it was looked for"


async def test_the_last_attempt_says_why_it_failed(
    location: store.Server, engine: AsyncEngine, own_postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """A delivery that fails while nothing can be noted is given up afterwards, with the reason of its last attempt."""
    with capture_logs() as lines:
        found, walks = await _run(location, engine, own_postgresql, tmp_path, 1, journal.DELIVERY_INTERRUPTED, lines)
    assert (found.state, walks) == (State.FAILED, 1)
    assert "database cannot be used" in (found.error or "")


async def test_a_database_that_is_away_is_told_as_such(engine: AsyncEngine, own_postgresql: PostgreSQL) -> None:
    """What the queue waits for is an error that says what to do and that trying again can help."""
    own_postgresql.stop()
    with pytest.raises(StoreError, match="Check that the server runs") as away:
        async with store.reading(engine) as tx:
            await deliveries.due(tx)
    assert not away.value.permanent
    own_postgresql.start()
    async with store.reading(engine) as tx:
        assert await deliveries.due(tx) == []
