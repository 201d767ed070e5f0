"""`rostergate mail`: what was sent, what waits to be sent, what could not be delivered; and a try."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from rostergate import store
from rostergate.cli.output import as_json, only_one, print_json, print_table
from rostergate.cli.place import REFUSED, Place, end, run
from rostergate.config.values import is_mailbox
from rostergate.core.notices import Kind
from rostergate.desk.letters import Letter, Occasion, letter
from rostergate.desk.smtp import Envelope, Postman, message
from rostergate.desk.specimens import specimen
from rostergate.errors import Refused
from rostergate.service.address import address
from rostergate.service.clock import utc_now
from rostergate.service.post import TEMPLATES
from rostergate.store import outbox
from rostergate.store.outbox import State

if TYPE_CHECKING:
    from rostergate.store.outbox import Mail


@click.group()
def mail() -> None:
    """Look at the mail, and try the mail server."""


@mail.command(name="list")
@click.option("--waiting", is_flag=True, help="Only what is still to be sent.")
@click.option("--dead", is_flag=True, help="Only what could not be delivered.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many, newest first."
)
@as_json
@click.pass_obj
def list_mail(place: Place, *, waiting: bool, dead: bool, limit: int, as_json: bool) -> None:
    """List mail, newest first."""
    state = only_one(waiting=waiting, dead=dead)
    found = run(_listed(place, State(state) if state else None, limit))
    rows = [
        {
            "mail": one.id,
            "kind": one.kind.value,
            "district": one.district,
            "delivery": one.delivery,
            "recipient": one.recipient,
            "state": one.state.value,
            "written_at": one.written_at,
            "next_try_at": one.next_try_at if one.state is State.WAITING else None,
            "tries": one.tries,
            "error": one.error,
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
        return
    shown = ("mail", "kind", "district", "delivery", "recipient", "state", "tries", "error")
    print_table(
        tuple(field.upper() for field in shown), [tuple(row[field] for field in shown) for row in rows], empty="no mail"
    )
    if not place.settings().mail.on:
        click.echo("No mail is sent: mail.host in rostergate.toml is empty.", err=True)


async def _listed(place: Place, state: State | None, limit: int) -> list[Mail]:
    async with place.database() as engine, store.reading(engine) as tx:
        return await outbox.listed(tx, state, limit)


@mail.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True, type=click.IntRange(1))
@as_json
@click.pass_obj
def retry(place: Place, *, numbers: tuple[int, ...], as_json: bool) -> None:
    """Let mail that could not be delivered be sent after all; the daemon takes it up within a minute."""
    again = run(_retry(place, numbers))
    if as_json:
        print_json([{"mail": one.id, "state": one.state.value} for one in again])
        return
    for one in again:
        click.echo(f"mail {one.id} to {one.recipient} will be sent")


async def _retry(place: Place, numbers: tuple[int, ...]) -> list[Mail]:
    async with place.database() as engine, store.writing(engine) as tx:
        for number in numbers:
            found = await outbox.get(tx, number)
            if found.state is not State.DEAD:
                raise Refused(f"mail {number} is {found.state.value}; only one that was given up can be tried again")
        return [await outbox.retry(tx, number, utc_now()) for number in numbers]


@mail.command()
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.option("--html", is_flag=True, help="The HTML form, for a browser.")
@as_json
@click.pass_obj
def show(place: Place, kind: str, *, html: bool, as_json: bool) -> None:
    """Show a mail of KIND about an invented district, in the words of your own templates where there are any."""
    only_one(html=html, json=as_json)
    written = specimen(Kind(kind), place.config / TEMPLATES)
    if as_json:
        shown = {"subject": written.subject, "text": written.text, "html": written.html}
        print_json({"kind": kind, **shown, "broken_template": written.broken})
    elif html:
        click.echo(written.html)
    else:
        click.echo(f"Subject: {written.subject}\n\n{written.text}", nl=False)
    _tell_broken(written)


def _tell_broken(written: Letter) -> None:
    if written.broken:
        click.echo(f"your own template was not used ({written.broken}); `rostergate check` tells more", err=True)


@mail.command()
@click.argument("recipient")
@as_json
@click.pass_obj
def test(place: Place, recipient: str, *, as_json: bool) -> None:
    """Send one mail to RECIPIENT now, and say what the mail server answers."""
    settings = place.settings()
    if not is_mailbox(recipient):
        raise click.UsageError("RECIPIENT must be one e-mail address, such as it@example.org")
    if not settings.mail.on:
        end("no mail server is set; set mail.host in rostergate.toml", REFUSED)
    reached = address(place.spool, settings)
    tried = Occasion(
        kind=Kind.ACCESS,
        host=reached.host,
        port=reached.port,
        contact=settings.mail.reply_to or settings.mail.sender,
        name="a district that does not exist",
        username="nobody",
        facts={"fingerprints": []},
    )
    written = letter(tried, place.config / TEMPLATES)
    asyncio.run(_send(place, recipient, written))
    if as_json:
        print_json({"recipient": recipient, "server": settings.mail.host, "broken_template": written.broken})
        return
    click.echo(f"{settings.mail.host} took a mail to {recipient}; whether it arrives is seen there")
    _tell_broken(written)


async def _send(place: Place, recipient: str, written: Letter) -> None:
    settings, now = place.settings().mail, utc_now()
    envelope = Envelope(
        sender=settings.sender,
        recipient=recipient,
        reply_to=settings.reply_to,
        message_id=f"rostergate.test.{now:%Y%m%d%H%M%S}@{settings.sender.rpartition('@')[2]}",
        at=now,
    )
    async with Postman(settings, settings.password(os.environ)) as postman:
        await postman.send(message(written, envelope))
