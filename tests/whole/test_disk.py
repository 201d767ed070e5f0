"""A daemon whose disk fills up, on a small disk of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

import asyncssh
import pytest

from mailing import SENDER, mail_server_beside
from rostergate.service.lock import Running, StateLock, running
from running import SECONDS_MAX, Rostergate, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailing import Mailbox

MIB = 1 << 20


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """Give a mail server."""
    with mail_server_beside() as box:
        yield box


@pytest.fixture
def rostergate(tmp_path: Path, box: Mailbox) -> Iterator[Rostergate]:
    """Give a rostergate whose state is on a disk of 64 MiB, or skip the test where mounting is not allowed."""
    one = Rostergate(
        tmp_path,
        {
            "ROSTERGATE_DISK__FREE_BYTES_MIN": str(20 * MIB),
            "ROSTERGATE_DISK__FREE_BYTES_LOW": str(30 * MIB),
            "ROSTERGATE_MAIL__HOST": "127.0.0.1",
            "ROSTERGATE_MAIL__PORT": str(box.port),
            "ROSTERGATE_MAIL__SECURITY": "none",
            "ROSTERGATE_MAIL__SENDER": SENDER,
            "ROSTERGATE_MAIL__OPERATORS": '["ops@platform.example"]',
            "ROSTERGATE_DELIVERY__SETTLE_SECONDS": "2",
        },
    )
    one.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", one.state]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk is left out: mounting one needs root")
    try:
        one.add_district()
        yield one
    finally:
        subprocess.run(["umount", "--lazy", one.state], check=True)


async def test_a_disk_that_fills_up(rostergate: Rostergate, box: Mailbox, files: dict[str, bytes]) -> None:
    """Uploads are refused with a reason and a sealed delivery waits; both go on by themselves, with no attempt lost."""
    ballast = rostergate.state / "ballast"
    with rostergate.daemon():
        await rostergate.upload(files)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 50 * MIB)
        until(lambda: rostergate.events("disk.exhausted"), "the daemon to see that the disk is nearly full")
        until(lambda: rostergate.standing() == ("sealed", False), "the set to be sealed")
        async with rostergate.sftp() as client:
            with pytest.raises(asyncssh.SFTPFailure, match="disk is nearly full, so nothing is taken at the moment"):
                await client.open("/preview/students.csv", "wb")
        assert "disk is nearly full" in " ".join(rostergate.latest().split())
        assert rostergate.queried("SELECT state, attempts FROM deliveries") == [("sealed", 0)]
        until(lambda: box.messages, "mail to the operators")
        ballast.unlink()
        rostergate.reached("settled")
        assert rostergate.queried("SELECT attempts FROM deliveries") == [(1,)]
        await rostergate.upload({"students.csv": files["students.csv"]}, folder="/preview/")
    (mail,) = box.messages
    assert (mail["To"], mail["Subject"].partition(": ")[2]) == ("ops@platform.example", "the disk is nearly full")
    assert [len(rostergate.events(f"disk.{what}")) for what in ("filled", "exhausted", "freed")] == [1, 1, 1]


def fill(folder: Path) -> Path:
    """Leave not a byte on a folder's disk; return the file that takes it."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4_096)):
            pass
    return ballast


async def test_a_disk_that_is_full_to_the_last_byte(rostergate: Rostergate, files: dict[str, bytes]) -> None:
    """A daemon goes on, also with a district that it has never seen, and takes what comes when there is room again."""
    district = rostergate.config / "districts" / "lakeside.toml"
    with rostergate.daemon():
        ballast = fill(rostergate.state)
        district.with_stem("hillside").write_text(district.read_text())
        until(lambda: rostergate.events("page.failed"), "the page to be told of")
        until(lambda: rostergate.events("disk.exhausted"), "the daemon to see that there is no room")
        ballast.unlink()
        until(lambda: rostergate.events("disk.freed"), "the daemon to see that there is room")
        await rostergate.upload(files)
        rostergate.reached("settled")


def test_a_start_on_a_full_disk(rostergate: Rostergate) -> None:
    """A daemon for whose database there is no room does not start, and says that it is the disk that may be full."""
    with rostergate.daemon():
        pass
    ballast = fill(rostergate.state)
    process = rostergate.start()
    assert process.wait(SECONDS_MAX) == 1
    assert "(disk I/O error). Its disk is full, or fails" in rostergate.log.read_text()
    ballast.unlink()


def test_that_a_daemon_listens_can_be_told_on_a_full_disk(rostergate: Rostergate) -> None:
    """What the lock's file says is replaced where it stands."""
    with StateLock(rostergate.spool) as lock:
        fill(rostergate.state)
        lock.announce(4022)
        assert running(rostergate.spool) == Running(os.getpid(), 4022)
