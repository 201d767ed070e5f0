from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import asyncssh
import pytest

import databases
from core.rosters import frames
from rostergate import store
from rostergate.config import Settings
from rostergate.config.district import District
from rostergate.config.mail import MailSettings
from rostergate.core.completeness import Mixed, Overdue, Waiting
from rostergate.core.notices import Kind
from rostergate.core.roster import empty
from rostergate.service.notices import fingerprints, is_past, tell_access, tell_closed, tell_unfinished
from rostergate.spool.folders import Spool
from rostergate.store import deciding, deliveries, outbox, plans, verdicts
from store.making import DAY as DAY_BEGUN
from store.making import FILES, accepted, sealed
from store.making import plans as made

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
    databases.make(tmp_path / "rostergate.db")
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


async def test_the_mail_says_which_files_it_is_about(tx: AsyncConnection) -> None:
    """Those that are missing, and those that are older than the rest; the district's own people are told."""
    for judgement in (OVERDUE, Mixed(("students.csv",))):
        assert await told(tx, judgement, EVENING, EVENING) == 1
    mails = (await outbox.listed(tx))[::-1]
    assert [mail.facts for mail in mails] == [{"missing": ["classes.csv"]}, {"old": ["students.csv"]}]
    assert {(mail.recipient, mail.district) for mail in mails} == {(IT, "lincoln")}


async def test_what_was_cut_off_alone_is_not_told(tx: AsyncConnection) -> None:
    """Before the first whole file no delivery has begun, and LATEST.txt tells."""
    east = District(slug="east", name="East", time_zone="America/Chicago", recipients=(IT,))
    assert await tell_unfinished(tx, SETTINGS, east, OVERDUE, EVENING, newest=EVENING) == 0


async def test_credentials_are_told_each_time_without_them(tx: AsyncConnection, tmp_path: Path) -> None:
    """Twice in a day is twice; the mail carries the host keys' fingerprints, by which the server is known."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    assert fingerprints(spool) == []
    key = asyncssh.generate_private_key("ssh-ed25519")
    (spool.keys / "ssh_host_ed25519_key").write_bytes(key.export_private_key())
    (spool.keys / "ssh_host_ed25519_key.pub").write_bytes(key.export_public_key())
    for at in (EVENING, EVENING + timedelta(seconds=1)):
        assert await tell_access(tx, SETTINGS, LINCOLN, spool, at) == 1
    expected = {"fingerprints": [f"ssh-ed25519 {key.get_fingerprint()}"]}
    assert [(mail.kind, mail.facts) for mail in await outbox.listed(tx)] == [(Kind.ACCESS, expected)] * 2


async def test_a_decision_is_told_once_all_is_decided(tx: AsyncConnection) -> None:
    """As long as another school of the delivery waits, nothing is told; that needs no mail about the hold itself."""
    settings = Settings(mail=SETTINGS.mail.model_copy(update={"leave_out": (Kind.HELD,)}))
    delivery = await sealed(tx)
    both = frames(schools=[("A", "Adams"), ("B", "Baker")])
    await verdicts.conclude(tx, delivery, accepted(made(empty(), both, held="AB")), ground=0, at=EVENING)
    for plan, mails in zip(await plans.held(tx), ([], [(Kind.CLOSED, delivery, IT)]), strict=True):
        await deciding.discard(tx, [plan.hash], "Kim", "a mistake", EVENING)
        await tell_closed(tx, settings, LINCOLN, [delivery], EVENING)
        assert [(mail.kind, mail.delivery, mail.recipient) for mail in await outbox.listed(tx)] == mails


async def mail(tx: AsyncConnection, kind: Kind, about: str, delivery: str | None = None) -> outbox.Mail:
    """Write a mail and return it."""
    await outbox.write(tx, kind, about, [IT], EVENING, district="lincoln", delivery=delivery)
    return (await outbox.listed(tx))[0]


@pytest.mark.parametrize("kind", [Kind.OVERDUE, Kind.MIXED, Kind.LATE, Kind.SILENT, Kind.FORGOTTEN])
async def test_what_is_missing_is_so_until_it_has_come(tx: AsyncConnection, kind: Kind) -> None:
    """With the set complete, nothing is late, and nothing unfinished; the next upload has its own mail."""
    begun = await deliveries.receiving(tx, "lincoln")
    assert begun
    told = await mail(tx, kind, f"{begun.id} {DAY_BEGUN}")
    assert not await is_past(tx, told)
    at = EVENING + DAY / 24
    await deliveries.seal(tx, begun.id, day=DAY_BEGUN, files=FILES, content_hash="cd" * 32, at=at)
    assert await is_past(tx, told)
    await deliveries.begin(tx, "lincoln", at)
    assert await is_past(tx, told)


async def test_what_is_decided_was_received_and_what_is_tried_again_has_not_failed(tx: AsyncConnection) -> None:
    """Receipt is told until the decision, a failure until somebody lets it be tried again."""
    delivery = await sealed(tx, "oakdale")
    received = await mail(tx, Kind.RECEIVED, delivery, delivery)
    assert not await is_past(tx, received)
    await deliveries.give_up(tx, delivery, "the database was locked", EVENING)
    failed = await mail(tx, Kind.FAILED, delivery, delivery)
    assert (await is_past(tx, received), await is_past(tx, failed)) == (True, False)
    await deliveries.retry(tx, delivery)
    assert await is_past(tx, failed)


async def test_what_says_how_it_stands_is_never_past(tx: AsyncConnection) -> None:
    """What became of a delivery is told as it stands when it is sent, and access once it was issued."""
    await sealed(tx, "oakdale", at=EVENING + DAY)
    for kind in (Kind.HELD, Kind.APPLIED, Kind.CLOSED, Kind.ACCESS):
        assert not await is_past(tx, await mail(tx, kind, "lincoln-00001", "lincoln-00001"))
