"""The mail of a whole daemon: each kind is caused as it is in life, and arrives at a real mail server."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from mailing import SENDER, mail_server_beside
from rostergate.cli import sample
from running import Rostergate, until
from wholes import as_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from mailing import Mailbox

IT, OPERATOR = "it@lakeside.example.org", "ops@platform.example"
SAID = ("--by", "Kim", "--reason", "confirmed by phone")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Give a mail server."""
    with mail_server_beside() as box:
        yield box


@pytest.fixture
def rostergate(tmp_path: Path, box: Mailbox) -> Rostergate:
    """Give a rostergate whose mail goes to that server, with one district and no daemon yet."""
    one = Rostergate(
        tmp_path,
        {
            "ROSTERGATE_MAIL__HOST": "127.0.0.1",
            "ROSTERGATE_MAIL__PORT": str(box.port),
            "ROSTERGATE_MAIL__SECURITY": "none",
            "ROSTERGATE_MAIL__SENDER": SENDER,
            "ROSTERGATE_MAIL__OPERATORS": f'["{OPERATOR}"]',
            "ROSTERGATE_MAIL__RECEIVED_AFTER_MINUTES": "0",
        },
    )
    one.add_district()
    district = one.config / "districts" / "lakeside.toml"
    district.write_text(f'recipients = ["{IT}"]\n{district.read_text()}')
    return one


def kind_of(mail: EmailMessage) -> str:
    """Return what a mail is about, as its Message-ID says."""
    return str(mail["Message-ID"]).split(".")[1]


def arrived(box: Mailbox, **wanted: int) -> None:
    """Wait until so many mails of each kind have arrived and the rest of the outbox is none of them."""
    found: list[Counter[str]] = [Counter()]

    def there() -> bool:
        found[0] = Counter(kind_of(mail) for mail in box.messages)
        return found[0] >= Counter(wanted)

    try:
        until(there, "mail")
    except AssertionError as late:
        raise AssertionError(f"{late}: {found[0]} instead of {wanted}") from None
    assert found[0] == Counter(wanted)


def changed(rostergate: Rostergate, statement: str, *values: Any) -> None:
    """Change the database as time or an accident would have; no daemon must run."""
    with closing(sqlite3.connect(rostergate.spool.database)) as database, database:
        database.execute(statement, values)


def due(rostergate: Rostergate, where: str, ago: timedelta) -> None:
    """Let a delivery have been sealed so long ago by the district's clocks; no daemon must run."""
    at = moment(datetime.now(ZoneInfo("America/Chicago")) - ago)
    changed(rostergate, f"UPDATE deliveries SET sealed_at = ?, began_at = ? WHERE {where}", at, at)


def moment(at: datetime) -> str:
    """Return a time as SQLite keeps it."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def nameless(files: sample.FileSet) -> dict[str, bytes]:
    """Return the set with one student whose first name is missing: that row is left out."""
    header, first, *rest = files["students.csv"]
    place = header.index("first_name")
    return as_files({**files, "students.csv": [header, [*first[:place], "", *first[place + 1 :]], *rest]})


async def test_a_district_is_told_each_step_of_its_deliveries(
    rostergate: Rostergate, box: Mailbox, files: dict[str, bytes]
) -> None:
    """Access, received, applied, held, closed, refused, faults when they change, and an undo, once each."""
    rostergate.passwords["lakeside"] = rostergate.answer("district", "password", "lakeside")["password"]
    faulty = nameless(sample.file_set())
    steps = (
        (files, "settled", ("received", "applied")),
        (as_files(sample.without_half_of(sample.file_set(), "100")), "planned", ("received", "held")),
        (as_files(sample.with_ragged_row(sample.file_set(), "students.csv", 42)), "rejected", ("received", "refused")),
        (faulty, "settled", ("received", "faults")),
        (faulty, "settled", ("received",)),
    )
    expected = Counter(access=1)
    with rostergate.daemon():
        for number, (sent, state, told) in enumerate(steps, 1):
            if state != "settled" or number > 1:
                rostergate.run("district", "grant", "lakeside")
            await rostergate.upload(sent)
            rostergate.reached(state, number)
            expected.update(told)
            if state == "planned":
                rostergate.run("discard", "--delivery", f"lakeside-{number:05}", *SAID)
                expected["closed"] += 1
            arrived(box, **expected)
        rostergate.run("undo", "lakeside-00001", "--yes", *SAID)
        arrived(box, **(expected + Counter(held=1)))
    assert set(box.recipients) == {IT}
    told = " ".join(" ".join(mail["Subject"] for mail in box.messages).split())
    assert "the platform's operator takes back what delivery lakeside-00001 changed" in told
    assert [list(mail.iter_attachments()) for mail in box.messages] == [[]] * len(box.messages)
    cells = {cell for rows in sample.file_set().values() for row in rows[1:] for cell in row if len(cell) > 2}
    assert cells & set(told.replace(",", " ").split()) == set()


async def test_a_set_that_does_not_go_on_is_told(rostergate: Rostergate, box: Mailbox, files: dict[str, bytes]) -> None:
    """One that lacks a file for too long, then one whose files are of two exports: once each."""
    part = {name: data for name, data in files.items() if name != "classes.csv"}
    with rostergate.daemon({"ROSTERGATE_DELIVERY__OVERDUE_HOURS": "0.0001"}):
        await rostergate.upload(part)
        arrived(box, overdue=1)
    (mail,) = box.messages
    assert mail["Subject"] == "Lakeside: roster upload not complete, 1 file missing"
    old = rostergate.spool.inbox("lakeside") / "schools.csv"
    began = old.stat().st_mtime - 90_000
    os.utime(old, (began, began))
    rostergate.age_receiving(began)
    with rostergate.daemon():
        await rostergate.upload({"classes.csv": files["classes.csv"]})
        arrived(box, overdue=1, mixed=1)
    assert box.messages[1]["Subject"] == "Lakeside: roster upload mixed, 1 file of an older export"


async def test_a_district_that_sends_nothing_is_told(
    rostergate: Rostergate, box: Mailbox, files: dict[str, bytes]
) -> None:
    """After four days, and after ninety, once each, however often the daemon starts."""
    with rostergate.daemon():
        await rostergate.upload(files)
        rostergate.reached("settled")
        arrived(box, received=1, applied=1)
    for days, told in ((5, {"silent": 1}), (91, {"silent": 1, "forgotten": 1})):
        due(rostergate, "number = 1", timedelta(days=days))
        for _ in range(2):
            with rostergate.daemon():
                arrived(box, received=1, applied=1, **told)
    silent, forgotten = (mail["Subject"] for mail in box.messages[2:])
    midnight = "or a day more, when the district's midnight has just passed"
    assert silent in ("Lakeside: no roster for 5 days", "Lakeside: no roster for 6 days"), midnight
    assert forgotten in ("Lakeside: no roster for 91 days", "Lakeside: no roster for 92 days"), midnight


async def test_a_delivery_that_is_late_tonight_is_told(rostergate: Rostergate, box: Mailbox) -> None:
    """A district whose rosters of the last weeks came by some hour hears of it when that hour has passed."""
    now = datetime.now(UTC)
    noon_here = next(f"Etc/GMT{shift:+d}" for shift in range(-14, 13) if (now.hour - shift) % 24 == 12)
    district = rostergate.config / "districts" / "lakeside.toml"
    district.write_text(district.read_text().replace("America/Chicago", noon_here))
    for number, ago in enumerate(range(21, 0, -1), 1):
        at = moment(now - timedelta(days=ago, hours=4))
        changed(
            rostergate,
            "INSERT INTO deliveries (id, district, number, state, began_at, sealed_at, closed_at, reported_at, "
            "attempts, files) VALUES (?, 'lakeside', ?, 'superseded', ?, ?, ?, ?, 1, '[]')",
            *(f"lakeside-{number:05}", number, at, at, at, at),
        )
    with rostergate.daemon():
        arrived(box, late=1)
    assert box.messages[0]["Subject"].startswith("Lakeside: no roster yet, it usually arrives by ")


async def test_what_fails_is_told_to_everybody_and_dead_mail_to_the_operators(
    rostergate: Rostergate, box: Mailbox, files: dict[str, bytes]
) -> None:
    """A delivery whose files are gone fails; mail that is refused for good is told to whoever can be reached."""
    with rostergate.daemon():
        await rostergate.upload(files)
        rostergate.reached("settled")
        arrived(box, received=1, applied=1)
    changed(rostergate, "UPDATE deliveries SET state = 'sealed'")
    shutil.rmtree(rostergate.spool.delivery("lakeside-00001"))
    box.rcpt_refused.add(IT)
    with rostergate.daemon():
        arrived(box, received=1, applied=1, failed=1, dead=1)
    told, dead = box.messages[2:]
    assert box.recipients[2:] == [OPERATOR, OPERATOR]
    assert told["Subject"] == "Lakeside: roster delivery lakeside-00001 could not be processed"
    assert dead["Subject"].endswith(": 1 mail could not be delivered")
    (given_up,) = rostergate.answer("mail", "list", "--dead")
    assert (given_up["recipient"], given_up["error"]) == (IT, "550 5.1.1 no such user")


async def test_operators_are_told_of_a_school_to_be_matched(
    rostergate: Rostergate, box: Mailbox, files: dict[str, bytes]
) -> None:
    """The district hears that the school waits, the operators that it is theirs to match.

    Decided at once, nobody is told that it was received.
    """
    schools = rostergate.folder / "platform.csv"
    schools.write_text("id,name\np1,Nothing Alike Academy\n")
    rostergate.run("schools", "load", str(schools), "--district", "lakeside")
    district = rostergate.config / "districts" / "lakeside.toml"
    district.write_text(district.read_text().replace("[schools]", '[schools]\nmatching = "review"'))
    with rostergate.daemon({"ROSTERGATE_MAIL__RECEIVED_AFTER_MINUTES": "10"}):
        await rostergate.upload(files)
        rostergate.reached("planned")
        arrived(box, held=1, unmatched=1)
    assert {mail["kind"] for mail in rostergate.answer("mail", "list")} == {"held", "unmatched"}
    mail = next(mail for mail in box.messages if kind_of(mail) == "unmatched")
    assert (mail["To"], mail["Subject"]) == (OPERATOR, "Lakeside: 3 new schools to be matched")
