"""A whole daemon in this process, and how it ends."""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

import databases
from rostergate import journal
from rostergate.config import Districts, Settings, write_district
from rostergate.service.alone import Alone
from rostergate.service.daemon import Daemon
from rostergate.spool.folders import Area, Spool
from rostergate.store.scope import BUSY_SECONDS_MAX
from running import until
from worker import asked

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_drain_does_not_wait_for_a_transaction_that_goes_on(tmp_path: Path) -> None:
    """When the time is over, a worker that holds the database ends first: whoever waits for it need not any more."""
    spool, begun = Spool(tmp_path / "state"), tmp_path / "begun"
    spool.prepare()
    databases.make(spool.database)
    write_district(tmp_path / "districts", "lakeside", name="Lakeside", time_zone="America/Chicago")
    districts = Districts(tmp_path / "districts")
    districts.load()
    server = {"address": "127.0.0.1", "port": 0, "drain_seconds_max": 1}
    settings = Settings.model_validate(
        {"server": server, "delivery": {"settle_seconds": 0.1}, "disk": {"free_bytes_min": 0}}
    )
    async with Alone(spool.database) as alone:
        daemon = Daemon(settings, districts, spool, spool.database, alone)
        await daemon.start()
        writing = asyncio.create_task(daemon._processes.run(asked.write_for_ever, spool.database, begun))
        with capture_logs() as lines:
            await asyncio.to_thread(until, begun.exists, "the transaction to begin")
            (spool.inbox("lakeside", Area.UPLOAD) / "students.csv").write_text("student_id\n")
            await asyncio.to_thread(
                until, lambda: any(line["event"] == journal.FILE_NOTICED for line in lines), "the file to be noticed"
            )
            async with asyncio.timeout(BUSY_SECONDS_MAX / 2):
                await daemon.drain()
    await asyncio.gather(writing, return_exceptions=True)
    assert [line["complete"] for line in lines if line["event"] == journal.SERVICE_DRAINED][-1] is False
    # One that was killed lets go of its pipes a moment before it is gone.
    await asyncio.to_thread(until, lambda: not multiprocessing.active_children(), "the worker to be gone")
