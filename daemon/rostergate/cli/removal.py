"""`rostergate district remove`: a district goes, after having said what that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import journal
from rostergate.cli.completing import DISTRICT
from rostergate.cli.output import as_json, assert_can_ask, print_json
from rostergate.cli.place import Place, run
from rostergate.cli.progress import progress
from rostergate.desk.words import counted
from rostergate.service import erasing, removing
from rostergate.service.clock import utc_now

if TYPE_CHECKING:
    from rostergate.service.removing import Outlook


@click.command()
@click.argument("slug", type=DISTRICT)
@click.option("--history", is_flag=True, help="The second step: everything that the database still has of it.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def remove(place: Place, slug: str, *, history: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove a district that does not come back: its account, its files, and its people from the roster.

    Its file in the configuration goes, and with it every login; what is in its inboxes, its deliveries' files, its
    reports and what waits of it go; all of its rows leave the roster, and whoever follows the feed is told each one as
    removed. It says what that is before it does it. To keep its roster as it is, use `rostergate district disable
    SLUG`.

    What has been in the roster stays as history until the platform has followed; then remove that with --history. From
    then on nothing is left but the numbers, states and times of its deliveries. Out of reach are backups.
    """
    if not dry_run and not yes:
        assert_can_ask(as_json=as_json)
    with progress("looking for what there is of it"):
        outlook = run(_look(place, slug))
    if not as_json:
        _print(outlook, history=history)
    removed = 0
    if not dry_run:
        if not yes:
            click.confirm("\nRemove all of it for good?", abort=True)
        with progress("removing it"):
            removed = run(_carry_out(place, outlook, history=history))
    if as_json:
        print_json({**_shape(outlook), "removed": not dry_run, "rows_removed": removed})
    elif not dry_run:
        click.echo("\nremoved; backups still have what they had")
        if not history and outlook.versions:
            click.echo(f"when the platform has followed: rostergate district remove {slug} --history")


async def _look(place: Place, slug: str) -> Outlook:
    async with place.database() as engine:
        return await removing.look(engine, place.spool, place.config / "districts", slug)


async def _carry_out(place: Place, outlook: Outlook, *, history: bool) -> int:
    async with place.database() as engine:
        if history:
            rows = await removing.forget(engine, outlook)
        else:
            rows = await removing.leave(engine, place.spool, outlook, utc_now())
    if history:
        await erasing.compact(place.location())
        journal.note(journal.DISTRICT_FORGOTTEN, district=outlook.district, versions=rows)
    else:
        journal.note(journal.DISTRICT_REMOVED, district=outlook.district, changes=rows)
    return rows


def _shape(outlook: Outlook) -> dict[str, Any]:
    return {
        "district": outlook.district,
        "file": str(outlook.file) if outlook.file else None,
        "folders": [str(folder) for folder in outlook.folders],
        "current": outlook.current,
        "versions": outlook.versions,
        "plans": outlook.plans,
        "deliveries": outlook.deliveries,
    }


def _print(outlook: Outlook, *, history: bool) -> None:
    if history:
        click.echo(f"{counted(outlook.versions, 'row')} of roster and history of {outlook.district} go")
        click.echo(f"{counted(outlook.plans, 'plan')} with their holds and decisions, findings, accounts and mail go")
        click.echo(f"the numbers, states and times of {counted(outlook.deliveries, 'delivery', 'deliveries')} stay")
        click.echo("a platform that has not followed the feed to its end is refused from then on")
        return
    if outlook.file:
        click.echo(f"{outlook.file} goes: nobody can log in as {outlook.district} any more")
    click.echo(f"{counted(outlook.current, 'row')} leave the roster; the feed tells each one as removed")
    if outlook.folders:
        click.echo(f"{counted(len(outlook.folders), 'folder')} with inboxes, files of deliveries and reports go")
    click.echo("what waits is superseded, and mail that is not sent yet goes")
