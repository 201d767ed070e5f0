"""A private PostgreSQL: made from the installed programs in a folder of its own, reached by a socket in it, and ended.

Rule: it is made when the first test asks for it, one per process of a test run, without a port and without fsync. Each
database is copied from one that is brought up to date once. A test that stops its server has one of its own.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from rostergate import store
from running import SECONDS_MAX, Pause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ENGINES = ("sqlite", "postgresql")
USER = "rostergate"
"""Owns every database that is made here, and is nothing more on the server: no superuser."""
PASSWORD = "wind/mill@22:%"
_ADMINISTRATOR = "postgres"
_TEMPLATE = "rostergate_template"
_EMPTY = "rostergate_empty"
_INSTALLED = Path("/usr/lib/postgresql")  # where Debian keeps each version's programs


def programs() -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest first; None where they are not installed."""
    found = [path for path in _INSTALLED.glob("*/bin") if (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class PostgreSQL:
    """A server that runs, and the databases that tests make in it."""

    def __init__(self, folder: Path, command: Sequence[object], as_user: Mapping[str, Any]) -> None:
        self._folder = folder
        self._command = [str(part) for part in command]
        self._as_user = as_user
        self._numbers = count(1)
        self.start()

    def start(self) -> None:
        """Start the server and wait until it lets one in."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._folder, **self._as_user)
        _wait_for(self._process, self._folder)
        self._maintenance = psycopg.connect(_administrator(self._folder), autocommit=True)

    def stop(self) -> None:
        """End the server with everything that is under way in it."""
        self._maintenance.close()
        self._process.send_signal(signal.SIGINT)  # "fast"
        try:
            self._process.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)  # "immediate": its children end too, as they would not by SIGKILL
            self._process.wait(SECONDS_MAX)

    def furnish(self) -> None:
        """Make the owner, the user with a password, and the databases that others are copied from."""
        self._execute(f"CREATE ROLE {USER} LOGIN")
        self._execute(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
        for name in (_TEMPLATE, _EMPTY):
            self._execute(f"CREATE DATABASE {name} OWNER {USER}")
        store.upgrade(self.server(_TEMPLATE))

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql://{USER}@/{name}?host={self._folder}"

    def guarded_url(self, name: str, password: str) -> str:
        """Return the address of a database for the one user who needs a password."""
        return f"postgresql://guarded:{password}@/{name}?host={self._folder}"

    def server(self, name: str) -> store.Server:
        """Return a database's location."""
        return store.Server(self.url(name))

    @contextlib.contextmanager
    def database(self, template: str = _TEMPLATE) -> Iterator[str]:
        """Give the name of a new database with every table and no rows; drop it at the end."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} OWNER {USER} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield name
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def empty(self, options: str = "") -> Iterator[str]:
        """Give the name of a new database without tables; drop it at the end."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} OWNER {USER} {options or f'TEMPLATE {_EMPTY} STRATEGY file_copy'}")
        try:
            yield name
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop_sessions(self, name: str) -> None:
        """End every connection to a database, as a server that is started again does."""
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def set(self, name: str, setting: str, value: str) -> None:
        """Let every new connection to a database have a setting, as its administrator can."""
        self._execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")

    def limit_sessions(self, name: str, most: int) -> None:
        """Let in no more connections to a database than so many."""
        self._execute(f"ALTER DATABASE {name} CONNECTION LIMIT {most}")

    def sessions(self, name: str) -> int:
        """Return how many connections to a database there are."""
        return self._execute(f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}'").rowcount

    def _execute(self, statement: str) -> psycopg.Cursor[Any]:
        return self._maintenance.execute(statement.encode())


@contextlib.contextmanager
def private(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """Run a server of our own and end it. Its programs must be installed. A durable one waits for the disk."""
    bin_folder = programs()
    assert bin_folder is not None, "PostgreSQL is not installed"
    # A socket's path has at most 107 bytes, and the server's user must be let through all of it.
    folder = Path(tempfile.mkdtemp(prefix="rg-pg-", dir="/tmp"))
    try:
        with _running(bin_folder, folder, durable=durable) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(bin_folder: Path, folder: Path, *, durable: bool) -> Iterator[PostgreSQL]:
    as_user = _unprivileged(folder)
    data = folder / "data"
    made = subprocess.run(
        [
            bin_folder / "initdb",
            "-D",
            data,
            "-U",
            _ADMINISTRATOR,
            *("--auth", "trust", "-E", "UTF8", "--locale", "C", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS_MAX,
        cwd=folder,
        **as_user,
    )
    assert made.returncode == 0, made.stderr
    access = data / "pg_hba.conf"
    access.write_text(f"local all guarded scram-sha-256\n{access.read_text()}")
    settings = {
        "unix_socket_directories": folder,
        "listen_addresses": "",
        "max_connections": "100",
    }
    if durable:
        settings |= {"shared_buffers": "256MB", "max_wal_size": "4GB"}
    else:
        settings |= {"shared_buffers": "32MB", "fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    server = PostgreSQL(folder, [bin_folder / "postgres", "-D", data, *options], as_user)
    try:
        server.furnish()
        yield server
    finally:
        server.stop()


def _wait_for(process: subprocess.Popen[bytes], folder: Path) -> None:
    pause = Pause()
    while True:
        assert process.poll() is None, (folder / "log").read_text()
        try:
            psycopg.connect(_administrator(folder)).close()
        except psycopg.OperationalError:
            pause.short()
        else:
            return


def _administrator(folder: Path) -> str:
    return f"postgresql://{_ADMINISTRATOR}@/postgres?host={folder}"


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Return how to start a program as a user other than root, to whom the folder is given: the server refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError("there is neither a user postgres nor a user nobody")
