"""`rostergate deliveries`, `show`, `retry`, `holds`, `release`, `discard`: what came in, what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import journal, store
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import REFUSED, Place, end, run
from rostergate.cli.preview import print_verdict
from rostergate.core.delivery import State
from rostergate.errors import Refused
from rostergate.service import reporting
from rostergate.service.clock import utc_now
from rostergate.store import deliveries as stored
from rostergate.store import plans, undos, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.store.plans import StoredPlan

only_district = click.option("--district", "slug", help="Only this district.")


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
@click.argument("delivery")
@as_json
@click.pass_obj
def show(place: Place, delivery: str, *, as_json: bool) -> None:
    """Show one delivery: its verdict, its findings and what became of each school."""
    answer = run(_show(place, delivery))
    if as_json:
        print_json(answer)
        return
    click.echo(f"{answer['delivery']}: {answer['state']}, received {answer['received_at']}")
    if undo := answer["undo"]:
        click.echo(f"undoes {undo['undone']}, asked for by {undo['asked_by']}: {undo['reason']}")
    if answer["undone_by"]:
        click.echo(f"undone by {', '.join(answer['undone_by'])}")
    if answer["error"]:
        click.echo(f"it could not be decided: {answer['error']}")
    print_verdict(answer)
    click.echo()
    print_table(
        ("SCHOOL", "NAME", "STATE", "PLAN", "CLOSED BY", "REASON"),
        [
            (one["school_id"], one["name"], one["state"], one["plan"], one.get("closed_by"), one.get("reason"))
            for one in answer["schools"]
        ],
        empty="no plans",
    )


async def _show(place: Place, delivery: str) -> dict[str, Any]:
    async with place.database() as engine, store.reading(engine) as tx:
        return await verdicts.load(tx, delivery)


@click.command()
@only_district
@as_json
@click.pass_obj
def holds(place: Place, *, slug: str | None, as_json: bool) -> None:
    """List the plans that wait for a person."""
    held = run(_held(place, slug))
    if slug and not held:
        place.assert_known(slug)
    rows = [
        {
            "delivery": plan.delivery,
            "district": plan.district,
            "school_id": plan.school_id,
            "name": plan.name,
            "plan": plan.plan,
            "code": hold.code,
            "message": hold.message,
            **hold.numbers,
        }
        for plan in held
        for hold in plan.holds
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("PLAN", "DELIVERY", "SCHOOL", "NAME", "WHY"),
        [(row["plan"], row["delivery"], row["school_id"], row["name"], row["message"]) for row in rows],
        empty="nothing is on hold",
    )


async def _held(place: Place, slug: str | None) -> list[StoredPlan]:
    async with place.database() as engine, store.reading(engine) as tx:
        return await plans.held(tx, slug)


@click.command()
@click.argument("delivery")
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
    async with place.database() as engine, store.writing(engine) as tx:
        found = await stored.get(tx, delivery)
        if found.state is not State.FAILED:
            raise Refused(f"{delivery} is {found.state.value}; only a failed delivery can be tried again")
        return await stored.retry(tx, delivery)


def _decision(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("named", metavar="PLAN...", nargs=-1),
        click.option("--delivery", help="All plans of this delivery that are on hold."),
        click.option("--by", required=True, help="Who decides."),
        click.option("--reason", required=True, help="Why."),
        as_json,
        click.pass_obj,
    ):
        command = option(command)
    return command


@click.command()
@_decision
def release(place: Place, *, named: tuple[str, ...], delivery: str | None, by: str, reason: str, as_json: bool) -> None:
    """Apply exactly the plans that were held."""
    _decide(place, "released", named, delivery, by, reason, as_json=as_json)


@click.command()
@_decision
def discard(place: Place, *, named: tuple[str, ...], delivery: str | None, by: str, reason: str, as_json: bool) -> None:
    """Drop the plans that were held: the roster stays as it is."""
    _decide(place, "discarded", named, delivery, by, reason, as_json=as_json)


def _decide(
    place: Place, what: str, named: tuple[str, ...], delivery: str | None, by: str, reason: str, *, as_json: bool
) -> None:
    if bool(named) == bool(delivery):
        raise click.UsageError("name one or more plans, or a delivery with --delivery")
    if not by.strip() or not reason.strip():
        raise click.UsageError("--by and --reason must say who and why")
    closed = run(_close(place, what, named, delivery, by.strip(), reason.strip()))
    if as_json:
        print_json(
            [
                {"plan": one.plan, "delivery": one.delivery, "school_id": one.school_id, "state": one.state.value}
                for one in closed
            ]
        )
        return
    for one in closed:
        click.echo(f"{what}: plan {one.plan} of {one.delivery}, school {one.school_id} ({one.name})")


async def _close(
    place: Place, what: str, named: tuple[str, ...], delivery: str | None, by: str, reason: str
) -> list[StoredPlan]:
    settings = place.settings()
    journal.configure(settings.log.format, settings.log.level)
    async with place.database() as engine:
        # All or none: when one of several cannot be closed, the roster stays as it is.
        async with store.writing(engine) as tx:
            if delivery:
                await stored.get(tx, delivery)
                named = tuple(one.plan for one in await plans.held(tx) if one.delivery == delivery)
                if not named:
                    end(f"nothing of {delivery} is on hold", REFUSED)
            act = plans.release if what == "released" else plans.discard
            closed = [await act(tx, ref, by, reason, utc_now()) for ref in named]
        for found, slug in sorted({(one.delivery, one.district) for one in closed}):
            await reporting.write(engine, place.spool, settings, place.district(slug), found, utc_now())
        return closed
