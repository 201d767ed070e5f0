"""`rostergate undo`: take back what a delivery changed, after having said what that would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import journal, store
from rostergate.cli.completing import DELIVERY
from rostergate.cli.kept_text import KEPT_TEXT
from rostergate.cli.output import as_json, assert_can_ask, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.cli.progress import progress
from rostergate.core.calendar import day_of
from rostergate.core.plan_state import State
from rostergate.desk.words import counted, listed, table_title
from rostergate.service import reporting
from rostergate.service.clock import utc_now
from rostergate.store import deliveries as stored
from rostergate.store import verdicts
from rostergate.worker import undoing

if TYPE_CHECKING:
    from rostergate.core.plan import Plan
    from rostergate.worker.undoing import Outlook

_WOULD = {
    State.CLEAR: "is applied at once",
    State.HELD: "waits on hold",
    State.UNMATCHED: "waits for a match",
    State.DESELECTED: "is not rostered",
}


@click.command()
@click.argument("delivery", type=DELIVERY)
@click.option("--school", "school_id", help="Only this school, by the id that the district gave it.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--by", type=KEPT_TEXT, help="Who asks for it.")
@click.option("--reason", type=KEPT_TEXT, help="Why.")
@as_json
@click.pass_obj
def undo(
    place: Place,
    *,
    delivery: str,
    school_id: str | None,
    dry_run: bool,
    yes: bool,
    by: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Take back what a delivery changed, as far as nothing has changed it again since.

    The undo is a delivery of its own, without files: its plans are held like any others, it is reported, and it can be
    undone. Rows that were changed again since are left alone. It says what it would do before it does it.
    """
    by, reason = (by or "").strip(), (reason or "").strip()
    if not dry_run and not (by and reason):
        raise click.UsageError("--by and --reason must say who and why (or look first, with --dry-run)")
    if not dry_run and not yes:
        assert_can_ask(as_json=as_json)
    with progress("working out what goes back"):
        outlook = run(_look(place, delivery, school_id))
    if dry_run and as_json:
        print_json({**_shape(outlook), "undo": None})
        return
    if not as_json:
        _print(outlook)
    if dry_run:
        return
    if not yes:
        click.confirm(f"Undo {delivery}?", abort=True)
    with progress("taking it back"):
        answer = run(_carry_out(place, outlook, by, reason))
    if as_json:
        print_json({**_shape(outlook), "undo": answer})
        return
    click.echo(f"\n{answer['delivery']} undoes {delivery}: it is {answer['state']}")
    if held := [one for one in answer["schools"] if one["state"] == State.HELD.value]:
        click.echo(
            f"{counted(len(held), 'plan')} on hold: `rostergate holds` tells why, "
            f"`rostergate release --delivery {answer['delivery']} --by WHO --reason WHY` applies what waits"
        )


async def _look(place: Place, delivery: str, school_id: str | None) -> Outlook:
    async with place.database() as engine:
        async with store.reading(engine) as tx:
            slug = (await stored.get(tx, delivery)).district
        district = place.district(slug)
        policy = district.policy(place.settings(), day_of(utc_now(), district.zone))
        return await undoing.look(engine, delivery, school_id, policy)


async def _carry_out(place: Place, outlook: Outlook, by: str, reason: str) -> dict[str, Any]:
    settings = place.settings()
    journal.configure(settings.log.format, settings.log.level)
    audience = place.district(outlook.district).audience(settings)
    async with place.database() as engine:
        made, _ = await undoing.carry_out(engine, outlook, by=by, reason=reason, at=utc_now(), audience=audience)
        journal.note(journal.UNDO_SEALED, delivery=made, district=outlook.district, undoes=outlook.delivery)
        async with store.reading(engine) as tx:
            answer = await verdicts.load(tx, made)
        told = {outlook.delivery, *(plan.delivery for plan in outlook.replaced)}
        for one in (*sorted(told), made):
            await reporting.write(engine, place.spool, settings, place.district(outlook.district), one, utc_now())
        return answer


def _shape(outlook: Outlook) -> dict[str, Any]:
    return {
        "undone": outlook.delivery,
        "district": outlook.district,
        "school_id": outlook.school_id,
        "schools": outlook.undo.verdict.as_json()["schools"],
        "left": outlook.undo.left,
        "replaced": [
            {"plan": one.plan, "delivery": one.delivery, "school_id": one.school_id} for one in outlook.replaced
        ],
        "coming": list(outlook.coming),
    }


def _print(outlook: Outlook) -> None:
    scope = f"school {outlook.school_id}" if outlook.school_id else f"district {outlook.district}"
    click.echo(f"undoing {outlook.delivery} for {scope} changes:\n")
    print_table(
        ("SCHOOL", "NAME", "ADDED", "UPDATED", "REMOVED", "ITS PLAN", "WHY"),
        [_row(plan) for plan in outlook.undo.verdict.plans],
        empty="nothing",
    )
    click.echo()
    if outlook.undo.left:
        rows = listed([f"{count} of {table_title(table)}" for table, count in outlook.undo.left.items()])
        click.echo(f"left alone, because changed again or needed since (rows): {rows}")
    if outlook.replaced:
        plans = listed([f"{one.plan} of {one.delivery}" for one in outlook.replaced])
        click.echo(
            f"no longer waiting, because the undo takes their place: {plans}; the next delivery brings them again"
        )
    if outlook.coming:
        click.echo(f"{listed(outlook.coming)} will be compared with the roster as undone")
    click.echo(
        "the district's next delivery brings the same changes again, unless the district corrects its export, "
        f"or is kept out meanwhile with `rostergate district disable {outlook.district}`"
    )


def _row(plan: Plan) -> tuple[object, ...]:
    every = plan.counts.values()
    return (
        plan.school_id,
        plan.name,
        sum(one.added for one in every),
        sum(one.updated for one in every),
        sum(one.removed for one in every),
        _WOULD[plan.state],
        " ".join(hold.message for hold in plan.holds),
    )
