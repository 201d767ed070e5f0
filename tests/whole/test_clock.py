"""A whole daemon in this process whose clock the test sets: jumps of the clock, and a new time zone, amid an upload."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import asyncssh
import pytest
from structlog.testing import capture_logs

import databases
from rostergate import store
from rostergate.cli import sample
from rostergate.config import Districts, Settings, write_district
from rostergate.core.delivery import State
from rostergate.service.alone import Alone
from rostergate.service.daemon import Daemon
from rostergate.spool.folders import Spool
from rostergate.store import deliveries, roster
from running import SECONDS_MAX
from wholes import as_files

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

EVENING = datetime(2026, 9, 2, 4, 50, tzinfo=UTC)
"""Ten minutes before midnight in Chicago, on 1 September."""
SETTINGS = Settings.model_validate(
    {"server": {"address": "127.0.0.1", "port": 0}, "delivery": {"settle_seconds": 0.4}, "disk": {"free_bytes_min": 0}}
)


@dataclass
class Running:
    """A daemon, and what the test moves under it."""

    folder: Path
    key: asyncssh.SSHKey
    port: int = 0
    now: datetime = EVENING

    @property
    def district(self) -> Path:
        """The district's file."""
        return self.folder / "districts" / "lakeside.toml"

    @asynccontextmanager
    async def sftp(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """Log in."""
        where = {"host": "127.0.0.1", "port": self.port, "username": "lakeside", "client_keys": [self.key]}
        async with (
            asyncssh.connect(**where, known_hosts=None, config=None, agent_path=None) as connection,
            connection.start_sftp_client() as client,
        ):
            yield client

    async def settled(self) -> tuple[deliveries.Delivery, int]:
        """Wait until the district's delivery is settled; return it, and how many students the roster has."""
        engine = store.open(Spool(self.folder / "state").database)
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while True:
                    async with store.reading(engine) as tx:
                        last = await deliveries.latest(tx, "lakeside")
                        if last is not None and last.state is State.SETTLED:
                            return last, (await roster.counts(tx, "lakeside"))["students"]
                    await asyncio.sleep(0.1)
        finally:
            await engine.dispose()


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Running]:
    """Run a daemon with one district."""
    one = Running(folder, asyncssh.generate_private_key("ssh-ed25519"))
    spool = Spool(folder / "state")
    spool.prepare()
    databases.make(spool.database)
    write_district(one.district.parent, "lakeside", name="Lakeside", time_zone="America/Chicago")
    listed = one.key.export_public_key().decode().strip()
    one.district.write_text(f'authorized_keys = ["{listed}"]\n{one.district.read_text()}')
    districts = Districts(one.district.parent)
    districts.load()
    async with Alone(spool.database) as alone:
        daemon = Daemon(SETTINGS, districts, spool, spool.database, alone, now=lambda: one.now)
        try:
            one.port = await daemon.start()
            yield one
        finally:
            await daemon.drain()
        assert not daemon.failed


def _forward(daemon: Running) -> None:
    daemon.now += timedelta(minutes=20)


def _back(daemon: Running) -> None:
    daemon.now -= timedelta(hours=1)


def _moved(daemon: Running) -> None:
    """Give the district another time zone, as a correction of the time-zone data would."""
    daemon.district.write_text(daemon.district.read_text().replace("America/Chicago", "America/New_York"))


@pytest.mark.parametrize(
    ("jump", "day"),
    [
        pytest.param(_forward, date(2026, 9, 1), id="forward over midnight"),
        pytest.param(_back, date(2026, 9, 1), id="an hour back"),
        pytest.param(_moved, date(2026, 9, 2), id="another time zone"),
    ],
)
async def test_nothing_is_lost_when_the_clock_jumps_amid_an_upload(
    tmp_path: Path, jump: Callable[[Running], None], day: date
) -> None:
    """The set is taken once, whole, for the day on which its first upload began, by the calendar of the district."""
    files = as_files(sample.file_set())
    half = len(files["students.csv"]) // 2
    with capture_logs() as log:
        async with running(tmp_path) as daemon:
            async with daemon.sftp() as client:
                file = await client.open("students.csv", "wb")
                await file.write(files["students.csv"][:half])
                jump(daemon)
                await file.write(files["students.csv"][half:])
                await file.close()
                for name in files.keys() - {"students.csv"}:
                    async with client.open(name, "wb") as other:
                        await other.write(files[name])
            try:
                delivery, students = await daemon.settled()
            except TimeoutError:
                raise AssertionError(log) from None
            assert (delivery.number, delivery.attempts, delivery.day, students) == (1, 1, day, 260)
