"""`rostergate erase`: everything that is kept of one person goes, after having said what that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import journal
from rostergate.cli.completing import DISTRICT
from rostergate.cli.output import as_json, assert_can_ask, print_json
from rostergate.cli.place import Place, run
from rostergate.cli.progress import progress
from rostergate.desk.words import counted, listed, table_title
from rostergate.errors import NotFound
from rostergate.service import erasing
from rostergate.service.clock import utc_now

if TYPE_CHECKING:
    from rostergate.service.erasing import Outlook


@click.command()
@click.argument("district", type=DISTRICT)
@click.argument("person")
@click.option(
    "--role", type=click.Choice(sorted(erasing.ROLES)), help="Which person is meant, where two have the same id."
)
@click.option(
    "--unreadable", is_flag=True, help="Have files go as well that nobody can read any more: their key is lost."
)
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def erase(
    place: Place,
    *,
    district: str,
    person: str,
    role: str | None,
    unreadable: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Erase PERSON, by the SIS's id, from everything that is kept of DISTRICT.

    From the roster and its history, the feed, plans, reports, the accounts that were loaded, and the files of
    deliveries; it says what that is before it does it. Whoever follows the feed is told by a line whose action is
    "erased". What waits is superseded: the next delivery brings it again. Then the database is written anew, so that
    nothing is left in its files.

    Of encrypted deliveries whose key is lost nobody knows whom they name. They are told, and nothing is erased, unless
    --unreadable has their files go as well.

    Out of its reach are backups, and the district's own export: take the person out of it first, or the next delivery
    brings the same person again.
    """
    if not dry_run and not yes:
        assert_can_ask(as_json=as_json)
    try:
        with progress("looking for the person"):
            outlook = run(_look(place, district, person, role, unreadable=unreadable))
    except NotFound:
        if yes and not dry_run:
            run(erasing.compact(place.location()))  # an erasure may have been interrupted before this
        raise
    if not as_json:
        _print(outlook)
    if dry_run:
        if as_json:
            print_json({**_shape(outlook), "erased": False})
        return
    if not yes:
        click.confirm("\nErase all of it for good?", abort=True)
    with progress("erasing"):
        run(_carry_out(place, outlook))
    if as_json:
        print_json({**_shape(outlook), "erased": True})
    else:
        click.echo("\nerased; backups still have what they had")


async def _look(place: Place, district: str, person: str, role: str | None, *, unreadable: bool) -> Outlook:
    async with place.database() as engine:
        return await erasing.look(engine, place.spool, district, person, role, unreadable=unreadable)


async def _carry_out(place: Place, outlook: Outlook) -> None:
    settings = place.settings()
    journal.configure(settings.log.format, settings.log.level)
    who = outlook.traces.person
    async with place.database() as engine:
        known = place.districts().get(who.district)
        await erasing.carry_out(engine, place.spool, settings, known, outlook, utc_now())
    await erasing.compact(place.location())
    journal.note(
        journal.PERSON_ERASED,
        district=who.district,
        table=who.role.name if outlook.traces.any else None,
        versions=sum(outlook.traces.versions.values()),
        plans=len(outlook.traces.plans),
        deliveries=len(outlook.files),
        reports=len(outlook.reports),
    )


def _shape(outlook: Outlook) -> dict[str, Any]:
    traces = outlook.traces
    return {
        "district": traces.person.district,
        "role": traces.person.role.name if traces.any else None,
        "current": traces.current,
        "versions": traces.versions,
        "plans": len(traces.plans),
        "accounts": len(traces.loaded),
        "superseded": list(traces.waiting) if traces.any else [],
        "files": list(outlook.files),
        "unreadable": list(outlook.unreadable),
        "reports": list(outlook.reports),
    }


def _print(outlook: Outlook) -> None:
    traces = outlook.traces
    if traces.any:
        stands = "in the roster" if traces.current else "not in the roster any more"
        click.echo(f"a person among the {traces.person.role.name} of {traces.person.district}, {stands}")
        rows = listed([f"{count} of {table_title(table)}" for table, count in traces.versions.items()]) or "none"
        click.echo(f"rows of roster and history that go: {rows}")
        click.echo(f"plans whose rows about the person go: {len(traces.plans)}")
        click.echo(f"accounts of the platform, as they were loaded, that go: {len(traces.loaded)}")
    if traces.any and traces.waiting:
        click.echo(
            f"no longer waiting afterwards: {listed(traces.waiting)}; the next delivery brings its changes again"
        )
    if outlook.files:
        click.echo(f"the files of {counted(len(outlook.files), 'delivery', 'deliveries')} go: {listed(outlook.files)}")
    if outlook.unreadable:
        click.echo(f"of these nobody can read whether they name the person: {listed(outlook.unreadable)}")
    if outlook.reports:
        click.echo(f"reports that are written again or go: {listed(outlook.reports)}")
    click.echo(
        "out of reach: backups, the platform's own copy, and the district's export, whose next delivery would bring "
        "the same person again"
    )
