"""The room on the disk, with a disk whose free bytes the test sets and a real outbox."""

from __future__ import annotations

import asyncio
from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

import databases
from mailing import SENDER
from rostergate import store
from rostergate.config import Settings
from rostergate.core.notices import Kind
from rostergate.service.room import Room
from rostergate.store import outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

OPERATOR = "ops@platform.example"
SETTINGS = Settings.model_validate(
    {
        "disk": {"free_bytes_min": 100, "free_bytes_low": 400},
        "mail": {"host": "mail.example.org", "sender": SENDER, "operators": [OPERATOR]},
    }
)
Usage = namedtuple("Usage", "total free")  # noqa: PYI024 - what shutil gives has no types either


@dataclass
class Disk:
    """A disk and a clock, both set by the test."""

    engine: AsyncEngine
    folder: Path
    free: int = 1_000
    now: datetime = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)

    def room(self) -> Room:
        """Return what a daemon that starts now knows of the disk."""
        return Room(SETTINGS, self.engine, self.folder, lambda: self.now, usage=self._usage)

    def _usage(self, folder: Path) -> Any:
        assert folder == self.folder
        if self.free < 0:
            raise OSError("the disk is gone")
        return Usage(1_000, self.free)

    async def mails(self) -> list[outbox.Mail]:
        """Return the mail that has been written, oldest first."""
        async with store.reading(self.engine) as tx:
            return (await outbox.listed(tx))[::-1]


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    """Give an empty disk."""
    databases.make(tmp_path / "rostergate.db")
    engine = store.open(tmp_path / "rostergate.db")
    yield Disk(engine, tmp_path)
    await engine.dispose()


async def test_nothing_is_taken_until_there_is_room_again(disk: Disk) -> None:
    """Below the bound uploads are refused with a reason; at the bound they are taken; each turn is logged once."""
    room, told = disk.room(), []
    with capture_logs() as log:
        for free in (1_000, 100, 99, 50, 100, 1_000):
            disk.free = free
            await room.look()
            told.append(room.refusal())
    assert [bool(one) for one in told] == [False, False, True, True, False, False]
    assert "try again later" in str(told[2])
    assert [(one["event"], one["free_bytes"]) for one in log] == [
        ("disk.filled", 100),
        ("disk.exhausted", 99),
        ("disk.freed", 100),
    ]


async def test_operators_are_told_once_until_there_is_clearly_more(disk: Disk) -> None:
    """A disk that goes up and down around the bound is one episode; once there was room, it is another."""
    room = disk.room()
    for free in (399, 401, 399, 450, 10, 399):
        disk.free = free
        await room.look()
    (mail,) = await disk.mails()
    assert (mail.kind, mail.recipient, mail.facts) == (Kind.DISK, OPERATOR, {"free_bytes": 399, "bytes": 1_000})
    disk.free = 500
    await room.look()
    disk.free, disk.now = 399, disk.now + timedelta(hours=1)
    await room.look()
    assert [one.kind for one in await disk.mails()] == [Kind.DISK, Kind.DISK]


async def test_a_restart_does_not_tell_again(disk: Disk) -> None:
    """What was told an hour ago is not told again because the daemon was started; what was told two days ago is."""
    disk.free = 50
    await disk.room().look()
    for later, mails in ((timedelta(hours=1), 1), (timedelta(days=2), 2)):
        disk.now += later
        await disk.room().look()
        assert len(await disk.mails()) == mails


async def test_a_disk_that_cannot_be_looked_at_changes_nothing(disk: Disk) -> None:
    """What was known of it stays until it can be looked at again."""
    room = disk.room()
    disk.free = 50
    await room.look()
    disk.free = -1
    await room.look()
    assert room.refusal()


async def test_what_waits_is_called_when_there_is_room(disk: Disk) -> None:
    """The watch tells once that there is room again, and ends when it is stopped."""
    room, stop, called = disk.room(), asyncio.Event(), asyncio.Event()
    disk.free = 50
    await room.look()
    watching = asyncio.create_task(room.watch(stop, called.set))
    disk.free = 1_000
    await asyncio.wait_for(called.wait(), 60)
    stop.set()
    await asyncio.wait_for(watching, 60)
