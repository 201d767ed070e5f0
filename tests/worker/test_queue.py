"""What the queue makes of a delivery that cannot be decided."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.config import Districts, Settings
from rostergate.service.clock import utc_now
from rostergate.spool.folders import Spool
from rostergate.store import deliveries
from rostergate.worker.processes import Processes
from rostergate.worker.queue import Queue
from store.making import sealed

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine


async def test_an_error_of_the_disk_says_where(engine: AsyncEngine, location: store.Location, tmp_path: Path) -> None:
    """Operators are told which file or folder could not be read, and why; nobody else is."""
    (tmp_path / "lincoln.toml").write_text('name = "Lincoln"\ntime_zone = "UTC"\n')
    districts = Districts(tmp_path)
    districts.load()
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)
    spool, stop, processes = Spool(tmp_path), asyncio.Event(), Processes(1, seconds_max=60)

    async def on_closed(_delivery: str) -> None:
        stop.set()

    queue = Queue(
        settings=Settings.model_validate({"delivery": {"attempts_max": 1}}),
        districts=districts,
        engine=engine,
        database=location,
        spool=spool,
        processes=processes,
        now=utc_now,
        on_closed=on_closed,
    )
    async with asyncio.timeout(60):
        await queue.run(stop)
    await processes.close()
    async with store.reading(engine) as tx:
        found = await deliveries.get(tx, delivery)
    assert found.error == f"{spool.delivery(delivery)}: no such file or directory"
