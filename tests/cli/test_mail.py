from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mailing import SENDER, mail_server_beside
from rostergate import store
from rostergate.core.notices import Kind
from rostergate.store import outbox

if TYPE_CHECKING:
    from cli.conftest import Commands

AT = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
IT = "it@lincoln.example.org"


def write(commands: Commands, *, dead: bool = False) -> None:
    """Put a mail into the outbox, one that was given up where that is asked for."""

    async def written() -> None:
        engine = store.open(commands.folder / "state" / "rostergate.db")
        async with store.writing(engine) as tx:
            await outbox.write(tx, Kind.LATE, f"x {dead}", [IT], AT, district="lincoln", facts={"by": "21:00"})
            (mail, *_) = await outbox.listed(tx)
            if dead:
                await outbox.gave_up(tx, mail.id, "550 no such user", AT)
        await engine.dispose()

    commands.answer("mail", "list")  # makes the database
    asyncio.run(written())


def settings(commands: Commands, port: int) -> None:
    """Point the settings at a mail server."""
    path = commands.folder / "config" / "rostergate.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "{SENDER}"\n')


def test_mail_is_listed_newest_first(commands: Commands) -> None:
    """What waits and what was given up can be looked at by themselves."""
    write(commands)
    write(commands, dead=True)
    assert [(one["mail"], one["state"]) for one in commands.answer("mail", "list")] == [(2, "dead"), (1, "waiting")]
    assert [one["mail"] for one in commands.answer("mail", "list", "--waiting")] == [1]
    assert [one["error"] for one in commands.answer("mail", "list", "--dead")] == ["550 no such user"]
    shown = commands("mail", "list")
    assert {"dead", "waiting"} <= set(shown.stdout.split())
    assert "mail.host in rostergate.toml is empty" in shown.stderr


def test_mail_that_was_given_up_can_be_sent_after_all(commands: Commands) -> None:
    """It waits again; one that was not given up is refused."""
    write(commands, dead=True)
    assert commands.answer("mail", "retry", "1") == [{"mail": 1, "state": "waiting"}]
    refused = commands("mail", "retry", "1")
    assert refused.exit_code == 1
    assert "mail 1 is waiting" in refused.stderr
    assert "There is no mail 9" in commands("mail", "retry", "9").stderr


def test_a_mail_can_be_looked_at(commands: Commands) -> None:
    """Text, HTML and JSON of a kind, in one's own words where they can be used."""
    assert commands("mail", "show", "late").stdout.startswith("Subject: Example Unified: no roster yet, it usually")
    assert commands("mail", "show", "late", "--html").stdout.lstrip().startswith("<!DOCTYPE html>")
    templates = commands.folder / "config" / "templates"
    templates.mkdir(parents=True)
    (templates / "late.txt.j2").write_text("{{ name }} is late.\n")
    assert commands.answer("mail", "show", "late")["text"] == "Example Unified is late.\n"
    (templates / "late.txt.j2").write_text("{{ nothing }}")
    shown = commands("mail", "show", "late")
    assert "it usually arrives by 21:00" in shown.stdout
    assert "your own template was not used (UndefinedError in late.txt.j2, line 1)" in shown.stderr


def test_the_mail_server_can_be_tried(commands: Commands) -> None:
    """One mail goes out now, and the server's answer is told."""
    with mail_server_beside() as box:
        settings(commands, box.port)
        assert "127.0.0.1 took a mail to it@lincoln.example.org" in commands("mail", "test", IT).stdout
        assert box.recipients == [IT]
        box.rcpt_answer = "550 5.1.1 no such user"
        refused = commands("mail", "test", IT)
        assert refused.exit_code == 1
        assert "550 5.1.1 no such user" in refused.stderr


@pytest.mark.parametrize("recipient", ["nobody", "a@b.example\nBcc: c@d.example", "A <a@b.example>"])
def test_a_recipient_is_one_address(commands: Commands, recipient: str) -> None:
    """Anything else is wrong usage."""
    assert commands("mail", "test", recipient).exit_code == 2


def test_without_a_server_the_key_to_set_is_named(commands: Commands) -> None:
    """Trying a mail server that is not set says where to set it."""
    ended = commands("mail", "test", IT)
    assert ended.exit_code == 1
    assert "mail.host" in ended.stderr
