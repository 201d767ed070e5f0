"""`rostergate check`: tells whether everything is in order to start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import store
from rostergate.cli import checking
from rostergate.cli.output import as_json, print_json
from rostergate.cli.place import WRONG, Place, run
from rostergate.desk.words import counted
from rostergate.errors import ConfigError, RostergateError, StoreError, UnfitDatabaseError
from rostergate.store import credentials, upgrading

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.config import Districts


@click.command()
@as_json
@click.pass_obj
def check(place: Place, *, as_json: bool) -> None:
    """Read the whole configuration and look at what it names; say what is wrong, and change nothing.

    Looked at are rostergate.toml and the districts' files, files with secrets, mail templates of your own, the state
    folder, its disk, the host keys and the database. Warnings do not count: they say what nobody will be told.
    """
    wrong: list[str] = []
    settings = _tried(place.settings, wrong)
    districts = _tried(lambda: _districts(place), wrong)
    if districts is not None:
        wrong += districts.errors.values()
    database, known = _tried(lambda: run(_database(place)), wrong) or (None, frozenset(districts or ()))
    warned: list[str] = []
    if settings is not None:
        wrong += checking.errors(place, settings)
        warned += checking.warnings(place, settings, districts, known) if districts is not None else ()
    if as_json:
        count = len(districts or ())
        print_json({"ok": not wrong, "errors": wrong, "warnings": warned, "districts": count, "database": database})
    else:
        for one in wrong:
            click.echo(one)
        for one in warned:
            click.echo(f"warning: {one}")
        click.echo(f"{counted(len(districts or ()), 'district')}, database: {database or 'see above'}")
        if not wrong:
            click.echo("everything is in order" if not warned else "nothing is wrong")
    if wrong:
        raise SystemExit(WRONG)


def _districts(place: Place) -> Districts:
    if not place.config.is_dir():  # to load it would make it, and nothing is to be changed here
        raise ConfigError(f"{place.config}: there is no such folder; make it, or name another with --config")
    return place.districts()


async def _database(place: Place) -> tuple[str, frozenset[str]]:
    """Return what there is to say of the database, and the districts that have a password."""
    place.assert_ours()
    location = place.known_location()
    if location is None:
        return "not there yet", frozenset()
    engine = store.open(location)
    try:
        async with store.reading(engine) as tx:
            if await tx.run_sync(upgrading.revision_fit, location) is None:
                return "not there yet", frozenset()
            known = await credentials.known(tx)
    except UnfitDatabaseError:
        raise  # it names the database itself
    except StoreError as error:
        raise StoreError(f"{location}: {error}") from error
    finally:
        await engine.dispose()
    return "readable", known


def _tried(part: Callable[[], Any], wrong: list[str]) -> Any:  # noqa: ANN401 - whatever the part returns
    try:
        return part()
    except RostergateError as error:
        wrong.append(str(error))
        return None
