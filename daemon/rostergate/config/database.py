"""The address of the database: from the settings, or from the file that they name.

Rule 1: a password is never repeated, in no error and no log, nor is anything that could be a part of one.
Rule 2: the settings hold no password: they may be read by others, and are shown. It stands in the file of
`database.url_file`, or in a `.pgpass`, or none is needed.
"""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from rostergate.config.credential import located, missing_hint
from rostergate.config.section import Section
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

URL_BYTES_MAX: Final = 4_096
EXAMPLE: Final = "postgresql://rostergate@db.example.org/rostergate"
_SCHEMES: Final = ("postgresql://", "postgres://")  # libpq takes both (PostgreSQL's manual, 34.1.1.2)
_ESCAPE: Final = "in a password write / as %2F, @ as %40, : as %3A, ? as %3F, # as %23, [ as %5B, ] as %5D and % as %25"
_BEFORE_PORT: Final = re.compile(r"^(?:\[[^\]]*\]|[^:]*):?")
_BARE_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PASSWORD: Final = re.compile(r"[?&](?:ssl)?password=", re.IGNORECASE)


def _url(url: str) -> str:
    if not url:
        return url
    if wrong := fault(url):
        raise ValueError(wrong)
    if has_password(url):
        raise ValueError(
            "a password does not belong here, where others may read it; write the whole address into a file of its own "
            "and name that in database.url_file"
        )
    return url


class DatabaseSettings(Section):
    """Where the roster is kept; empty = a SQLite file in the state folder."""

    url: Annotated[str, AfterValidator(_url)] = ""
    url_file: Annotated[str, Field(max_length=4_096)] = ""
    """A file that has the address in one line, with its password; without a slash, one of systemd's credentials."""
    start_seconds_max: Annotated[int, Field(ge=0, le=3_600)] = 300
    """How long the daemon's start waits for a server that is away."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.url and self.url_file:
            raise ValueError("expected url or url_file, found both")
        return self


def database_url(settings: DatabaseSettings, environ: Mapping[str, str]) -> str:
    """Return the address of a PostgreSQL database as libpq reads it; empty for SQLite. It may hold a password.

    Raises `ConfigError`, which names the key and the file, and says nothing of what is in it.
    """
    if not settings.url_file:
        return settings.url
    path = located(settings.url_file, environ)
    try:
        with path.open("rb") as file:
            data = file.read(URL_BYTES_MAX + 1)
            mode = path.stat().st_mode
    except OSError as error:
        hint = missing_hint(settings.url_file, environ)
        raise ConfigError(f"database.url_file: {path} cannot be read: {error.strerror or error}{hint}") from None
    if mode & stat.S_IRWXO:
        raise ConfigError(f"database.url_file: {path} is open to every user of this machine; run chmod o= {path}")
    try:
        url = data.decode().strip()
    except UnicodeDecodeError:
        url = ""
    if wrong := fault(url):
        raise ConfigError(f"database.url_file: {path}: {wrong}")
    return url


def fault(url: str) -> str | None:
    """Say what is wrong with an address, without repeating any of it; None when it can be used."""
    if len(url) > URL_BYTES_MAX or not url.isprintable() or " " in url or not url.startswith(_SCHEMES):
        return f"expected one line such as {EXAMPLE}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"the host is not one; {_ESCAPE}"
    # A / or @ inside a password would end it early, and the rest would be taken for a host, a port or a name.
    user, _, hosts = parts.netloc.rpartition("@")
    ports = (_BEFORE_PORT.sub("", host) for host in hosts.split(","))
    faults = (
        ("@" in user or "@" in parts.path, f"expected one @ at most, before the host; {_ESCAPE}"),
        (not all(port.isdecimal() for port in ports if port), f"the port is not a number; {_ESCAPE}"),
        (_BARE_PERCENT.search(url), f"a % is not followed by two hexadecimal digits; {_ESCAPE}"),
        (not parts.path.strip("/") and "dbname=" not in parts.query, f"the database's name is missing; see {EXAMPLE}"),
        (not _known_to_libpq(url), "after the ? there is a parameter that PostgreSQL's libpq does not know"),
    )
    return next((said for found, said in faults if found), None)


def _known_to_libpq(url: str) -> bool:
    from psycopg import ProgrammingError, conninfo  # noqa: PLC0415 - its driver would slow down every command on SQLite

    try:
        conninfo.conninfo_to_dict(url)
    except ProgrammingError:  # what it says may be a part of a password
        return False
    return True


def has_password(url: str) -> bool:
    """Say whether there is a password in an address."""
    user, at, _ = urlsplit(url).netloc.rpartition("@")
    return bool(at and ":" in user) or _PASSWORD.search(url) is not None
