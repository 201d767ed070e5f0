"""`rostergate roster`: what has been applied, now or as of any delivery."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from rostergate import store
from rostergate.cli import export
from rostergate.cli.completing import DELIVERY
from rostergate.cli.deliveries import only_district
from rostergate.cli.export import Form
from rostergate.cli.output import as_json, only_one, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.cli.progress import progress
from rostergate.config.values import is_slug
from rostergate.core.roster import TABLES
from rostergate.errors import Refused
from rostergate.store import accounts, deliveries, feed, history, turns
from rostergate.store import roster as stored

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.store.turns import Span

_SHOWN = ("schools", "teachers", "students", "guardians", "classes", "enrollments")
"""The tables that fit on a screen; `--json` counts them all."""


@click.command()
@only_district
@click.option(
    "--as-of",
    "delivery",
    metavar="DELIVERY",
    type=DELIVERY,
    help="As it was right after this delivery; without it: now.",
)
@click.option("--csv", is_flag=True, help="Export as CSV (UTF-8, with a header).")
@click.option("--parquet", is_flag=True, help="Export as Parquet.")
@click.option("--ndjson", is_flag=True, help="Export as JSON, one object per line.")
@click.option("--table", type=click.Choice(list(TABLES)), help="Only this table.")
@click.option(
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files, one per table, mode 0600. Without it one --table goes to standard output.",
)
@as_json
@click.pass_obj
def roster(
    place: Place,
    /,
    *,
    slug: str | None,
    delivery: str | None,
    table: str | None,
    folder: Path | None,
    as_json: bool,
    **forms: bool,
) -> None:
    """Count the rows of the roster, or export them.

    As of a delivery is the roster right after that delivery changed it for the last time: with its plans that were
    released later, and without anything of a later delivery. Where it changed nothing, because it was refused or
    everything waited, it is the roster as the delivery found it.

    The columns of an export are the district and those of the table, all text; then platform_school of schools,
    account_state and account of people, class_state of classes. Rows come in the order of their keys. The cursor that
    is told is where the feed goes on: `rostergate changes --after CURSOR`.
    """
    form = only_one(**forms)
    if form is None:
        if folder or table:
            _wrong("say how to export: --csv, --ndjson or --parquet")
        run(_count(place, slug, delivery, as_json=as_json))
        return
    kind = Form(form)
    if folder is None and (table is None or kind is Form.PARQUET):
        _wrong("name a folder with --output (standard output takes one --table, as CSV or NDJSON)")
    if folder is None and as_json:
        _wrong("--json tells of the files in a folder: name one with --output")
    run(_export(place, slug, delivery, kind, [table] if table else list(TABLES), folder, as_json=as_json))


def _wrong(message: str) -> NoReturn:
    raise click.UsageError(message)


async def _count(place: Place, slug: str | None, delivery: str | None, *, as_json: bool) -> None:
    async with place.database() as engine, store.reading(engine) as tx:
        districts, span = await _meant(tx, place, slug, delivery)
        cursor = str(await feed.end(tx, delivery))
        counts: dict[str, dict[str, int]] = {}
        states: dict[str, dict[str, dict[str, int]]] = {}
        for one in districts:
            if span is None:
                counts[one] = await stored.counts(tx, one)
            else:
                counts[one] = await history.counts(tx, one, span.after)
            if span is None and as_json:
                states[one] = {
                    "accounts": await accounts.counts(tx, one),
                    "class_states": await accounts.class_counts(tx, one),
                }
    if as_json:
        print_json(
            [{"district": one, **tables, **states.get(one, {}), "cursor": cursor} for one, tables in counts.items()]
        )
        return
    print_table(
        ("DISTRICT", *(name.upper() for name in _SHOWN)),
        [(one, *(tables[name] for name in _SHOWN)) for one, tables in counts.items()],
        empty="no roster yet",
    )


async def _export(
    place: Place,
    slug: str | None,
    delivery: str | None,
    form: Form,
    tables: list[str],
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    async with place.database() as engine, store.reading(engine) as tx:
        districts, span = await _meant(tx, place, slug, delivery)
        cursor = await feed.end(tx, delivery)
        if folder is None:
            await export.print_table(tx, districts, tables[0], span, form, sys.stdout.buffer)
            click.echo(f"the feed goes on after cursor {cursor}", err=True)
            return
        with progress(f"writing rows to {folder}") as told:
            written = await export.write(tx, districts, tables, span, form, folder, told)
    if as_json:
        print_json({"folder": str(folder), "files": [path.name for path in written], "cursor": str(cursor)})
        return
    click.echo(f"written to {folder}: {', '.join(path.name for path in written)}")
    only = f" --district {districts[0]}" if slug or delivery else ""
    click.echo(f"the feed goes on from there: rostergate changes --after {cursor}{only}")


async def _meant(
    tx: AsyncConnection, place: Place, slug: str | None, delivery: str | None
) -> tuple[list[str], Span | None]:
    """Return the districts that are meant, and what left the roster as it is meant; None: the roster as it is."""
    if delivery is not None:
        district = (await deliveries.get(tx, delivery)).district
        if slug not in {None, district}:
            raise Refused(f"{delivery} is a delivery of {district}, not of {slug}")
        return [district], await turns.span(tx, delivery)
    if slug:
        place.assert_known(slug)
        return [slug], None
    districts = place.districts()
    return sorted({*districts, *filter(is_slug, districts.errors)}), None  # a broken file does not undo a roster
