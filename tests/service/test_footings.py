from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

import databases
from rostergate import store
from rostergate.config.district import District
from rostergate.core.verdict import FileFacts
from rostergate.errors import StoreError
from rostergate.service.footings import KEPT_MAX, KEPT_SECONDS_MAX, Footings
from rostergate.store import deliveries, slots, undos, verdicts
from rostergate.worker import slot
from store.making import REJECTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

NOON = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)  # at Chicago
DAY = date(2026, 3, 2)
FILE = FileFacts("students.csv", rows=1, bytes=5, sha256="0" * 64)


def district(slug: str) -> District:
    """Return a district by Chicago's calendar."""
    return District(slug=slug, name="Lincoln", time_zone="America/Chicago")


@dataclass
class Desk:
    """Footings on a real store, at a time that the test moves."""

    engine: AsyncEngine
    districts: dict[str, District] = field(default_factory=lambda: {one: district(one) for one in ("lincoln", "east")})
    now: datetime = NOON
    seconds: float = 0.0

    def __post_init__(self) -> None:
        known: Any = self.districts
        self.footings = Footings(self.engine, known, lambda: self.now, monotonic=lambda: self.seconds)

    async def deliver(self, slug: str = "lincoln") -> str:
        """Seal a delivery of one file; return which."""
        async with store.writing(self.engine, slug) as tx:
            begun = await deliveries.begin(tx, slug, self.now)
            await deliveries.seal(tx, begun.id, day=DAY, files=[FILE], content_hash="0", at=self.now)
        return begun.id

    async def delivered(self) -> list[str]:
        """Return which files a district sees of its last delivery."""
        self.footings.forget("lincoln")
        return list((await self.footings.of("lincoln")).delivered)

    async def grant(self, slug: str = "lincoln") -> None:
        """Grant one more upload."""
        async with store.writing(self.engine, slug) as tx:
            await slots.grant(tx, slug, DAY, self.now)

    async def may(self, slug: str = "lincoln") -> bool:
        """Ask whether a district may upload."""
        return (await self.footings.of(slug)).refusal is None


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Open an empty store."""
    databases.make(tmp_path / "rostergate.db")
    engine = store.open(tmp_path / "rostergate.db")
    desk = Desk(engine)
    yield desk
    await desk.footings.close()
    await engine.dispose()


async def test_what_a_district_stands_on(desk: Desk) -> None:
    """Before its delivery a district may upload and sees nothing; after it, its files, and when to come again."""
    before = await desk.footings.of("lincoln")
    assert (before.refusal, before.delivered) == (None, {})
    await desk.deliver()
    desk.footings.forget("lincoln")
    after = await desk.footings.of("lincoln")
    assert "the next is possible from 2026-03-03 00:00" in str(after.refusal)
    assert after.delivered == {"students.csv": (5, NOON)}


async def test_what_has_to_come_again_is_gone(desk: Desk) -> None:
    """Of a delivery that was refused or has failed a district sees nothing, and it may upload again."""
    refused = await desk.deliver()
    assert await desk.delivered() == ["students.csv"]
    async with store.writing(desk.engine, "lincoln") as tx:
        await verdicts.conclude(tx, refused, REJECTED, ground=0, at=NOON)
    assert (await desk.delivered(), await desk.may()) == ([], True)
    failed = await desk.deliver()
    async with store.writing(desk.engine, "lincoln") as tx:
        await deliveries.give_up(tx, failed, "its files are gone", NOON)
    assert (await desk.delivered(), await desk.may()) == ([], True)


async def test_an_undo_hides_no_files(desk: Desk) -> None:
    """What was taken back in the database is still what the district has uploaded last."""
    delivery = await desk.deliver()
    async with store.writing(desk.engine, "lincoln") as tx:
        await undos.begin(tx, delivery, school_id=None, by="Kim", reason="asked by phone", at=NOON)
    assert await desk.delivered() == ["students.csv"]


async def test_kept_for_a_moment(desk: Desk) -> None:
    """What another process changes is seen when the answer is too old, and not before."""
    assert await desk.may()
    await desk.deliver()
    desk.seconds = KEPT_SECONDS_MAX - 1
    assert await desk.may()
    desk.seconds = KEPT_SECONDS_MAX
    assert not await desk.may()


async def test_forgotten_at_once(desk: Desk) -> None:
    """What this daemon changes is seen at once, and only for the district it is about."""
    assert await desk.may("lincoln")
    assert await desk.may("east")
    await desk.deliver("lincoln")
    await desk.deliver("east")
    desk.footings.forget("lincoln")
    assert (await desk.may("lincoln"), await desk.may("east")) == (False, True)


async def test_a_refusal_is_not_kept(desk: Desk) -> None:
    """Whoever is granted another upload can begin at once."""
    await desk.deliver()
    assert not await desk.may()
    await desk.grant()
    assert await desk.may()


async def test_a_new_day(desk: Desk) -> None:
    """An answer of yesterday is none for today, by the district's calendar."""
    desk.now = NOON + timedelta(hours=11)
    assert await desk.may()
    async with store.writing(desk.engine, "lincoln") as tx:
        begun = await deliveries.begin(tx, "lincoln", desk.now)
        tomorrow = DAY + timedelta(days=1)
        await deliveries.seal(tx, begun.id, day=tomorrow, files=[FILE], content_hash="0", at=desk.now)
    assert await desk.may()
    desk.now = NOON + timedelta(hours=12)
    assert not await desk.may()


async def test_a_changed_file_of_the_district(desk: Desk) -> None:
    """A district whose file has changed is asked about again: another time zone is another day."""
    assert await desk.may()
    await desk.deliver()
    desk.districts["lincoln"] = district("lincoln")
    assert not await desk.may()


async def test_an_answer_that_was_overtaken_is_not_kept(desk: Desk) -> None:
    """Something changes while the store is being asked: that answer may be given, but not again."""
    asking = asyncio.create_task(desk.footings.of("lincoln"))
    await asyncio.sleep(0)
    desk.footings.forget("lincoln")
    await asking
    await desk.deliver()
    assert not await desk.may()


async def test_bounded(desk: Desk) -> None:
    """However many districts there are, no more than the limit is remembered."""
    assert await desk.may()
    kept = desk.footings._kept["lincoln"]
    desk.footings._kept.update({str(number): kept for number in range(KEPT_MAX - 1)})
    assert await desk.may("east")
    assert len(desk.footings._kept) == 1


async def test_who_asks_at_once_is_answered_together(desk: Desk) -> None:
    """One transaction for the first, one for all who ask meanwhile, and what each is told is its own."""
    desk.districts |= {slug: district(slug) for slug in map(str, range(20))}
    await desk.deliver("7")
    begun: list[object] = []
    event.listen(desk.engine.sync_engine, "begin", begun.append)
    first = asyncio.create_task(desk.may("lincoln"))
    while not begun:  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0)
    others = await asyncio.gather(*(desk.may(str(number)) for number in range(20)))
    assert await first
    assert [number for number, may in enumerate(others) if not may] == [7]
    assert len(begun) == 2


async def test_who_goes_keeps_nobody_waiting(desk: Desk) -> None:
    """A client that is gone before it has its answer leaves the others theirs."""
    gone = asyncio.create_task(desk.may("lincoln"))
    await asyncio.sleep(0)
    others = [asyncio.create_task(desk.may(slug)) for slug in ("lincoln", "east")]
    await asyncio.sleep(0)
    gone.cancel()
    assert await asyncio.wait_for(asyncio.gather(*others), 60) == [True, True]


async def test_a_store_that_cannot_be_used_is_told_to_all(desk: Desk) -> None:
    """Everybody who waits hears of it at once; who asks later is answered again."""
    async with store.writing(desk.engine) as tx:
        await tx.exec_driver_sql("ALTER TABLE grants RENAME TO away")
    told = await asyncio.gather(*map(desk.may, ("lincoln", "east")), return_exceptions=True)
    assert [type(one) for one in told] == [StoreError, StoreError]
    async with store.writing(desk.engine) as tx:
        await tx.exec_driver_sql("ALTER TABLE away RENAME TO grants")
    assert await asyncio.gather(*map(desk.may, ("lincoln", "east"))) == [True, True]


async def test_what_is_wrong_with_one_district_is_not_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that only one meets fails that one alone."""
    refusal = slot.refusal

    async def faulty(tx: AsyncConnection, one: District, day: date) -> str | None:
        if one.slug == "lincoln":
            raise ValueError(one.slug)
        return await refusal(tx, one, day)

    monkeypatch.setattr(slot, "refusal", faulty)
    told = await asyncio.gather(*map(desk.may, ("lincoln", "east")), return_exceptions=True)
    assert [repr(one) for one in told] == ["ValueError('lincoln')", "True"]
