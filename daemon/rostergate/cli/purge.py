"""`rostergate purge`: remove what has been kept for as long as the settings say, after having said what that is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from rostergate import journal
from rostergate.cli.output import as_json, assert_can_ask, print_json
from rostergate.cli.place import Place, run
from rostergate.cli.progress import progress
from rostergate.desk.words import counted
from rostergate.service import purging
from rostergate.service.clock import utc_now

if TYPE_CHECKING:
    from rostergate.service.purging import Outlook, Purged

_NAMED_MAX = 10  # deliveries that are named one by one


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def purge(place: Place, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove what is older than `[retention]` says: files, reports, history with archived people, mail.

    Of files also those of uploads that were never completed, and of deliveries that were set aside because the database
    did not know them.

    It says what it would remove before it does. The daemon does the same by itself once a day. What something can still
    follow from stays: a delivery that waits for a person, the newest accepted one of each district and what undoing it
    needs.
    """
    if not dry_run and not yes:
        assert_can_ask(as_json=as_json)
    with progress("looking for what is too old"):
        outlook = run(_look(place))
    if not as_json:
        _print(place, outlook)
    purged = None
    if not dry_run and not outlook.empty:
        if not yes:
            click.confirm("\nRemove all of it for good?", abort=True)
        with progress("removing it"):
            purged = run(_carry_out(place, outlook))
    if as_json:
        print_json({**_shape(outlook), "purged": purged and asdict(purged)})
    elif purged:
        click.echo("\nremoved")


async def _look(place: Place) -> Outlook:
    async with place.database() as engine:
        return await purging.look(engine, place.spool, place.settings(), utc_now())


async def _carry_out(place: Place, outlook: Outlook) -> Purged:
    async with place.database() as engine:
        purged = await purging.carry_out(engine, place.spool, outlook)
    journal.note(journal.STATE_PURGED, **asdict(purged))
    return purged


def _shape(outlook: Outlook) -> dict[str, Any]:
    return {
        "files": list(outlook.files),
        "aside": list(outlook.aside),
        "uploads": list(outlook.uploads),
        "reports": list(outlook.reports),
        "history": [
            {"district": floor.district, "reaches_back_to": floor.at, "versions": versions}
            for floor, versions in outlook.history
        ],
        "plans": outlook.plans,
        "mails": outlook.mails,
        "kept": list(outlook.kept),
    }


def _print(place: Place, outlook: Outlook) -> None:
    days = place.settings().retention
    if outlook.empty:
        click.echo("nothing is older than `[retention]` in rostergate.toml allows")
    _print_files(outlook, days.files_days)
    if outlook.reports:
        click.echo(
            f"{counted(len(outlook.reports), 'report')} older than {days.reports_days} days: {_named(outlook.reports)}"
        )
    for floor, versions in outlook.history:
        if not versions:
            continue
        click.echo(
            f"{counted(versions, 'row')} of the history of {floor.district}, with people archived until then: it "
            f"reaches back to {floor.at:%Y-%m-%d} afterwards (retention.history_days = {days.history_days})"
        )
    if outlook.plans:
        click.echo(f"the rows of {counted(outlook.plans, 'closed plan')} of before that")
    if outlook.mails:
        click.echo(f"{counted(outlook.mails, 'mail')} older than {days.mail_days} days, sent or given up")
    for sentence in outlook.kept:
        click.echo(f"stays: {sentence}")


def _print_files(outlook: Outlook, days: int) -> None:
    if outlook.files:
        click.echo(
            f"the files of {counted(len(outlook.files), 'delivery', 'deliveries')} older than {days} days: "
            f"{_named(outlook.files)}"
        )
    if outlook.aside:
        click.echo(
            f"{counted(len(outlook.aside), 'delivery', 'deliveries')} that the database does not know, set aside more "
            f"than {days} days ago: {_named(outlook.aside)}"
        )
    if outlook.uploads:
        click.echo(
            f"{counted(len(outlook.uploads), 'upload')} never completed, and not touched for {days} days: "
            f"{_named(outlook.uploads)}"
        )


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED_MAX
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")
