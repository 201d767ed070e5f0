"""Two daemons' queues on one PostgreSQL: no district is taken by both at once, and its deliveries keep their order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from core.rosters import frames, same
from rostergate import store
from rostergate.core.delivery import State
from rostergate.store import deliveries, roster, turns, verdicts
from rostergate.worker import queue
from rostergate.worker.taking import Taking
from running import SECONDS_MAX
from store.making import AT, accepted, plans, sealed
from worker.walking import Walked, queue_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.core.roster import Frames
    from rostergate.worker.queue import Queue
    from servers import PostgreSQL

SLUGS = ("east", "north", "south", "west")
EACH = 3


def _wanted(number: int) -> Frames:
    return frames(schools=[("A", f"Adams {number}")])


class _Walking:
    """Stands in for the worker processes of both: concludes what is taken, and sees who is under way."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.under_way: set[str] = set()
        self.together = 0
        """Districts that were under way at a time, at most."""
        self.taken: list[str] = []
        self._engine = engine

    async def run(self, _: object, __: object, ___: object, delivery: str, *____: object) -> Walked:
        """Walk one delivery, as slowly as its transactions are."""
        district, _dash, number = delivery.rpartition("-")
        assert district not in self.under_way
        self.under_way.add(district)
        self.together = max(self.together, len(self.under_way))
        self.taken.append(delivery)
        async with store.reading(self._engine) as tx:
            ground, now = await roster.ground(tx, district), await roster.load(tx, district)
        async with store.writing(self._engine, district) as tx:
            decided = accepted(plans(now, _wanted(int(number))))
            await verdicts.conclude(tx, delivery, decided, ground=ground, at=AT)
        self.under_way.remove(district)
        return Walked()


@pytest.fixture
def location(postgresql: PostgreSQL, server_database: str) -> store.Server:
    """Return the database that both reach."""
    return postgresql.server(server_database)


@pytest.fixture
def taker(tmp_path: Path, location: store.Server) -> Callable[[AsyncEngine, Any, asyncio.Queue[str]], Queue]:
    """Give what makes a daemon's queue."""
    for slug in SLUGS:
        (tmp_path / f"{slug}.toml").write_text(f'name = "{slug}"\ntime_zone = "UTC"\n')

    def made(engine: AsyncEngine, walking: object, closed: asyncio.Queue[str]) -> Queue:
        return queue_of(engine, location, tmp_path, walking, closed.put, workers=2)

    return made


async def test_two_takers_never_take_the_same_district(
    location: store.Server,
    taker: Callable[[AsyncEngine, Any, asyncio.Queue[str]], Queue],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each delivery is attempted once, by one of the two, each district's oldest first; districts run side by side."""
    monkeypatch.setattr(queue, "TAKEN_SECONDS", 0.01)
    engines = [store.open(location) for _ in range(3)]
    async with store.writing(engines[0]) as tx:
        for _ in range(EACH):
            for slug in SLUGS:
                await sealed(tx, slug)
    walking, closed, stop = _Walking(engines[0]), asyncio.Queue[str](), asyncio.Event()
    running = [asyncio.create_task(taker(engine, walking, closed).run(stop)) for engine in engines[1:]]
    async with asyncio.timeout(SECONDS_MAX):
        told = [await closed.get() for _ in range(EACH * len(SLUGS))]
    stop.set()
    await asyncio.gather(*running)
    async with store.reading(engines[0]) as tx:
        found = await deliveries.listed(tx)
        line = [one.delivery for one in await turns.following(tx, 0)]
        for slug in SLUGS:
            assert same(await roster.load(tx, slug), _wanted(EACH))
    for engine in engines:
        await engine.dispose()
    assert [(one.state, one.attempts) for one in found] == [(State.SETTLED, 1)] * EACH * len(SLUGS)
    assert sorted(told) == sorted(walking.taken) == sorted(line)
    for slug in SLUGS:
        assert [one for one in line if one.startswith(slug)] == [f"{slug}-{1 + number:05d}" for number in range(EACH)]
    assert walking.together > 2, "more than one taker's workers were at it at a time"


async def test_a_district_that_is_taken_is_not_given_away(location: store.Server) -> None:
    """Who asks for a district that another taker has gets nothing; another district, and later this one, is given."""
    engine = store.open(location)
    async with store.writing(engine) as tx:
        first, _, other = await sealed(tx, "east"), await sealed(tx, "east"), await sealed(tx, "west")
    one, two = Taking(engine, location), Taking(engine, location)
    assert await one.waiting() == await two.waiting() == ["east", "west"]
    async with one.taken("east") as mine:
        assert mine
        assert mine.id == first
        async with two.taken("east") as nothing, two.taken("west") as theirs:
            assert nothing is None
            assert theirs
            assert theirs.id == other
    async with two.taken("east") as again:
        assert again
        assert again.id == first
    async with two.taken("north") as nothing:
        assert nothing is None
    await engine.dispose()
