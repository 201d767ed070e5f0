from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

import databases
from core.rosters import frames
from gate.house import until
from mailing import SENDER, mail_server
from rostergate import store
from rostergate.config import Districts, Settings, write_district
from rostergate.config.mail import MailSettings
from rostergate.core.notices import Kind
from rostergate.core.roster import empty
from rostergate.errors import Refused
from rostergate.service import post
from rostergate.service.post import Post
from rostergate.service.release_codes import ReleaseCodes
from rostergate.spool.folders import Spool
from rostergate.store import deciding, outbox, verdicts
from rostergate.store.outbox import State
from store.making import REJECTED, accepted, sealed
from store.making import plans as made

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from mailing import Mailbox

IT, OPERATOR = "it@lincoln.example.org", "ops@platform.example"
AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
ADAMS = frames(schools=[("A", "Adams")], teacher_schools=[("A", "t1")], teachers=[("t1", "Canaria")])


@dataclass
class Office:
    """A post with a real outbox and a real mail server, on a clock that the test moves."""

    box: Mailbox
    engine: AsyncEngine
    spool: Spool
    post: Post
    now: datetime = AT

    async def write(self, kind: Kind, delivery: str | None = None, recipient: str = IT) -> None:
        """Put a mail into the outbox."""
        about, facts = delivery or "lincoln 1", {"by": "21:00", "days": 4}
        async with store.writing(self.engine) as tx:
            await outbox.write(
                tx, kind, about, [recipient], self.now, district="lincoln", delivery=delivery, facts=facts
            )

    async def held(self) -> str:
        """Conclude a delivery with one school on hold, and tell its district."""
        async with store.writing(self.engine) as tx:
            delivery = await sealed(tx)
            await verdicts.conclude(tx, delivery, accepted(made(empty(), ADAMS, held="A")), ground=0, at=AT)
        await self.write(Kind.HELD, delivery)
        return delivery

    async def mails(self) -> list[outbox.Mail]:
        """Return what is in the outbox, oldest first."""
        async with store.reading(self.engine) as tx:
            return (await outbox.listed(tx))[::-1]


@asynccontextmanager
async def office(folder: Path, **rest: object) -> AsyncIterator[Office]:
    """Give a post on a state of its own."""
    spool = Spool(folder / "state")
    spool.prepare()
    databases.make(spool.database)
    write_district(folder / "districts", "lincoln", name="Lincoln Unified", time_zone="America/Chicago")
    districts = Districts(folder / "districts")
    districts.load()
    engine = store.open(spool.database)
    async with mail_server() as box:
        usual = {"host": "127.0.0.1", "port": box.port, "security": "none", "sender": SENDER, "operators": [OPERATOR]}
        settings = Settings(mail=MailSettings.model_validate(usual | rest))
        given: list[Office] = []
        office_post = Post(
            settings=settings,
            districts=districts,
            engine=engine,
            spool=spool,
            now=lambda: given[0].now,
            templates=folder / "templates",
        )
        given.append(Office(box, engine, spool, office_post))
        yield given[0]
    await engine.dispose()


async def test_what_is_due_is_sent_once(tmp_path: Path) -> None:
    """A mail goes to its recipient, is closed, and is not sent again."""
    async with office(tmp_path) as here:
        await here.write(Kind.LATE)
        await here.post.send_due()
        await here.post.send_due()
        assert [one["Subject"] for one in here.box.messages] == [
            "Lincoln Unified: no roster yet, it usually arrives by 21:00"
        ]
        assert here.box.recipients == [IT]
        assert [one.state for one in await here.mails()] == [State.SENT]


async def test_a_crash_after_sending_repeats_the_same_message(tmp_path: Path) -> None:
    """A mail that was taken but never noted as sent goes out again under the same Message-ID."""
    async with office(tmp_path) as here:
        await here.write(Kind.LATE)
        (mail,) = await here.mails()
        await here.post.send_due()
        async with store.writing(here.engine) as tx:
            await outbox.retry(tx, mail.id, mail.written_at)
        await here.post.send_due()
        first, second = here.box.messages
        assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("retry_seconds", "expected"),
    [(60, [60, 120, 240, 480, 960]), (3_600, [3_600, 7_200, 14_400, 21_600, 21_600])],
    ids=["a minute", "an hour"],
)
async def test_what_was_not_taken_is_tried_later_and_later(
    tmp_path: Path, retry_seconds: int, expected: list[int]
) -> None:
    """Each try waits twice as long, at most six hours; nothing is lost while the server is away."""
    async with office(tmp_path, retry_seconds=retry_seconds) as here:
        here.box.rcpt_answer = "450 4.2.0 come back later"
        await here.write(Kind.LATE)
        waits = []
        for _ in expected:
            await here.post.send_due()
            (mail,) = await here.mails()
            waits.append((mail.next_try_at - here.now).total_seconds())
            here.now = mail.next_try_at
        assert waits == expected
        here.box.rcpt_answer = "250 OK"
        await here.post.send_due()
        assert len(here.box.messages) == 1


@pytest.mark.parametrize(
    ("bound", "hours"), [pytest.param({"tries_max": 2}, 1, id="tries"), pytest.param({"age_hours_max": 1}, 1, id="age")]
)
async def test_nothing_is_tried_for_ever(tmp_path: Path, bound: dict[str, int], hours: int) -> None:
    """After so many tries, or hours, a mail is given up and the operators are told, once a day."""
    async with office(tmp_path, **bound) as here:
        here.box.rcpt_answer = "450 4.2.0 come back later"
        await here.write(Kind.LATE)
        await here.write(Kind.SILENT)
        await here.post.send_due()
        here.now += timedelta(hours=hours)
        await here.post.send_due()
        states = {(one.kind, one.recipient): one.state for one in await here.mails()}
        assert states == {
            (Kind.LATE, IT): State.DEAD,
            (Kind.SILENT, IT): State.DEAD,
            (Kind.DEAD, OPERATOR): State.WAITING,
        }
        here.box.rcpt_answer = "250 OK"
        await here.post.send_due()
        assert [one["Subject"].partition(": ")[2] for one in here.box.messages] == ["2 mails could not be delivered"]


async def test_what_is_refused_for_good_is_given_up_at_once(tmp_path: Path) -> None:
    """A recipient that does not exist is not asked again, and does not stop the others."""
    async with office(tmp_path) as here:
        here.box.rcpt_answer = "550 5.1.1 no such user"
        await here.write(Kind.LATE, recipient="gone@lincoln.example.org")
        await here.post.send_due()
        here.box.rcpt_answer = "250 OK"
        await here.write(Kind.LATE)
        await here.post.send_due()
        gone, told, _ = await here.mails()
        assert (gone.state, gone.error) == (State.DEAD, "550 5.1.1 no such user")
        assert (told.kind, told.recipient) == (Kind.DEAD, OPERATOR)
        assert here.box.recipients == [OPERATOR, IT]


async def test_an_answer_in_any_encoding_can_be_kept(tmp_path: Path) -> None:
    """A server that answers in Latin-1, or with control characters, stops neither the other mail nor the daemon."""
    async with office(tmp_path) as here:
        here.box.rcpt_answer = "550 5.2.2 boîte\tpleine\x00"
        await here.write(Kind.LATE)
        await here.post.send_due()
        refused, _ = await here.mails()
        assert (refused.state, refused.error) == (State.DEAD, "550 5.2.2 bo?te pleine?")


async def test_what_is_not_so_any_more_is_not_sent(tmp_path: Path) -> None:
    """A delivery comes while the mail server is away: nobody hears afterwards that it is late."""
    async with office(tmp_path) as here:
        here.box.rcpt_answer = "450 4.2.0 come back later"
        await here.write(Kind.LATE)
        await here.post.send_due()
        here.box.rcpt_answer = "250 OK"
        here.now += timedelta(hours=1)
        async with store.writing(here.engine) as tx:
            await sealed(tx, at=here.now)
        with capture_logs() as log:
            await here.post.send_due()
        assert (here.box.messages, await here.mails()) == ([], [])
        assert [one["event"] for one in log] == ["mail.dropped"]


async def test_mail_about_the_mail_does_not_follow_itself(tmp_path: Path) -> None:
    """When the operators cannot be told either, that is not told."""
    async with office(tmp_path, tries_max=1) as here:
        here.box.rcpt_answer = "450 4.2.0 come back later"
        await here.write(Kind.LATE)
        for _ in range(3):
            await here.post.send_due()
            here.now += timedelta(days=1)
        assert [one.kind for one in await here.mails()] == [Kind.LATE, Kind.DEAD]


async def test_a_password_that_cannot_be_read_loses_no_mail(tmp_path: Path) -> None:
    """The operator mends the file, and everything goes out."""
    secret = tmp_path / "secret"
    rest = {"username": "roster", "password_file": str(secret), "security": "starttls"}
    async with office(tmp_path, **rest) as here:
        await here.write(Kind.LATE)
        await here.post.send_due()
        (mail,) = await here.mails()
        assert mail.state is State.WAITING
        assert mail.error is not None
        assert str(secret) in mail.error


async def test_a_hold_can_be_released_with_the_code_of_its_mail(tmp_path: Path) -> None:
    """The code in the mail names exactly the plan that was held, once, and until it expires."""
    async with office(tmp_path, release_code_hours_max=72) as here:
        delivery = await here.held()
        await here.post.send_due()
        (mail,) = here.box.messages
        body = mail.get_body(("plain",))
        assert body is not None
        (code,) = re.findall(r"Release code: (\S+)", body.get_content())
        codes = ReleaseCodes(here.spool, 72)
        async with store.writing(here.engine) as tx:
            plan = await codes.plan(tx, code.lower(), AT + timedelta(hours=71))
            assert (plan.delivery, plan.school_id) == (delivery, "A")
            with pytest.raises(Refused, match="expired"):
                await codes.plan(tx, code, AT + timedelta(hours=72))
            with pytest.raises(Refused, match="no release code of this server"):
                await codes.plan(tx, code[::-1], AT)
            await deciding.release(tx, [plan.plan], "Jo Operator", "confirmed by phone", AT)
            with pytest.raises(Refused, match="has been used or is out of date"):
                await codes.plan(tx, code, AT)


async def test_no_cell_of_a_file_is_in_a_subject_or_the_log(tmp_path: Path) -> None:
    """A person's and a school's name stand in neither."""
    async with office(tmp_path) as here:
        await here.held()
        with capture_logs() as log:
            await here.post.send_due()
        (mail,) = here.box.messages
        assert [one["event"] for one in log] == ["mail.sent"]
        for name in ("Canaria", "Adams"):
            assert name not in mail["Subject"]
            assert name not in str(log)
        assert IT not in str(log)
        body = mail.get_body(("plain",))
        assert body is not None
        assert "Canaria" not in body.get_content()


async def test_a_district_that_is_gone_is_told_nothing(tmp_path: Path) -> None:
    """Its mail is given up, with the reason."""
    async with office(tmp_path) as here:
        async with store.writing(here.engine) as tx:
            await outbox.write(tx, Kind.LATE, "x", [IT], AT, district="closed", facts={"by": "21:00"})
        await here.post.send_due()
        mail = next(one for one in await here.mails() if one.kind is Kind.LATE)
        assert (mail.state, mail.error) == (State.DEAD, "district closed has no configuration any more")


async def test_a_broken_template_costs_no_mail(tmp_path: Path) -> None:
    """The house's own is sent, and the log says what is wrong with the operator's."""
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "late.txt.j2").write_text("{% if %}")
    async with office(tmp_path) as here:
        await here.write(Kind.LATE)
        with capture_logs() as log:
            await here.post.send_due()
        assert len(here.box.messages) == 1
    assert "template.refused" in [one["event"] for one in log]


async def test_a_mail_that_cannot_be_made_stops_no_other(tmp_path: Path) -> None:
    """It is tried again, and given up in the end; the log tells which and why, without what it was to say."""
    async with office(tmp_path, tries_max=2) as here:
        async with store.writing(here.engine) as tx:
            await outbox.write(tx, Kind.SILENT, "x", [IT], AT, district="lincoln", facts={"days": "Canaria"})
        await here.write(Kind.LATE)
        with capture_logs() as log:
            await here.post.send_due()
            here.now += timedelta(hours=1)
            await here.post.send_due()
        assert [one["Subject"].partition(": ")[2][:16] for one in here.box.messages] == ["no roster yet, i"]
        first = next(one for one in await here.mails() if one.kind is Kind.SILENT)
        assert (first.state, first.error) == (State.DEAD, "the mail could not be made: ValueError")
        assert [one["event"] for one in log] == ["mail.failed", "mail.sent", "mail.abandoned"]


async def test_findings_are_attached_only_where_that_is_wanted(tmp_path: Path) -> None:
    """By default nothing is attached."""
    for attach, names in ((False, []), (True, ["findings.csv"])):
        async with office(tmp_path / str(attach), attach_findings=attach) as here:
            async with store.writing(here.engine) as tx:
                delivery = await sealed(tx)
                await verdicts.conclude(tx, delivery, REJECTED, ground=0, at=AT)
            await here.write(Kind.REFUSED, delivery)
            await here.post.send_due()
            (mail,) = here.box.messages
            assert [one.get_filename() for one in mail.iter_attachments()] == names


async def test_the_post_works_until_it_is_stopped(tmp_path: Path) -> None:
    """A hint is enough to have a mail sent; a stop ends it."""
    async with office(tmp_path) as here:
        stop = asyncio.Event()
        running = asyncio.create_task(here.post.run(stop))
        await here.write(Kind.LATE)
        async with asyncio.timeout(60):
            while not here.box.messages:
                here.post.look()
                await asyncio.sleep(0.01)
        stop.set()
        await asyncio.wait_for(running, 60)


async def test_a_server_that_never_answers_holds_up_no_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail that is under way is left after some seconds, and sent after the next start."""
    monkeypatch.setattr(post, "STOP_SECONDS", 0.1)
    async with office(tmp_path, send_seconds_max=600) as here:
        here.box.deaf = True
        await here.write(Kind.LATE)
        stop = asyncio.Event()
        running = asyncio.create_task(here.post.run(stop))
        await until(lambda: bool(here.box.connections), 60)
        stop.set()
        await asyncio.wait_for(running, 60)
        assert [one.state for one in await here.mails()] == [State.WAITING]


async def test_a_database_that_is_away_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told in the log; what is in the outbox goes out when the database is back, without a hint."""
    monkeypatch.setattr(post, "OUTAGE_SECONDS", 0.01)
    async with office(tmp_path) as here:
        await here.write(Kind.LATE)
        stop = asyncio.Event()
        with capture_logs() as log, closing(sqlite3.connect(here.spool.database)) as database:
            database.execute("ALTER TABLE outbox RENAME TO away")
            running = asyncio.create_task(here.post.run(stop))
            await until(lambda: bool(log) or running.done(), 60)
            database.execute("ALTER TABLE away RENAME TO outbox")
            await until(lambda: bool(here.box.messages) or running.done(), 60)
            stop.set()
            await asyncio.wait_for(running, 60)
        told = [(one["event"], one["log_level"], one.get("part")) for one in log]
        assert told == [
            ("database.lost", "error", "post"),
            ("mail.sent", "info", None),
            ("database.found", "info", "post"),
        ]


async def test_a_hint_is_good_for_one_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is followed at once; then the database is left alone until the next, and nothing stays running in the end."""
    monkeypatch.setattr(post, "LOOK_SECONDS", 3_600.0)
    async with office(tmp_path) as here:
        looks: list[None] = []
        event.listen(here.engine.sync_engine, "commit", lambda _: looks.append(None))
        before, stop = asyncio.all_tasks(), asyncio.Event()
        running = asyncio.create_task(here.post.run(stop))
        await until(lambda: len(looks) >= 1, 60)
        here.post.look()
        await until(lambda: len(looks) >= 2, 60)
        own = 20
        for _ in range(own):
            await here.mails()
        seen = len(looks)
        stop.set()
        await asyncio.wait_for(running, 60)
        await asyncio.sleep(0)
        assert seen == 2 + own
        assert asyncio.all_tasks() == before


async def test_without_a_mail_server_nothing_is_sent(tmp_path: Path) -> None:
    """There is nothing to wait for, and what is in the outbox stays as it is."""
    async with office(tmp_path, host="") as here:
        await here.write(Kind.LATE)
        await asyncio.wait_for(here.post.run(asyncio.Event()), 60)
        assert [(one.state, one.tries) for one in await here.mails()] == [(State.WAITING, 0)]
