"""A whole rostergate in a folder of its own: the commands and the daemon as real processes, on a free port."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import asyncssh
import psycopg
from jsonschema import Draft202012Validator

import forked
from rostergate.desk import status
from rostergate.desk.event_fields import ALWAYS
from rostergate.desk.events import EVENTS
from rostergate.service.lock import running
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

SECONDS_MAX = 60.0
"""How long anything may take on a slow machine before a test calls it hung."""


def until(true: Callable[[], Any], what: str, seconds: float = SECONDS_MAX) -> Any:
    """Wait until `true()` is truthy and return it; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = Pause()
    while time.monotonic() < deadline:
        if answer := true():
            return answer
        pause.short()
    raise AssertionError(f"waited {seconds:.0f} s for: {what}")


def until_told(standing: Callable[[], Any], wanted: Any, what: str, log: Path) -> bool:
    """Wait until `standing()` is `wanted`; fail with what it was instead, and the daemon's log."""
    seen: list[Any] = [None]

    def there() -> bool:
        seen[0] = standing()
        return bool(seen[0] == wanted)

    try:
        return bool(until(there, what))
    except AssertionError as late:
        raise AssertionError(f"{late}: {seen[0]} instead of {wanted}\n{log.read_text()}") from None


class Pause:
    """Waits between two looks, a little longer each time."""

    def __init__(self) -> None:
        self._seconds = 0.01

    def short(self) -> None:
        """Give way for a moment."""
        time.sleep(self._seconds)
        self._seconds = min(self._seconds * 1.5, 0.2)


@dataclass
class Rostergate:
    """One state and configuration folder, and what can be done with them."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The configuration folder."""
        return self.folder / "config"

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    @property
    def spool(self) -> Spool:
        """The state folder's layout."""
        return Spool(self.state)

    @property
    def log(self) -> Path:
        """What the daemons wrote, one after the other."""
        return self.folder / "daemon.log"

    @property
    def port(self) -> int:
        """The port of the daemon that runs."""
        daemon = running(self.spool)
        assert daemon, "no daemon runs"
        return daemon.port

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of `rostergate ARGUMENTS` on these folders."""
        return [sys.executable, "-m", "rostergate", *self.place, *arguments]

    @property
    def place(self) -> tuple[str, ...]:
        """The options that point a command at these folders."""
        return ("--config", str(self.config), "--state", str(self.state))

    def environ(self) -> dict[str, str]:
        """Return the environment of its processes: quick to settle, cheap passwords, loopback only."""
        # Without compiled files each of the many processes would compile every module again.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ROSTERGATE_") and name != "PYTHONDONTWRITEBYTECODE"
        }
        return {
            **kept,
            "ROSTERGATE_SERVER__ADDRESS": "127.0.0.1",
            "ROSTERGATE_DELIVERY__SETTLE_SECONDS": "0.4",
            "ROSTERGATE_DELIVERY__RETRY_SECONDS": "0.1",
            "ROSTERGATE_PASSWORDS__MEMORY_KIB": "8192",
            "ROSTERGATE_PASSWORDS__PASSES": "1",
            **self.environment,
        }

    def run(self, *arguments: str, status: int = 0) -> str:
        """Run a command, check its exit status and return what it printed."""
        done = self._done(*arguments)
        assert done.returncode == status, f"{arguments} ended with {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout if status == 0 or done.stdout else done.stderr

    def _done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command; a daemon, or where the environment says how Python starts, as a program of its own."""
        environment = self.environ()
        if arguments[0] != "serve" and not any(name.startswith("PYTHON") for name in self.environment):
            return forked.run([*self.place, *arguments], environment, SECONDS_MAX)
        command = self.command(*arguments)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS_MAX
        )

    def answer(self, *arguments: str, status: int = 0) -> Any:
        """Run a command with `--json` and return its answer."""
        return json.loads(self.run(*arguments, "--json", status=status))

    def copied(self, folder: Path) -> Rostergate:
        """Return a copy of this one, as it stands, in another folder. Its daemon must not run."""
        folder.mkdir()
        shutil.copytree(self.config, folder / "config")
        shutil.copytree(self.state, folder / "state")
        return Rostergate(folder, dict(self.environment), dict(self.passwords))

    def add_district(self, slug: str = "lakeside", zone: str = "America/Chicago") -> None:
        """Add a district and keep its password."""
        issued = self.answer("district", "add", slug, "--name", slug.title(), "--time-zone", zone)
        self.passwords[slug] = issued["password"]

    @contextlib.contextmanager
    def daemon(self, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Run the daemon; end it with SIGTERM, and check that it ended well, unless it is dead already."""
        process = self.start(environment)
        try:
            self.listens(process)
            assert process.poll() is None, self.log.read_text()
            yield process
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(SECONDS_MAX) == 0, self.log.read_text()
            self.assert_listed()
            self.assert_published()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def listens(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the daemon listens, or has ended; fail with what it wrote, and with where each thread stands."""
        try:
            # The first start in a new clone compiles every module, beside others that do so too.
            until(lambda: running(self.spool) or process.poll() is not None, "the daemon to listen", 3 * SECONDS_MAX)
        except AssertionError as late:
            process.send_signal(signal.SIGABRT)  # see PYTHONFAULTHANDLER
            process.wait(SECONDS_MAX)
            raise AssertionError(f"{late}\n{self.log.read_text()}") from None

    def start(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the daemon as the leader of a process group, its log appended to `log`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command("serve", "--port", "0"),
                env={**self.environ(), "PYTHONFAULTHANDLER": "1", **(environment or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @contextlib.asynccontextmanager
    async def sftp(self, slug: str = "lakeside") -> AsyncIterator[asyncssh.SFTPClient]:
        """Log in as a district."""
        async with (
            asyncssh.connect(
                "127.0.0.1",
                self.port,
                username=slug,
                password=self.passwords[slug],
                known_hosts=None,
                client_keys=None,
                config=None,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            yield client

    async def upload(self, files: Mapping[str, bytes], slug: str = "lakeside", folder: str = "/") -> None:
        """Push files as a district."""
        async with self.sftp(slug) as client:
            for name, data in files.items():
                async with client.open(f"{folder}{name}", "wb") as file:
                    await file.write(data)

    def deliveries(self, slug: str = "lakeside") -> list[dict[str, Any]]:
        """Return a district's deliveries, newest first."""
        found: list[dict[str, Any]] = self.answer("deliveries", "--district", slug)
        return found

    def reached(self, state: str, number: int = 1, slug: str = "lakeside") -> dict[str, Any]:
        """Wait until the district's `number`-th delivery is in `state` and its report is written; return it."""
        there = until_told(lambda: self.standing(number, slug), (state, True), f"{slug}-{number:05}", self.log)
        assert there
        return next(one for one in self.deliveries(slug) if one["delivery"] == f"{slug}-{number:05}")

    def standing(self, number: int = 1, slug: str = "lakeside") -> tuple[str, bool] | None:
        """Return a delivery's state and whether its report is written, straight from the database."""
        found = self.queried(
            f"SELECT state, reported_at IS NOT NULL FROM deliveries WHERE district = '{slug}' AND number = {number}"
        )
        return (found[0][0], bool(found[0][1])) if found else None

    def queried(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, straight from the database."""
        if url := self.environment.get("ROSTERGATE_DATABASE__URL"):
            with psycopg.connect(url) as server:
                return server.execute(query.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(self.spool.database, timeout=SECONDS_MAX)) as database:
            return database.execute(query).fetchall()

    def counts(self, slug: str = "lakeside") -> dict[str, int]:
        """Return the rows of the district's roster by table."""
        (counts,) = self.answer("roster", "--district", slug)
        return {table: rows for table, rows in counts.items() if isinstance(rows, int)}

    def latest(self, slug: str = "lakeside") -> str:
        """Return LATEST.txt."""
        return (self.spool.reports(slug) / "LATEST.txt").read_text()

    def latest_or_nothing(self, slug: str = "lakeside") -> str:
        """Return LATEST.txt, or nothing while there is none."""
        path = self.spool.reports(slug) / "LATEST.txt"
        return path.read_text() if path.exists() else ""

    def age_receiving(self, began: float, slug: str = "lakeside") -> None:
        """Let the delivery that is coming in have begun earlier (seconds since the epoch). No daemon must run."""
        at = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        with contextlib.closing(sqlite3.connect(self.spool.database)) as database, database:
            database.execute(
                "UPDATE deliveries SET began_at = ? WHERE district = ? AND state = 'receiving'", (at, slug)
            )

    def assert_listed(self) -> None:
        """Fail when the log has an event, or a field of one, that the list of events does not have."""
        for line in filter(lambda line: line.startswith("{"), self.log.read_text().splitlines()):
            fields = json.loads(line)
            assert fields.keys() - ALWAYS.keys() <= set(EVENTS[fields["event"]].fields), line

    def assert_published(self) -> None:
        """Fail when a status.json is not as its published schema says."""
        validator = Draft202012Validator(json.loads(status.schema()))
        for path in self.state.glob("reports/*/*/status.json"):
            validator.validate(json.loads(path.read_text()))

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of one event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]
