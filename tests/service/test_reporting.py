"""How a report is put together and written, beside whatever else happens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import databases
from rostergate import store
from rostergate.config import Settings, load_district, write_district
from rostergate.desk import report
from rostergate.service import reporting
from rostergate.spool.folders import Spool
from store.making import AT, REJECTED, concluded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from rostergate.desk.story import Story


async def test_an_older_report_that_took_long_leaves_the_newest_page_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery that is concluded and told while an older one's report is written stays on LATEST.txt."""
    spool, database = Spool(tmp_path), tmp_path / "rostergate.db"
    databases.make(database)
    district = load_district(write_district(tmp_path, "lincoln", name="Lincoln", time_zone="UTC"))

    def write(name: str) -> None:
        reporting.write_in_process(spool, database, Settings(), district, name, AT)

    def slowly(folder: Path, story: Story, written: Callable[[Path, Story], object] = report.write) -> None:
        written(folder, story)
        if story.delivery == "lincoln-00001":
            asyncio.run(_another(database))
            write("lincoln-00002")

    monkeypatch.setattr(report, "write", slowly)
    await _another(database)
    await asyncio.to_thread(write, "lincoln-00001")
    assert "lincoln-00002" in (spool.reports("lincoln") / "LATEST.txt").read_text()


async def _another(database: Path) -> None:
    engine = store.open(database)
    async with store.writing(engine) as tx:
        await concluded(tx, REJECTED)
    await engine.dispose()
