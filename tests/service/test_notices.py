from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rostergate import store
from rostergate.config import Settings
from rostergate.config.district import District
from rostergate.config.mail import MailSettings
from rostergate.core.completeness import Mixed, Overdue, Waiting
from rostergate.core.notices import Kind
from rostergate.service.notices import tell_unfinished
from rostergate.store import deliveries, outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.completeness import Judgement

EVENING = datetime(2026, 9, 2, 2, 0, tzinfo=UTC)  # 21:00 on the first in Chicago
DAY = timedelta(days=1)
IT = "it@lincoln.example.org"
SETTINGS = Settings(mail=MailSettings(host="127.0.0.1", sender="roster@platform.example"))
LINCOLN = District(slug="lincoln", name="Lincoln", time_zone="America/Chicago", recipients=(IT,))
OVERDUE = Overdue(("classes.csv",))


@pytest.fixture
async def tx(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    """Give one writing transaction on a database in which a district's first delivery has begun."""
    store.upgrade(tmp_path / "rostergate.db")
    engine = store.open(tmp_path / "rostergate.db")
    async with store.writing(engine) as tx:
        await deliveries.begin(tx, "lincoln", EVENING)
        yield tx
    await engine.dispose()


async def told(tx: AsyncConnection, judgement: Judgement | None, newest: datetime, at: datetime) -> int:
    """Return how many mails are written about an upload whose newest file began then."""
    return await tell_unfinished(tx, SETTINGS, LINCOLN, judgement, at, newest=newest)


async def test_a_set_is_told_once_a_night(tx: AsyncConnection) -> None:
    """Neither a second look, nor a restart days later, nor another missing file of that night tells it again."""
    assert await told(tx, OVERDUE, EVENING, EVENING + DAY / 4) == 1
    assert await told(tx, OVERDUE, EVENING, EVENING + 3 * DAY) == 0
    assert await told(tx, Overdue(("students.csv",)), EVENING + DAY / 12, EVENING + DAY / 2) == 0
    assert await told(tx, Mixed(("students.csv",)), EVENING, EVENING + DAY / 2) == 1


async def test_the_next_night_is_told_anew(tx: AsyncConnection) -> None:
    """A district whose export fails each night in the same way hears of it each night."""
    for night in range(3):
        newest = EVENING + night * DAY
        assert await told(tx, OVERDUE, newest, newest + DAY / 4) == 1
    mails = await outbox.about_delivery(tx, "lincoln-00001")
    assert [(mail.kind, mail.about) for mail in mails] == [
        (Kind.OVERDUE, f"lincoln-00001 2026-09-0{day}") for day in (1, 2, 3)
    ]


async def test_what_goes_on_by_itself_is_not_told(tx: AsyncConnection) -> None:
    """A set that only waits, or is gone, is nobody's trouble."""
    for judgement in (Waiting(("classes.csv",), 60.0), None):
        assert await told(tx, judgement, EVENING, EVENING) == 0
