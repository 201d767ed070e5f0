"""`rostergate roster`: what has been applied so far."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import polars as pl

from rostergate import store
from rostergate.cli.deliveries import only_district
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.config.values import is_slug
from rostergate.core.roster import TABLES, schema
from rostergate.errors import NotFound
from rostergate.store import roster as stored

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.core.roster import Frames


_SHOWN = ("schools", "teachers", "students", "guardians", "classes", "enrollments")
"""The tables that fit on a screen; `--json` counts them all."""


@click.command()
@only_district
@click.option(
    "--csv",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write one CSV file per table into this folder (UTF-8, the district in the first column).",
)
@as_json
@click.pass_obj
def roster(place: Place, *, slug: str | None, folder: Path | None, as_json: bool) -> None:
    """Count the rows of the roster, or export them."""
    counts = run(_counts(place, slug))
    if folder:
        run(_export(place, list(counts), folder))
    if as_json:
        print_json([{"district": one, **tables} for one, tables in counts.items()])
        return
    print_table(
        ("DISTRICT", *(name.upper() for name in _SHOWN)),
        [(one, *(tables[name] for name in _SHOWN)) for one, tables in counts.items()],
        empty="no roster yet",
    )
    if folder:
        click.echo(f"\nwritten to {folder}")


async def _counts(place: Place, slug: str | None) -> dict[str, dict[str, int]]:
    districts = place.districts()
    known = sorted({*districts, *filter(is_slug, districts.errors)})  # a broken file does not undo a roster
    if slug and slug not in known:
        raise NotFound(f"there is no district {slug}; `rostergate district list` shows those there are")
    async with place.database() as engine, store.reading(engine) as tx:
        return {one: await stored.counts(tx, one) for one in ([slug] if slug else known)}


async def _export(place: Place, slugs: list[str], folder: Path) -> None:
    rosters: dict[str, Frames] = {}
    async with place.database() as engine, store.reading(engine) as tx:
        for slug in slugs:
            rosters[slug] = await stored.load(tx, slug)
    await asyncio.to_thread(_write, rosters, folder)


def _write(rosters: Mapping[str, Frames], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in TABLES.items():
        frames = [
            frames[name].sort(table.key).select(pl.lit(slug).alias("district"), *table.columns)
            for slug, frames in rosters.items()
        ]
        empty = pl.DataFrame(schema={"district": pl.String(), **schema(table)})
        pl.concat([empty, *frames]).write_csv(folder / f"{name}.csv")
