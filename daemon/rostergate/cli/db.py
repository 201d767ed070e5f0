"""`rostergate db`: bring the database up to date, check it, back it up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rostergate import store
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import REFUSED, Place, run
from rostergate.cli.progress import progress
from rostergate.errors import NotFound
from rostergate.service.clock import utc_now
from rostergate.store import backup as backing
from rostergate.store import checking

if TYPE_CHECKING:
    from rostergate.store.checking import Check


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@as_json
@click.pass_obj
def upgrade(place: Place, *, as_json: bool) -> None:
    """Make the database, or bring it to this version; `serve` does so by itself at its start."""
    location = place.location()
    place.prepare()
    with progress("bringing the database to this version"):
        store.upgrade(location)
    schema = store.revision_known()
    if as_json:
        print_json({"database": str(location), "schema": schema})
    else:
        click.echo(f"{location} is up to date (schema {schema})")


@db.command()
@as_json
@click.pass_obj
def check(place: Place, *, as_json: bool) -> None:
    """Tell whether the database is whole, of this version, and keeps the roster's rules; change nothing.

    Ends with 1 when one of them is not so. A large database takes minutes; the daemon goes on meanwhile.
    """
    location = _existing(place)
    with progress("checking the database"):
        checks = run(_checked(location))
    ok = all(one.ok for one in checks)
    if as_json:
        print_json({"database": str(location), "ok": ok, "checks": [asdict(one) for one in checks]})
    else:
        click.echo(f"{location}\n")
        print_table(
            ("CHECK", "", "FOUND"), [(one.name, "ok" if one.ok else "WRONG", one.found) for one in checks], empty=""
        )
    if not ok:
        raise SystemExit(REFUSED)


@db.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@as_json
@click.pass_obj
def backup(place: Place, file: Path, *, as_json: bool) -> None:
    """Copy the database into a new FILE while the daemon goes on, and check the copy.

    A PostgreSQL database is backed up by PostgreSQL's own program: then this prints the command, and ends with 1.
    """
    location = _existing(place)
    if command := backing.command_for(location, file):
        if as_json:
            print_json({"database": str(location), "file": None, "bytes": None, "command": command})
        else:
            click.echo(f"# {location} is on a server. This makes the backup, and asks for the password:\n{command}")
        raise SystemExit(REFUSED)
    with progress("copying the database") as told:
        size = backing.copy(Path(str(location)), file, utc_now(), told)
    if as_json:
        print_json({"database": str(location), "file": str(file), "bytes": size, "command": None})
    else:
        click.echo(f"{file}: {size:,} bytes, checked. Keep it where only you can read it.")


def _existing(place: Place) -> store.Location:
    place.assert_ours()
    location = place.known_location()
    if location is None:
        raise NotFound(f"there is no database in {place.state} yet; `rostergate db upgrade` makes it")
    return location


async def _checked(location: store.Location) -> list[Check]:
    engine = store.open(location)
    try:
        return await checking.check(engine)
    finally:
        await engine.dispose()
