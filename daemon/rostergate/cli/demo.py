"""`rostergate demo`: the whole road before the reader's eyes, on throwaway state and a free port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh
import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from rostergate import store
from rostergate.cli import sample
from rostergate.cli.place import run
from rostergate.errors import Refused, RostergateError
from rostergate.service.lock import running
from rostergate.spool.folders import Spool
from rostergate.store import deliveries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SETTLE_SECONDS: Final = 1
STEP_SECONDS_MAX: Final = 120
"""How long to wait for the daemon at each step, on a slow machine."""
_DISTRICT: Final = "lakeside"


@click.command()
@click.option("--once", is_flag=True, help="End after the story instead of staying up until Ctrl-C.")
@click.option(
    "--files",
    type=click.Path(path_type=Path, file_okay=False),
    help="Only write the sample district's files into this folder, to be uploaded to a daemon of your own.",
)
def demo(*, once: bool, files: Path | None) -> None:
    """Start a daemon on throwaway state, push a sample district over SFTP, and show what happens."""
    if files:
        _write_files(files)
        return
    with tempfile.TemporaryDirectory(prefix="rostergate-demo-") as folder:
        run(_play(Path(folder), once=once))


def _write_files(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = sample.file_set()
    for name, rows in made.items():
        try:
            with (folder / name).open("xb") as file:
                file.write(sample.as_csv(rows))
        except FileExistsError:
            raise Refused(f"{folder / name} is there already; name another folder") from None
    click.echo(f"{len(made)} files of a district that does not exist written to {folder}")


async def _play(folder: Path, *, once: bool) -> None:
    stage = Stage(folder)
    async with stage.daemon():
        await stage.first_delivery()
        await stage.second_upload()
        await stage.bad_set()
        await stage.suspicious_set()
        if not once:
            stage.how_to_connect()
            await _until_interrupted()


async def _until_interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop.set)
    click.echo("\nThe daemon stays up. Ctrl-C ends it and removes everything.")
    await stop.wait()


@dataclass(frozen=True, slots=True)
class _Access:
    port: int
    username: str
    password: str


class Stage:
    """A daemon, one district, and a narrator."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spool = Spool(folder / "state")
        self._console = Console(width=max(84, min(Console().width, 110)), highlight=False)
        self._files = sample.file_set()
        self._access = _Access(0, "", "")

    @contextlib.asynccontextmanager
    async def daemon(self) -> AsyncIterator[None]:
        """Add the district, run the daemon as a process of its own, and end it."""
        self._scene("A district, and the daemon")
        added = await self._rostergate(
            "district", "add", _DISTRICT, "--name", "Lakeside Unified", "--time-zone", "America/Chicago", "--json"
        )
        log = (self._folder / "daemon.log").open("wb")
        process = await asyncio.create_subprocess_exec(
            *self._command("serve", "--port", "0"),
            env=self._environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            issued = json.loads(added)
            self._access = _Access(await self._port(process), issued["username"], issued["password"])
            self._say(f"The daemon listens on 127.0.0.1:{self._access.port}; its state is thrown away at the end.")
            yield
        finally:
            log.close()
            if process.returncode is None:
                process.terminate()
                await process.wait()

    async def first_delivery(self) -> None:
        """Push the sample set and show its report."""
        self._scene("The district's system uploads its six files")
        await self._upload(self._files)
        await self._show_latest("settled")
        await self._show_command("roster")

    async def second_upload(self) -> None:
        """Show that a second upload of the day is refused with its reason."""
        self._scene("A second upload on the same day is refused, with the reason")
        try:
            await self._upload({"students.csv": self._files["students.csv"]})
        except asyncssh.SFTPError as refused:
            self._say(f"put students.csv: {refused.reason}", style="red")
        else:
            raise RostergateError("the demo went wrong: a second upload was taken")
        self._say("An operator can grant one more:")
        await self._show_command("district", "grant", _DISTRICT)

    async def bad_set(self) -> None:
        """Show that a bad set is refused whole, naming the line."""
        self._scene("A set with one broken row is refused, naming file and line")
        await self._upload(sample.with_ragged_row(self._files, "students.csv", 42))
        await self._show_latest("rejected")

    async def suspicious_set(self) -> None:
        """Show that a school that loses half of its students waits for a person, and release it."""
        self._scene("The corrected set comes the same day, but one school has lost half of its students")
        await self._upload(sample.without_half_of(self._files, "100"))
        await self._show_latest("planned")
        await self._show_command("holds")
        plan = json.loads(await self._rostergate("holds", "--json"))[0]["plan"]
        self._say("Somebody asks the school. The students really left, so the plan is released:")
        await self._show_command("release", plan, "--by", "Operator", "--reason", "confirmed by the school office")
        await self._show_command("roster")

    def how_to_connect(self) -> None:
        """Tell how to try it with real clients."""
        self._scene("Try it yourself")
        access = self._access
        self._say(
            f"sftp -P {access.port} {access.username}@127.0.0.1      password: {access.password}\n"
            f"Cyberduck, WinSCP, FileZilla: sftp://{access.username}@127.0.0.1:{access.port}\n\n"
            f"Put your files into / (or into /preview/ for a dry run) and read /reports/LATEST.txt.\n"
            "Today's upload is used; another is granted with:"
        )
        place = f"--config {self._folder / 'config'} --state {self._folder / 'state'}"
        command = Text(f"  rostergate {place} district grant {_DISTRICT}")
        self._console.print(command, soft_wrap=True)  # the terminal breaks it, so that it can be copied whole

    def _scene(self, title: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{title}", align="left")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))

    async def _show_command(self, *arguments: str) -> None:
        self._say(f"$ {shlex.join(('rostergate', *arguments))}", style="bold")
        self._say((await self._rostergate(*arguments)).rstrip())

    async def _show_latest(self, state: str) -> None:
        """Wait until the newest delivery is in `state` and show /reports/LATEST.txt, as the district reads it."""
        await self._reached(state)
        async with self._session() as sftp, sftp.open("/reports/LATEST.txt") as file:
            text = await file.read()
        self._say("get /reports/LATEST.txt", style="green")
        self._console.print(Padding(Text(str(text).rstrip()), (1, 0, 1, 2)))

    async def _reached(self, state: str) -> None:
        deadline = time.monotonic() + STEP_SECONDS_MAX
        engine = store.open(self._spool.database)  # a command each time would take the processor from the daemon
        try:
            while time.monotonic() < deadline:
                async with store.reading(engine) as tx:
                    newest = await deliveries.latest(tx, _DISTRICT)
                if newest and newest.state.value == state and newest.reported_at:
                    return
                await asyncio.sleep(0.2)
        finally:
            await engine.dispose()
        raise RostergateError(f"the demo went wrong: nothing became {state}. The daemon's log:\n{self._log()}")

    async def _upload(self, files: sample.FileSet) -> None:
        async with self._session() as sftp:
            for name, rows in files.items():
                data = sample.as_csv(rows)
                async with sftp.open(f"/{name}", "wb") as file:
                    await file.write(data)
                self._say(f"put {name:<16} {len(rows) - 1:>5} rows {len(data):>8} bytes", style="green")

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[asyncssh.SFTPClient]:
        host_key = asyncssh.read_public_key(self._spool.keys / "ssh_host_ed25519_key.pub")
        async with (
            asyncssh.connect(
                "127.0.0.1",
                self._access.port,
                username=self._access.username,
                password=self._access.password,
                known_hosts=([host_key], [], []),
                client_keys=None,
                config=None,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            yield sftp

    async def _port(self, process: asyncio.subprocess.Process) -> int:
        deadline = time.monotonic() + STEP_SECONDS_MAX
        while time.monotonic() < deadline and process.returncode is None:
            if daemon := running(self._spool):
                return daemon.port
            await asyncio.sleep(0.05)
        raise RostergateError(f"the daemon did not start. Its log:\n{self._log()}")

    def _log(self) -> str:
        return (self._folder / "daemon.log").read_text()  # it goes with the folder

    def _environment(self) -> dict[str, str]:
        """Return the environment without settings of the reader's own, with a daemon that is quick and local."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROSTERGATE_")}
        return {
            **kept,
            "COLUMNS": str(self._console.width),
            "ROSTERGATE_SERVER__ADDRESS": "127.0.0.1",
            "ROSTERGATE_SERVER__PUBLIC_HOST": "127.0.0.1",
            "ROSTERGATE_DELIVERY__SETTLE_SECONDS": str(SETTLE_SECONDS),
        }

    def _command(self, *arguments: str) -> list[str]:
        place = ["--config", str(self._folder / "config"), "--state", str(self._folder / "state")]
        return [sys.executable, "-m", "rostergate", *place, *arguments]

    async def _rostergate(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._command(*arguments), env=self._environment(), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise RostergateError(
                f"the demo went wrong: rostergate {' '.join(arguments)} ended with {process.returncode}"
            )
        return output.decode()
