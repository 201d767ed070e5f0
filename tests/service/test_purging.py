"""The daily purge of a daemon, on clocks that the test sets."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

import databases
from rostergate import store
from rostergate.config import Settings
from rostergate.core.notices import Kind
from rostergate.service import purging
from rostergate.service.clock import Clock
from rostergate.service.purging import Outlook
from rostergate.spool.folders import Spool
from rostergate.store import outbox
from rostergate.store.floors import Floor
from rostergate.store.outbox import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Clocks:
    """The wall clock and the monotonic one."""

    wall: datetime = NOW
    seconds: float = 1_000.0

    def pass_by(self, time: timedelta) -> None:
        """Let time pass on both."""
        self.wall += time
        self.seconds += time.total_seconds()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """Give an empty state."""
    spool = Spool(tmp_path)
    spool.prepare()
    databases.make(spool.database)
    engine = store.open(spool.database)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    "jump", [pytest.param(timedelta(days=400), id="years ahead"), pytest.param(-HOUR, id="an hour back")]
)
def test_a_clock_that_jumps_is_not_believed_for_an_hour(jump: timedelta) -> None:
    """It counts from the jump on how long the clock has gone as time does; a slow drift is none."""
    clocks = Clocks()
    clock = Clock(lambda: clocks.wall, lambda: clocks.seconds)
    clocks.pass_by(2 * HOUR)
    clocks.wall += timedelta(seconds=30)
    assert clock.look() == 2 * HOUR
    clocks.wall += jump
    clocks.pass_by(HOUR / 6)
    assert clock.look() == timedelta(0)
    clocks.pass_by(HOUR)
    assert clock.look() == HOUR


def test_what_is_no_report_is_not_taken_for_one(tmp_path: Path) -> None:
    """LATEST.txt stays whatever its age, and a draft is somebody else's to clear away."""
    folder = Spool(tmp_path).reports("lincoln")
    for name in ("lincoln-00001", ".lincoln-00002.draft"):
        (folder / name).mkdir(parents=True)
    (folder / "LATEST.txt").write_text("Accepted")
    (tmp_path / "reports" / "stray.txt").write_text("not a district")
    assert purging._reports(Spool(tmp_path)).keys() == {"lincoln/lincoln-00001"}


async def mail_of(engine: AsyncEngine, at: datetime) -> None:
    """Have three mails of one kind sent, the newest of which always stays."""
    async with store.writing(engine) as tx:
        for about in ("x", "y", "z"):
            await outbox.write(tx, Kind.LATE, about, ["it@example.org"], at, district="lincoln")
        for mail in await outbox.listed(tx):
            await outbox.sent(tx, mail.id, at)


@pytest.mark.parametrize(
    "one",
    [
        {"files": ("lincoln-00001",)},
        {"aside": ("lincoln-00001.unknown",)},
        {"uploads": ("inbox/lincoln",)},
        {"reports": ("lincoln/lincoln-00001",)},
        {"history": ((Floor("lincoln", 1, 1, NOW), 0),)},
        {"mails": 1},
    ],
    ids=lambda one: next(iter(one)),
)
def test_one_kind_of_old_things_is_enough_to_purge(one: dict[str, Any]) -> None:
    """Each kind is a reason of its own; what stays although it is old is none."""
    nothing = Outlook((), (), (), (), (), 0, 0, ("lincoln-00001: its files stay",), NOW, NOW)
    assert nothing.empty
    assert not replace(nothing, **one).empty


async def test_the_daemon_purges_once_a_day_by_a_clock_it_believes(engine: AsyncEngine, tmp_path: Path) -> None:
    """Nothing goes in the first hour, nor after a jump; then what is too old goes, and the log counts it."""
    clocks, looks, stop = Clocks(), asyncio.Event(), asyncio.Event()
    await mail_of(engine, NOW - timedelta(days=91))

    def monotonic() -> float:
        looks.set()
        return clocks.seconds

    async def after_a_look() -> dict[State, int]:
        for _ in range(2):  # the second begins when what follows from the first is done
            looks.clear()
            await asyncio.wait_for(looks.wait(), 60)
        async with store.reading(engine) as tx:
            return await outbox.counts(tx)

    with capture_logs() as log:
        watching = asyncio.create_task(
            purging.watch(
                stop, Settings(), engine, Spool(tmp_path), lambda: clocks.wall, monotonic=monotonic, look_seconds=0.01
            )
        )
        assert (await after_a_look())[State.SENT] == 3
        clocks.wall += timedelta(days=400)
        assert (await after_a_look())[State.SENT] == 3
        clocks.wall -= timedelta(days=400)
        await after_a_look()
        clocks.pass_by(HOUR - timedelta(seconds=1))
        assert (await after_a_look())[State.SENT] == 3
        clocks.pass_by(timedelta(seconds=1))
        async with asyncio.timeout(60):
            while (await after_a_look())[State.SENT] == 3:
                pass
        stop.set()
        await watching
    assert [(one["event"], one["mails"]) for one in log] == [("state.purged", 2)]
