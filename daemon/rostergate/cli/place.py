"""Where a command works: its configuration and state."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from rostergate import store
from rostergate.cli.group import REFUSED, WRONG, end, reason
from rostergate.config import Districts, Settings, load_settings
from rostergate.errors import ConfigError, NotFound, StateError
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District

__all__ = ["REFUSED", "WRONG", "Place", "end", "run"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """The two folders that every command is pointed at."""

    config: Path
    state: Path

    @property
    def spool(self) -> Spool:
        """The state folder's layout."""
        return Spool(self.state, self.settings().encryption.path(os.environ))

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

    def zone(self, slug: str) -> ZoneInfo | None:
        """Return a district's time zone; None, the machine's own, when its file is gone or broken."""
        found = self.districts().get(slug)
        return found.zone if found else None

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
                f"{error.filename or self.state}: {reason(error)}; "
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


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's asynchronous part."""
    return asyncio.run(work)
