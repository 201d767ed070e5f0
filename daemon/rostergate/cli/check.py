"""`rostergate check`: tells whether everything is in order to start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rostergate import store
from rostergate.cli.output import as_json, print_json
from rostergate.cli.place import WRONG, Place, run
from rostergate.errors import ConfigError, RostergateError, StoreError
from rostergate.store import deliveries

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.config import Districts


@click.command()
@as_json
@click.pass_obj
def check(place: Place, *, as_json: bool) -> None:
    """Read the whole configuration and look at the database; say what is wrong, and change nothing."""
    wrong: list[str] = []
    settings = _tried(place.settings, wrong)
    districts = _tried(lambda: _districts(place), wrong)
    if districts is not None:
        wrong += districts.errors.values()
    database = _tried(lambda: run(_database(place)), wrong)
    if as_json:
        print_json({"ok": not wrong, "errors": wrong, "districts": len(districts or ()), "database": database})
    else:
        for one in wrong:
            click.echo(one)
        click.echo(f"{len(districts or ())} districts, database: {database or 'see above'}")
        if settings and not wrong:
            click.echo("everything is in order")
    if wrong:
        raise SystemExit(WRONG)


def _districts(place: Place) -> Districts:
    if not place.config.is_dir():  # to load it would make it, and nothing is to be changed here
        raise ConfigError(f"{place.config}: there is no such folder; make it, or name another with --config")
    return place.districts()


async def _database(place: Place) -> str:
    place.assert_ours()
    location = place.known_location()
    if location is None:
        return "not there yet"
    engine = store.open(location)
    try:
        async with store.reading(engine) as tx:
            await deliveries.overview(tx)
    except StoreError as error:
        raise StoreError(f"{location}: {error}") from error
    finally:
        await engine.dispose()
    return "readable"


def _tried(part: Callable[[], Any], wrong: list[str]) -> Any:  # noqa: ANN401 - whatever the part returns
    try:
        return part()
    except RostergateError as error:
        wrong.append(str(error))
        return None
