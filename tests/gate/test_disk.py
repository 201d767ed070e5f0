"""Disks that are full, read-only or gone, as the kernel has them: the client is told, and the gate goes on."""

from __future__ import annotations

import errno
import shutil
import subprocess
from typing import TYPE_CHECKING

import asyncssh
import pytest
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE
from structlog.testing import capture_logs

from gate.house import SLUG, House, reaching
from rostergate import journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NEW = FXF_WRITE | FXF_CREAT | FXF_TRUNC
OLD = b"school_id,school_name\n1,Old\n"
LARGE = b"1,Lincoln High\n" * 200_000
"""Three times what the small disk holds."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of one MiB, or skip the test where that is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small disk is left out: mounting one needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
async def house(disk: Path) -> AsyncIterator[House]:
    """Open a house whose state is on the small disk, with one file committed."""
    house = House(disk / "state")
    await house.open()
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv", OLD)
    yield house
    await house.gate.drain(0)


def remount(disk: Path, how: str) -> None:
    """Let the disk be read only (`ro`), or written to again (`rw`)."""
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


async def put(sftp: asyncssh.SFTPClient, name: str, data: bytes) -> None:
    """Upload a file as a whole."""
    async with sftp.open(name, NEW, encoding=None) as file:
        await file.write(data)


async def test_a_full_disk(house: House) -> None:
    """The client learns that there is no space; the old file stays, nothing of the new one does, a smaller one fits."""
    async with house.sftp() as sftp:
        with pytest.raises(asyncssh.SFTPFailure, match="no space left on the server"):
            await put(sftp, "schools.csv", LARGE)
        assert house.committed() == {"schools.csv": OLD}
        assert house.inbox().left() == {}
        assert list(house.inbox().scratch.iterdir()) == []
        await put(sftp, "teachers.csv", OLD)
    assert house.committed() == {"schools.csv": OLD, "teachers.csv": OLD}


async def test_a_disk_that_cannot_be_written_to(house: House, disk: Path) -> None:
    """The client is told so, what is there can still be seen, and uploads go on when the disk can be written again."""
    async with house.sftp() as sftp:
        remount(disk, "ro")
        with pytest.raises(asyncssh.SFTPFailure, match="the server's disk cannot be written to"):
            await put(sftp, "schools.csv", LARGE)
        with pytest.raises(asyncssh.SFTPFailure, match="the server's disk cannot be written to"):
            await sftp.remove("schools.csv")
        assert (await sftp.stat("schools.csv")).size == len(OLD)
        remount(disk, "rw")
        await put(sftp, "schools.csv", OLD * 2)
    assert house.committed() == {"schools.csv": OLD * 2}


async def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    """What begins is refused, what is in progress is cut off and dropped, both with the reason; then all goes on."""
    house = House(tmp_path / "state")
    await house.open()
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", NEW, encoding=None)
        await file.write(OLD)
        house.full = "the disk is nearly full: try again later"
        with reaching("disk.free_bytes_min"), pytest.raises(asyncssh.SFTPFailure, match="nearly full: try again"):
            await file.write(OLD, len(OLD))
        with pytest.raises(asyncssh.SFTPFailure, match="nearly full: try again"):
            await file.close()
        with reaching("disk.free_bytes_min"), pytest.raises(asyncssh.SFTPFailure, match="nearly full: try again"):
            await put(sftp, "teachers.csv", OLD)
        assert house.inbox().left() == {}
        house.full = None
        await put(sftp, "teachers.csv", OLD)
    assert house.committed() == {"teachers.csv": OLD}
    await house.gate.drain(0)


async def test_a_folder_that_is_removed_meanwhile(house: House) -> None:
    """An upload whose folder is gone is refused at its end; the next one finds a new folder."""
    async with house.sftp() as sftp:
        file = await sftp.open("teachers.csv", NEW, encoding=None)
        await file.write(OLD)
        shutil.rmtree(house.inbox().folder)
        with pytest.raises(asyncssh.SFTPFailure, match="folder for uploads is gone"):
            await file.close()
        assert "schools.csv" not in await sftp.listdir("/")
        await put(sftp, "teachers.csv", OLD)
    assert house.committed() == {"teachers.csv": OLD}
    assert [reason for *_, reason in house.refusals] == ["the server's folder for uploads is gone; try again later"]


async def test_a_state_that_is_gone(house: House, disk: Path) -> None:
    """Where what the inboxes stand in is gone, nothing is put on whatever disk is there instead."""
    async with house.sftp() as sftp:
        (disk / "state" / "inbox").rename(disk / "elsewhere")
        with pytest.raises(asyncssh.SFTPFailure, match="folder for uploads is gone"):
            await put(sftp, "teachers.csv", OLD)
        (disk / "elsewhere").rename(disk / "state" / "inbox")
        await put(sftp, "teachers.csv", OLD)
    assert house.committed() == {"schools.csv": OLD, "teachers.csv": OLD}


async def test_the_log_says_what_the_kernel_said(house: House, disk: Path) -> None:
    """Whoever runs the server is told why its disk refuses: the client's words alone do not say what to mend."""
    remount(disk, "ro")
    with capture_logs() as lines:
        async with house.sftp() as sftp:
            for ask in (put(sftp, "teachers.csv", OLD), sftp.remove("schools.csv")):
                with pytest.raises(asyncssh.SFTPFailure, match="cannot be written to"):
                    await ask
    remount(disk, "rw")
    refused = [one for one in lines if one["event"] == journal.UPLOAD_REFUSED]
    assert [one["exc_info"].errno for one in refused] == [errno.EROFS, errno.EROFS]


async def test_an_inbox_that_cannot_be_opened(tmp_path: Path) -> None:
    """The session ends with a reason, as a refused upload does."""
    house = House(tmp_path / "state")
    await house.open()
    house.spool.inbox(SLUG).touch()
    async with asyncssh.connect(**house.options()) as connection:
        done = await connection.run(subsystem="sftp", encoding=None)
    assert (done.stderr, done.exit_status) == (b"rostergate: the server's disk failed; try again later\n", 1)
    await house.gate.drain(0)
