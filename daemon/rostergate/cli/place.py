"""Where a command works: its configuration and state, and how its errors end it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from rostergate import store
from rostergate.config import Districts, Settings, load_settings
from rostergate.errors import ConfigError, NotFound, RostergateError, StateError, StoreError
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District

T = TypeVar("T")

REFUSED = 1
WRONG = 2


@dataclass(frozen=True, slots=True)
class Place:
    """The two folders that every command is pointed at."""

    config: Path
    state: Path

    @property
    def spool(self) -> Spool:
        """The state folder's layout."""
        return Spool(self.state)

    def settings(self) -> Settings:
        """Load the service's settings; the defaults where there is no file. Raises `ConfigError`."""
        return load_settings(self.config, os.environ)

    def districts(self) -> Districts:
        """Load every district. Those with a broken file are missing; `Districts.load` tells which."""
        districts = Districts(self.config / "districts")
        districts.load()
        return districts

    def district(self, slug: str) -> District:
        """Load one district. Raises `NotFound`, `ConfigError`."""
        districts = Districts(self.config / "districts")
        for one in districts.load():
            if one.slug == slug and one.error:
                raise ConfigError(one.error)
        if found := districts.get(slug):
            return found
        raise NotFound(f"there is no district {slug}; `rostergate district list` shows those there are")

    def assert_known(self, slug: str) -> None:
        """Raise `NotFound` when no district has this name, be its file in order or not."""
        districts = self.districts()
        if slug not in districts and slug not in districts.errors:
            raise NotFound(f"there is no district {slug}; `rostergate district list` shows those there are")

    def prepare(self) -> None:
        """Make the state folder where it is missing. Raises `StateError`, also when it is not ours to write to."""
        self.assert_ours()
        try:
            self.spool.prepare()
        except OSError as error:
            raise StateError(
                f"{error.filename or self.state}: {_reason(error)}; "
                "make the state folder, writable by the service's user, or name another with --state"
            ) from error

    def location(self) -> store.Location:
        """Return where the database is. Raises `ConfigError`."""
        return store.locate(self.settings().database, self.spool.database, os.environ)

    def known_location(self) -> store.Location | None:
        """Return where the database is; None while there is no file yet. Raises `ConfigError`."""
        location = self.location()
        return location if store.may_exist(location) else None

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncEngine]:
        """Open the database, brought to this version. Raises `ConfigError`, `StateError`, `StoreError`."""
        location = self.location()
        self.prepare()
        await asyncio.to_thread(store.upgrade, location)
        engine = store.open(location)
        try:
            yield engine
        finally:
            await engine.dispose()

    def assert_ours(self) -> None:
        """Files made by root in the service's state would lock the service out. Raises `StateError`."""
        if self.state.exists() and self.state.stat().st_uid != os.geteuid():
            raise StateError(
                f"{self.state} belongs to another user; run this as that user, "
                f"for example: sudo -u rostergate rostergate ..."
            )


class PlaceGroup(click.Group):
    """Commands that are imported when they are run, and that end with a plain sentence when something is wrong."""

    def __init__(self, *arguments: Any, modules: Mapping[str, str], **named: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*arguments, **named)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Return the commands in the order of the help."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own
        """Import one command; None when there is none of that name."""
        if cmd_name not in self._modules:
            return None
        found: click.Command = getattr(import_module(f"rostergate.cli.{self._modules[cmd_name]}"), cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            end(error, WRONG)
        except StoreError as error:
            database = str(ctx.obj.location())
            end(error if database in str(error) else f"{database}: {error}", REFUSED)
        except RostergateError as error:
            end(error, REFUSED)
        except PermissionError as error:
            end(f"{error.filename}: permission denied; run this as the service's user", REFUSED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # nobody reads the answer any more; click ends quietly
            end(f"{error.filename}: {_reason(error)}" if error.filename else _reason(error), REFUSED)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def end(message: object, status: int) -> NoReturn:
    """Print what is wrong and end with `status`."""
    click.echo(f"rostergate: {message}", err=True)
    raise SystemExit(status)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part."""
    return asyncio.run(work)
