"""Several districts at once: nobody locks anybody out, and whoever follows the feed meanwhile has all of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from core.rosters import frames, same
from rostergate import store
from rostergate.core.notices import Kind
from rostergate.core.roster import empty
from rostergate.store import deciding, outbox, roster, turns
from rostergate.store import plans as stored
from rostergate.store.feed import Cursor
from running import SECONDS_MAX
from store.making import AT, accepted, concluded, plans
from store.replaying import Platform, told

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

SLUGS = ("east", "north", "south", "west")
SCHOOLS = "ABC"
WANTED = frames(
    schools=[(one, f"School {one}") for one in SCHOOLS],
    students=[(f"s{one}", "Ann") for one in SCHOOLS],
    student_schools=[(one, f"s{one}") for one in SCHOOLS],
)


async def _hold(engine: AsyncEngine) -> dict[str, list[str]]:
    """Let each district have a plan on hold for each school; return them, each district's in another order."""
    found = {}
    for place, slug in enumerate(SLUGS):
        async with store.writing(engine, slug) as tx:
            delivery = await concluded(tx, accepted(plans(empty(), WANTED, held=SCHOOLS)), slug)
            held = [f"{delivery}:{one.hash}" for one in await stored.held(tx, slug)]
        found[slug] = held[place % 3 :] + held[: place % 3]
    return found


async def _release(engine: AsyncEngine, scope: str | None, named: list[str]) -> None:
    async with store.writing(engine, scope) as tx:
        for one in named:
            (plan,) = await deciding.release(tx, [one], "Kim", "checked", AT)
            await outbox.write(tx, Kind.CLOSED, plan.delivery, ["kim@x.example"], AT, district=plan.district)


@pytest.mark.parametrize("together", [False, True], ids=["each in its district", "one across all of them"])
async def test_releases_at_once_all_come_through(engine: AsyncEngine, together: bool) -> None:  # noqa: FBT001
    """Whoever waits for the end of the feed has what others wait for in one order, so none waits for ever or fails."""
    held = await _hold(engine)
    across = [held["north"].pop(), held["east"].pop(), held["north"].pop()] if together else []
    work = [_release(engine, slug, named) for slug, named in held.items()]
    if across:  # as the command does, which is given plans of several districts
        work.insert(1, _release(engine, None, across))
    async with asyncio.timeout(SECONDS_MAX):
        await asyncio.gather(*work)
    async with store.reading(engine) as tx:
        line = await turns.following(tx, 0)
        lines = await told(tx)
        for slug in SLUGS:
            assert same(await roster.load(tx, slug), WANTED)
            platform = Platform()
            platform.take(one for one in lines if one["district"] == slug)
            assert same(platform.roster(), WANTED)
    assert [one.position for one in line] == list(range(1, 1 + len(SLUGS) * (1 + len(SCHOOLS))))


class _Follower:
    """Somebody who follows the feed, each time from the last line that came."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.lines: list[dict[str, Any]] = []
        self._engine = engine
        self._cursor = Cursor()

    async def look(self) -> None:
        """Take what there is."""
        async with store.reading(self._engine) as tx:
            self.lines += await told(tx, after=self._cursor)
        if self.lines:
            self._cursor = Cursor.parse(self.lines[-1]["cursor"])

    async def assert_complete(self) -> None:
        """See that what was taken bit by bit is what comes when all is taken at once."""
        await self.look()
        async with store.reading(self._engine) as tx:
            assert self.lines == await told(tx)


async def _deliver(engine: AsyncEngine, slug: str, times: int = 1) -> None:
    """Let a district have its schools, lose them, have them again."""
    for place in range(times):
        was, be = (WANTED, empty()) if place % 2 else (empty(), WANTED)
        async with store.writing(engine, slug) as tx:
            await concluded(tx, accepted(plans(was, be)), slug)


async def test_who_follows_while_districts_change_misses_nothing(engine: AsyncEngine) -> None:
    """Read at any moment, the feed has no gap that is filled behind the reader: each line comes once, in order."""
    follower = _Follower(engine)
    writing = asyncio.gather(*(_deliver(engine, slug, times=3) for slug in SLUGS))
    async with asyncio.timeout(SECONDS_MAX):
        while not writing.done():
            await follower.look()
            await asyncio.wait([writing], timeout=0.01)
        await writing
    await follower.assert_complete()
    assert len({line["cursor"].partition(".")[0] for line in follower.lines}) == 3 * len(SLUGS)


async def test_nobody_overtakes_a_turn_that_is_not_committed(engine: AsyncEngine) -> None:
    """Who has a place in the line before somebody else is there before, although the other district began later."""
    follower = _Follower(engine)
    async with asyncio.timeout(SECONDS_MAX):
        async with store.writing(engine, "east") as tx:
            await concluded(tx, accepted(plans(empty(), WANTED)), "east")
            quick = asyncio.create_task(_deliver(engine, "west"))
            await asyncio.wait([quick], timeout=0.2)
            assert not quick.done()
            await follower.look()
            assert follower.lines == []
        await follower.look()
        await quick
    await follower.assert_complete()
    assert [*dict.fromkeys(line["district"] for line in follower.lines)] == ["east", "west"]
