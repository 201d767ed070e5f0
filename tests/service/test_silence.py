from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import databases
from rostergate import store
from rostergate.config import Settings
from rostergate.config.district import District
from rostergate.config.mail import MailSettings
from rostergate.core.notices import Kind
from rostergate.service.silence import missing, watch
from rostergate.store import credentials, deliveries, outbox, undos
from store.making import sealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
TUESDAY = datetime(2026, 9, 1, 17, 0, tzinfo=UTC)
SETTINGS = Settings(mail=MailSettings(host="127.0.0.1", sender="roster@platform.example"))
LINCOLN = District(slug="lincoln", name="Lincoln", time_zone="America/Chicago", recipients=("it@lincoln.example.org",))


@pytest.fixture
async def tx(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    """Give one writing transaction on an empty database."""
    databases.make(tmp_path / "rostergate.db")
    engine = store.open(tmp_path / "rostergate.db")
    async with store.writing(engine) as tx:
        yield tx
    await engine.dispose()


async def delivered(tx: AsyncConnection, days: int, first: datetime = TUESDAY) -> None:
    """Deliver at noon by the district's clock, that many days in a row."""
    for day in range(days):
        at = first + day * DAY
        delivery = await sealed(tx, "lincoln", at.date(), at)
        await tx.exec_driver_sql("UPDATE deliveries SET state = 'settled' WHERE id = ?", (delivery,))


async def told(tx: AsyncConnection, now: datetime, district: District = LINCOLN) -> list[tuple[Kind, object]]:
    """Return what would be told at a time."""
    return [(kind, facts) for kind, _, facts in (await missing(tx, SETTINGS, [district], now)).get("lincoln", [])]


async def test_a_late_day_is_told_by_the_usual_time(tx: AsyncConnection) -> None:
    """After two weeks of noons, nothing by half past one is late; a delivery puts that right."""
    await delivered(tx, 14)
    today = TUESDAY + 14 * DAY
    assert await told(tx, today + timedelta(minutes=89)) == []
    assert await told(tx, today + timedelta(minutes=91)) == [(Kind.LATE, {"by": "12:30", "begun": False})]
    await delivered(tx, 1, today)
    assert await told(tx, today + timedelta(minutes=91)) == []


async def test_an_upload_that_was_begun_is_told_of(tx: AsyncConnection) -> None:
    """Whoever has sent some of the files is not told that nothing came, but where to see what is missing."""
    await delivered(tx, 14)
    today = TUESDAY + 14 * DAY
    await deliveries.begin(tx, "lincoln", today)
    assert await told(tx, today + timedelta(minutes=91)) == [(Kind.LATE, {"by": "12:30", "begun": True})]


async def test_days_of_silence_are_counted_from_the_last_delivery(tx: AsyncConnection) -> None:
    """Nothing before the fourth day, then once per delivery, and once more after a quarter."""
    await delivered(tx, 1)
    assert await told(tx, TUESDAY + 3 * DAY) == []
    assert await told(tx, TUESDAY + 4 * DAY) == [(Kind.SILENT, {"days": 4})]
    about = {(await missing(tx, SETTINGS, [LINCOLN], TUESDAY + day * DAY))["lincoln"][0][1] for day in range(4, 90)}
    assert about == {"lincoln-00001"}
    assert await told(tx, TUESDAY + 90 * DAY) == [(Kind.FORGOTTEN, {"days": 90})]


async def test_a_district_that_never_delivered_is_told_too(tx: AsyncConnection) -> None:
    """Days are counted from its password; one that has none is not expected yet."""
    assert await told(tx, TUESDAY) == []
    await credentials.set_password(tx, "lincoln", "hash", TUESDAY)
    assert await told(tx, TUESDAY + 4 * DAY) == [(Kind.SILENT, {"days": 4})]


async def test_an_operators_undo_is_no_sign_of_life(tx: AsyncConnection) -> None:
    """Only what the district has sent counts."""
    await delivered(tx, 1)
    await undos.begin(tx, "lincoln-00001", school_id=None, by="Kim", reason="a wrong export", at=TUESDAY + 3 * DAY)
    assert await told(tx, TUESDAY + 4 * DAY) == [(Kind.SILENT, {"days": 4})]


async def test_a_disabled_district_is_not_expected(tx: AsyncConnection) -> None:
    """Who cannot log in is not late."""
    await delivered(tx, 1)
    assert await told(tx, TUESDAY + 30 * DAY, LINCOLN.model_copy(update={"enabled": False})) == []


async def test_a_clock_that_was_just_set_misses_nobody(tmp_path: Path) -> None:
    """A jump of a year tells no district of a year's silence before an hour has shown that the clock means it."""
    databases.make(tmp_path / "rostergate.db")
    engine = store.open(tmp_path / "rostergate.db")
    async with store.writing(engine) as tx:
        await delivered(tx, 1)
    wall, seconds, looks, stop = TUESDAY, 0.0, asyncio.Event(), asyncio.Event()

    def monotonic() -> float:
        looks.set()
        return seconds

    async def told_after_looks() -> list[Kind]:
        for _ in range(2):  # the second one begins when the first has ended
            looks.clear()
            await asyncio.wait_for(looks.wait(), 60)
        async with store.reading(engine) as tx:
            return [mail.kind for mail in await outbox.listed(tx)]

    districts: Any = {"lincoln": LINCOLN}
    watching = asyncio.create_task(
        watch(stop, SETTINGS, districts, engine, lambda: wall, monotonic=monotonic, look_seconds=0.01)
    )
    assert await told_after_looks() == []
    wall += 400 * DAY
    assert await told_after_looks() == []
    wall -= 400 * DAY
    wall, seconds = wall + 2 * HOUR, seconds + 7_200
    assert await told_after_looks() == []
    wall, seconds = wall + 4 * DAY, seconds + 4 * 86_400
    assert await told_after_looks() == [Kind.SILENT]
    wall, seconds = wall + 400 * DAY, seconds + 60
    assert await told_after_looks() == [Kind.SILENT]
    wall, seconds = wall + HOUR, seconds + 3_600
    assert set(await told_after_looks()) == {Kind.SILENT, Kind.FORGOTTEN}
    stop.set()
    await watching
    await engine.dispose()


async def test_a_look_at_many_districts_leaves_time_for_others_and_ends_when_told(tmp_path: Path) -> None:
    """A thousand districts are not looked at in one go, and whoever stops the daemon does not wait for the rest."""
    databases.make(tmp_path / "rostergate.db")
    engine, stop, seen = store.open(tmp_path / "rostergate.db"), asyncio.Event(), list[str]()

    class Many(dict[str, District]):
        def get(self, slug: str, default: Any = None) -> Any:
            seen.append(slug)
            if len(seen) == 2:
                stop.set()
            return super().get(slug, default)

    districts: Any = Many((f"d{number}", LINCOLN) for number in range(1_000))
    began = asyncio.get_running_loop().time()
    await asyncio.wait_for(watch(stop, SETTINGS, districts, engine, lambda: TUESDAY, look_seconds=200.0), 60)
    assert seen == ["d0", "d1"]
    assert asyncio.get_running_loop().time() - began >= 0.09
    await engine.dispose()
