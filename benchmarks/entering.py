"""A delivery as the daemon takes it: sealed as it lies in an inbox, then taken down the road."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import district
from rostergate import store
from rostergate.core.policy import Policy
from rostergate.core.verdict import FileFacts
from rostergate.spool import sealing
from rostergate.spool.folders import Area
from rostergate.store import deliveries
from rostergate.worker import road

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.worker.road import Walked

AT: Final = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
"""When every delivery of a benchmark comes."""


class Entered(NamedTuple):
    """A sealed delivery, and what its files took to be hashed and made read-only."""

    delivery: str
    seconds: float
    cpu_seconds: float


async def enter(spool: Spool, slug: str, database: Location | None = None) -> Entered:
    """Begin and seal a delivery of what lies in a district's inbox, as the daemon does."""
    engine = store.open(database or spool.database)
    try:
        return await entered(engine, spool, slug)
    finally:
        await engine.dispose()


async def entered(engine: AsyncEngine, spool: Spool, slug: str) -> Entered:
    """Do what `enter` does, with an engine that is open already."""
    async with store.writing(engine) as tx:
        begun = await deliveries.begin(tx, slug, AT)
    names = [path.name for path in spool.inbox(slug, Area.UPLOAD).iterdir()]
    folder = sealing.gather(spool, slug, Area.UPLOAD, begun.id, names)
    started, cpu = time.monotonic(), time.process_time()
    manifest = await asyncio.to_thread(sealing.freeze, spool, folder, now=AT)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    async with store.writing(engine) as tx:
        await deliveries.seal(
            tx,
            begun.id,
            day=AT.date(),
            files=[FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files],
            content_hash=manifest.content_hash,
            at=AT,
        )
    return Entered(begun.id, seconds, cpu)


def walk(spool: Spool, delivery: str, database: Location | None = None) -> Walked:
    """Take a sealed delivery down the road; this is what a worker process does."""
    return road.walk(spool, database or spool.database, delivery, Policy(), AT)


def delivered(spool: Spool, files: Path, slug: str, database: Location | None = None) -> str:
    """Deliver the files of a folder as the daemon does, up to the sealed delivery; return its id."""
    shutil.copytree(files, spool.inbox(slug, Area.UPLOAD), dirs_exist_ok=True)
    return asyncio.run(enter(spool, slug, database)).delivery


def warm_up(spool: Spool, slug: str, database: Location | None = None) -> None:
    """Take a tiny district down the road, as a worker process has done before: its first day, the next, and that again.

    Every module is loaded, the database is reached, and the statements of each way are compiled.
    """
    today = district.founded(50)
    for one in (today, tomorrow := district.next_day(today), tomorrow):
        with tempfile.TemporaryDirectory() as folder:
            district.write(one.tables, Path(folder))
            walk(spool, delivered(spool, Path(folder), slug, database), database)
