"""What the queue makes of a delivery that cannot be decided."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from rostergate import journal, store
from rostergate.core.delivery import State
from rostergate.spool.folders import Spool
from rostergate.store import deliveries, roster, verdicts
from rostergate.worker import queue as queues
from rostergate.worker.processes import Processes
from running import SECONDS_MAX
from store.making import AT, accepted, fill, sealed
from worker.walking import Walked, queue_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from sqlalchemy.ext.asyncio import AsyncEngine


class _WithoutRoom:
    """Stands in for the worker processes: at the first walks the database has no room for what they write."""

    def __init__(self, engine: AsyncEngine, times: int) -> None:
        self._engine = engine
        self._times = times
        self.walks = 0

    async def run(self, _: object, __: object, ___: object, delivery: str, *____: object) -> Walked:
        """Walk one delivery."""
        self.walks += 1
        district = delivery.rpartition("-")[0]
        async with store.writing(self._engine, district) as tx:
            await verdicts.conclude(tx, delivery, accepted(), ground=await roster.ground(tx, district), at=AT)
            if self.walks <= self._times:
                await fill(tx)
        return Walked()


async def test_an_error_of_the_disk_says_where(engine: AsyncEngine, location: store.Location, tmp_path: Path) -> None:
    """Operators are told which file or folder could not be read, and why; nobody else is."""
    (tmp_path / "lincoln.toml").write_text('name = "Lincoln"\ntime_zone = "UTC"\n')
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)
    spool, stop, processes = Spool(tmp_path), asyncio.Event(), Processes(1, seconds_max=60)

    async def on_closed(_delivery: str) -> None:
        stop.set()

    queue = queue_of(engine, location, tmp_path, processes, on_closed, attempts_max=1)
    async with asyncio.timeout(60):
        await queue.run(stop)
    await processes.close()
    async with store.reading(engine) as tx:
        found = await deliveries.get(tx, delivery)
    assert found.error == f"{spool.delivery(delivery)}: no such file or directory"


async def test_a_full_database_costs_no_attempt(
    engine: AsyncEngine, location: store.Location, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often there was no room, a delivery has its one attempt left; it is told once that there was none."""
    monkeypatch.setattr(queues, "OUTAGE_SECONDS_MIN", 0.01)
    monkeypatch.setattr(queues, "OUTAGE_SECONDS_MAX", 0.1)
    waiting = {"lincoln", "washington"}
    async with store.writing(engine) as tx:
        for slug in sorted(waiting):
            (tmp_path / f"{slug}.toml").write_text('name = "One"\ntime_zone = "UTC"\n')
            await sealed(tx, slug)
    stop, walking = asyncio.Event(), _WithoutRoom(engine, 4)

    async def on_closed(delivery: str) -> None:
        waiting.discard(delivery.rpartition("-")[0])
        if not waiting:
            stop.set()

    queue = queue_of(engine, location, tmp_path, walking, on_closed, retry_seconds=0.01, attempts_max=1)
    with capture_logs() as lines:
        async with asyncio.timeout(SECONDS_MAX):
            await queue.run(stop)
    async with store.reading(engine) as tx:
        found = await deliveries.listed(tx)
    assert {(one.state, one.attempts) for one in found} == {(State.SETTLED, 1)}
    assert walking.walks == 6
    told = [line["event"] for line in lines if line["event"] in {journal.DATABASE_LOST, journal.DELIVERY_FAILED}]
    assert told == [journal.DATABASE_LOST]


class _Endless:
    """Stands in for the worker processes: a walk never comes to its end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def run(self, *_: object) -> Walked:
        """Walk one delivery."""
        self.begun.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody ends it")


async def test_a_wanted_end_of_the_daemon_costs_no_attempt(
    engine: AsyncEngine, location: store.Location, tmp_path: Path
) -> None:
    """When the time for finishing is over, what was under way stays sealed and has all its attempts left."""
    (tmp_path / "lincoln.toml").write_text('name = "Lincoln"\ntime_zone = "UTC"\n')
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)
    walking = _Endless()

    async def on_closed(_delivery: str) -> None:
        raise AssertionError("nothing is closed")

    queue = queue_of(engine, location, tmp_path, walking, on_closed)
    stop = asyncio.Event()
    running = asyncio.create_task(queue.run(stop))
    async with asyncio.timeout(SECONDS_MAX):
        await walking.begun.wait()
        async with store.reading(engine) as tx:
            assert (await deliveries.get(tx, delivery)).attempts == 1
        stop.set()
        while not running.done():  # once before it waits for nothing but the walk, perhaps, and then again
            running.cancel()
            await asyncio.wait([running], timeout=1)
    async with store.reading(engine) as tx:
        found = await deliveries.get(tx, delivery)
    assert (found.state, found.attempts) == (State.SEALED, 0)
