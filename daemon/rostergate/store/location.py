"""The location of the database: the one thing that decides which engine is used.

A `Path` is a SQLite file, a `Server` a database of a PostgreSQL server. Nobody above the store looks inside: a location
comes from `locate`, goes to worker processes as it is, and is given to `open` and `upgrade`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from rostergate.config.database import database_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.config.database import DatabaseSettings


@dataclass(frozen=True, slots=True)
class Server:
    """A database of a PostgreSQL server."""

    url: str = field(repr=False)
    """Its address as libpq reads it, perhaps with a password: never for a log or an error, where `str` stands."""

    def __str__(self) -> str:
        """Return the address with neither password nor parameters."""
        parts = urlsplit(self.url)
        user, at, hosts = parts.netloc.rpartition("@")
        return f"postgresql://{user.partition(':')[0]}{at}{hosts}{parts.path}"


Location: TypeAlias = Path | Server


def locate(settings: DatabaseSettings, file: Path, environ: Mapping[str, str]) -> Location:
    """Return where the database is: where the settings say, or else in `file`. Raises `ConfigError`."""
    url = database_url(settings, environ)
    return Server(url) if url else file


def may_exist(location: Location) -> bool:
    """Return False for a file that is not there yet. Whether a server has the database shows when it is reached."""
    return isinstance(location, Server) or location.exists()
