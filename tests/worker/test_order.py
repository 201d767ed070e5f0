"""Two deliveries in a row are never applied the other way round."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from core.rosters import frames, same
from rostergate import store
from rostergate.core.delivery import State
from rostergate.core.roster import empty
from rostergate.core.states import IllegalTransition
from rostergate.errors import Refused, StoreError
from rostergate.store import deliveries, roster, turns, verdicts
from store.making import AT, LATER, accepted, plans, sealed
from worker.walking import Walked, queue_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.core.roster import Frames
    from rostergate.spool.folders import Spool

YESTERDAY = frames(schools=[("A", "Adams")])
TODAY = frames(schools=[("A", "Adams Elementary")])


async def _conclude(engine: AsyncEngine, delivery: str, wanted: Frames) -> None:
    async with store.writing(engine) as tx:
        ground = await roster.ground(tx, "lincoln")
        decided = accepted(plans(await roster.load(tx, "lincoln"), wanted))
        await verdicts.conclude(tx, delivery, decided, ground=ground, at=AT)


async def test_the_store_never_applies_the_older_one_after_the_newer(engine: AsyncEngine) -> None:
    """Whoever decides the second first, the first has lost its place: it cannot be tried, concluded or retried."""
    async with store.writing(engine) as tx:
        failed = await sealed(tx)
        await deliveries.give_up(tx, failed, "x", AT)
        older, newer = await sealed(tx), await sealed(tx)
    await _conclude(engine, newer, TODAY)
    with pytest.raises(IllegalTransition):
        await _conclude(engine, older, YESTERDAY)
    async with store.writing(engine) as tx:
        assert (await deliveries.get(tx, older)).state is State.SUPERSEDED
        with pytest.raises(Refused, match="superseded"):
            await deliveries.count_attempt(tx, older)
        with pytest.raises(Refused, match="out of date"):
            await deliveries.retry(tx, failed)
        assert same(await roster.load(tx, "lincoln"), TODAY)
        assert [turn.delivery for turn in await turns.following(tx, 0)] == [newer]


class _Walking:
    """Stands in for the processes: the first walk fails for a passing reason, the others are concluded."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.walked: list[str] = []
        self._engine = engine

    async def run(self, _: object, __: Spool, ___: Path, delivery: str, *____: object) -> Walked:
        """Walk one delivery."""
        self.walked.append(delivery)
        if len(self.walked) == 1:
            raise StoreError
        await _conclude(self._engine, delivery, TODAY if len(self.walked) > 2 else YESTERDAY)
        return Walked()


async def test_the_queue_waits_with_the_newer_one(
    engine: AsyncEngine, location: store.Location, tmp_path: Path
) -> None:
    """While an older delivery waits to be tried again, its district's newer one waits too, whatever the clocks say."""
    (tmp_path / "lincoln.toml").write_text('name = "Lincoln"\ntime_zone = "UTC"\n')
    async with store.writing(engine) as tx:
        older = await sealed(tx, at=LATER)  # a clock that went back in between
        newer = await sealed(tx, at=AT)
    walking, stop = _Walking(engine), asyncio.Event()

    async def on_closed(delivery: str) -> None:
        if delivery == newer:
            stop.set()

    queue = queue_of(engine, location, tmp_path, walking, on_closed, retry_seconds=0.01)
    async with asyncio.timeout(60):
        await queue.run(stop)
    assert walking.walked == [older, older, newer]
    async with store.reading(engine) as tx:
        assert same(await roster.load(tx, "lincoln"), TODAY)
        assert not same(await roster.load(tx, "lincoln"), empty())
