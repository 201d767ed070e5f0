"""Reports that are due: when they are written, and by how many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

import databases
from rostergate import store
from rostergate.config import Districts, Settings
from rostergate.service import due_reports
from rostergate.service.clock import utc_now
from rostergate.service.due_reports import DueReports
from rostergate.spool.folders import Spool
from rostergate.store import deliveries
from running import SECONDS_MAX
from store.making import AT, REJECTED, concluded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.worker.processes import Processes


class _Written:
    """Stands in for the worker processes: notes which reports are written, and how many at a time."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.reports: list[str] = []
        self.together = 0
        self.meanwhile: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0.01)
        self._under_way = 0

    async def run(self, *asked: object) -> None:
        """Write a report."""
        delivery = cast("str", asked[5])
        self._under_way += 1
        self.together = max(self.together, self._under_way)
        await self.meanwhile()
        async with store.writing(self.engine) as tx:
            await deliveries.reported(tx, delivery, AT)
        self.reports.append(delivery)
        self._under_way -= 1


@pytest.fixture
async def written(tmp_path: Path) -> AsyncIterator[_Written]:
    """Give an empty database's processes."""
    databases.make(tmp_path / "rostergate.db")
    engine = store.open(tmp_path / "rostergate.db")
    yield _Written(engine)
    await engine.dispose()


@pytest.fixture
def of_districts(tmp_path: Path, written: _Written) -> DueReports:
    """Give the reports of two districts."""
    for slug in ("east", "lincoln"):
        (tmp_path / f"{slug}.toml").write_text('name = "One"\ntime_zone = "UTC"\n')
    districts = Districts(tmp_path)
    districts.load()
    database, processes = tmp_path / "rostergate.db", cast("Processes", written)
    return DueReports(Settings(), districts, written.engine, Spool(tmp_path), database, processes, utc_now)


async def _due(engine: AsyncEngine, slug: str) -> str:
    async with store.writing(engine) as tx:
        return await concluded(tx, REJECTED, slug)


async def test_a_report_that_stays_due_is_written(
    of_districts: DueReports, written: _Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is due at the start is written at once, what becomes due later only if it is so at two looks."""
    monkeypatch.setattr(due_reports, "LOOK_SECONDS", 0.02)
    stop, first, due = asyncio.Event(), await _due(written.engine, "east"), list[str]()

    async def another() -> None:
        if due:
            stop.set()
        else:
            due.append(await _due(written.engine, "lincoln"))

    written.meanwhile = another
    async with asyncio.timeout(SECONDS_MAX):
        await of_districts.watch(stop)
    assert written.reports == [first, *due]


async def test_a_report_is_written_once(of_districts: DueReports, written: _Written) -> None:
    """While a district's reports are being written nobody else writes them; another district's are."""
    due = {await _due(written.engine, slug) for slug in ("east", "lincoln")}
    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(*(of_districts.write_due(slug) for slug in ("east", "east", "lincoln")))
    assert (sorted(written.reports), written.together) == (sorted(due), 2)
