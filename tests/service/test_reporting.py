"""Reports that were not written when they should have been."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import databases
from rostergate import store
from rostergate.service import reporting
from rostergate.store import deliveries
from running import SECONDS_MAX
from store.making import AT, REJECTED, concluded

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_a_report_that_stays_due_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is still due at a second look is written; what has been written meanwhile is left alone."""
    monkeypatch.setattr(reporting, "LOOK_SECONDS", 0.02)
    path = tmp_path / "rostergate.db"
    databases.make(path)
    engine = store.open(path)
    async with store.writing(engine) as tx:
        left = await concluded(tx, REJECTED, "lincoln")
        await deliveries.reported(tx, await concluded(tx, REJECTED, "east"), AT)
    stop, asked = asyncio.Event(), asyncio.Queue[str]()

    async def write_due(slug: str) -> None:
        async with store.writing(engine) as tx:
            await deliveries.reported(tx, left, AT)
        await asked.put(slug)
        stop.set()

    async with asyncio.timeout(SECONDS_MAX):
        await reporting.watch(stop, engine, write_due)
    await engine.dispose()
    assert asked.get_nowait() == "lincoln"
    assert asked.empty()
