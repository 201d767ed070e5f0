"""`rostergate deliveries`, `show`, `retry`: what came in, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from rostergate import store
from rostergate.cli.completing import DELIVERY, DISTRICT
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.cli.preview import print_verdict
from rostergate.core.delivery import State
from rostergate.desk.words import clock
from rostergate.errors import Refused
from rostergate.spool import sealing
from rostergate.store import deliveries as stored
from rostergate.store import undos, verdicts

only_district = click.option("--district", "slug", type=DISTRICT, help="Only this district.")


@click.command()
@only_district
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many, newest first."
)
@as_json
@click.pass_obj
def deliveries(place: Place, *, slug: str | None, limit: int, as_json: bool) -> None:
    """List deliveries, newest first."""
    found, undone = run(_deliveries(place, slug, limit))
    if slug and not found:
        place.assert_known(slug)
    rows = [
        {
            "delivery": one.id,
            "district": one.district,
            "state": one.state.value,
            "received_at": one.sealed_at or one.began_at,
            "day": one.day,
            "verdict": one.outcome and one.outcome.value,
            "format": one.format,
            "undoes": undone.get(one.id),
            "attempts": one.attempts,
            "reported_at": one.reported_at,
            "error": one.error,
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("DELIVERY", "DISTRICT", "DAY", "STATE", "VERDICT", "FORMAT"),
        [(row["delivery"], row["district"], row["day"], row["state"], row["verdict"], _kind(row)) for row in rows],
        empty="no deliveries yet",
    )


async def _deliveries(place: Place, slug: str | None, limit: int) -> tuple[list[stored.Delivery], dict[str, str]]:
    """Return the newest deliveries, and what those of them that are undos undo."""
    async with place.database() as engine, store.reading(engine) as tx:
        found = await stored.listed(tx, slug, limit)
        return found, await undos.undone_by_each(tx, [one.id for one in found])


def _kind(row: dict[str, Any]) -> object:
    return f"undoes {row['undoes']}" if row["undoes"] else row["format"]


@click.command()
@click.argument("delivery", type=DELIVERY)
@as_json
@click.pass_obj
def show(place: Place, delivery: str, *, as_json: bool) -> None:
    """Show one delivery: its verdict, its findings and what became of each school."""
    answer = run(_show(place, delivery))
    if as_json:
        print_json(answer)
        return
    received = answer["received_at"] and datetime.fromisoformat(answer["received_at"])
    when = f", received {clock(received.astimezone(place.zone(answer['district'])))}" if received else ""
    click.echo(f"{answer['delivery']}: {answer['state']}{when}")
    if undo := answer["undo"]:
        click.echo(f"undoes {undo['undone']}, asked for by {undo['asked_by']}: {undo['reason']}")
    if answer["undone_by"]:
        click.echo(f"undone by {', '.join(answer['undone_by'])}")
    if answer["error"]:
        click.echo(f"it could not be decided: {answer['error']}")
    print_verdict(answer)
    click.echo()
    print_table(
        ("SCHOOL", "NAME", "STATUS", "PLAN", "PLAN IS", "CLOSED BY", "REASON"),
        [
            (
                *(one[name] for name in ("school_id", "name", "status", "plan", "state")),
                one.get("closed_by"),
                one.get("reason"),
            )
            for one in answer["schools"]
        ],
        empty="no plans",
    )


async def _show(place: Place, delivery: str) -> dict[str, Any]:
    async with place.database() as engine, store.reading(engine) as tx:
        return await verdicts.load(tx, delivery)


@click.command()
@click.argument("delivery", type=DELIVERY)
@as_json
@click.pass_obj
def retry(place: Place, delivery: str, *, as_json: bool) -> None:
    """Let a delivery that failed be decided again; the daemon takes it up within a minute."""
    sealed = run(_retry(place, delivery))
    if as_json:
        print_json({"delivery": sealed.id, "state": sealed.state.value})
    else:
        click.echo(f"{sealed.id} will be decided again")


async def _retry(place: Place, delivery: str) -> stored.Delivery:
    slug = delivery.rpartition("-")[0]
    async with place.database() as engine, store.writing(engine, slug) as tx:
        found = await stored.get(tx, delivery)
        if found.state is not State.FAILED:
            raise Refused(f"{delivery} is {found.state.value}; only a failed delivery can be tried again")
        if not sealing.kept(place.spool, delivery):
            raise Refused(
                f"{delivery}: its files have been removed (retention.files_days); its district has to upload them again"
            )
        return await stored.retry(tx, delivery)
