"""What the gate serves besides uploads, and what it does when the disk or the house fails."""

import os
import resource
from datetime import UTC, datetime
from typing import Any

import asyncssh
import pytest
import structlog
from asyncssh import FXF_CREAT, FXF_READ, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import FX_EOF, FXP_READ
from asyncssh.packet import String, UInt32, UInt64

from gate.house import DATA, NOW, PASSWORD, SLUG, House, put
from gate.raw import raw
from rostergate.gate import Footing

# Attributes and removal


async def test_attributes_are_accepted_and_ignored(house: House) -> None:
    """Setting times and modes succeeds and does nothing; an open upload can be cut."""
    async with house.sftp() as sftp:
        async with sftp.open("schools.csv", "wb") as file:
            await file.write(DATA)
            await file.truncate(10)
            await file.utime((0, 0))
        await sftp.utime("schools.csv", (0, 0))
        await sftp.chmod("schools.csv", 0o777)
        await sftp.truncate("schools.csv", 0)
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.chmod("teachers.csv", 0o777)
    assert house.committed() == {"schools.csv": DATA[:10]}
    assert house.inbox().entries()["schools.csv"].at == NOW


async def test_remove_before_the_seal(house: House) -> None:
    """A committed file can be removed while it is not sealed."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        await sftp.remove("schools.csv")
        assert "schools.csv" not in await sftp.listdir("/")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.remove("schools.csv")


async def test_sealed_files_stay_visible(house: House) -> None:
    """The latest delivery's files are listed with their size until the same name is uploaded again."""
    house.sealed = {"schools.csv": (4_711, datetime(2026, 3, 1, tzinfo=UTC))}
    async with house.sftp() as sftp:
        assert (await sftp.stat("schools.csv")).size == 4_711
        assert "schools.csv" in await sftp.listdir("/")
        assert "schools.csv" not in await sftp.listdir("/preview")
        await sftp.remove("schools.csv")
        assert "schools.csv" not in await sftp.listdir("/")
        await put(sftp, "schools.csv", b"x")
        assert (await sftp.stat("schools.csv")).size == 1


# Reports and the rules


async def test_reports_are_readable(house: House) -> None:
    """/reports/ shows the district's own reports, to be listed and read."""
    folder = house.spool.report(SLUG, "lincoln-00001")
    folder.mkdir(parents=True)
    (folder / "findings.csv").write_bytes(DATA)
    (folder.parent / "LATEST.txt").write_text("All is well.\n")
    (folder.parent / ".LATEST.txt.tmp").write_text("hidden")
    async with house.sftp() as sftp:
        assert set(await sftp.listdir("/reports")) == {".", "..", "LATEST.txt", "lincoln-00001"}
        async with sftp.open("/reports/LATEST.txt", "rb") as file:
            assert await file.read() == b"All is well.\n"
        async with sftp.open("/reports/lincoln-00001/findings.csv", "rb") as file:
            assert await file.read() == DATA
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.stat("/reports/.LATEST.txt.tmp")


@pytest.mark.parametrize("path", [b"/reports/LATEST.txt", b"/README.txt"])
@pytest.mark.parametrize("offset", [2**31, 2**63 - 1, 2**63, 2**64 - 1])
async def test_beyond_the_end_there_is_nothing(house: House, path: bytes, offset: int) -> None:
    """Reading beyond a file's end, wherever that is, gives its end: no disk has failed, and nobody is told so."""
    house.spool.reports(SLUG).mkdir(parents=True)
    (house.spool.reports(SLUG) / "LATEST.txt").write_text("All is well.\n")
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(path, FXF_READ)).handle
        answer = await client.ask(FXP_READ, String(handle), UInt64(offset), UInt32(2**32 - 1))
        assert answer.status()[0] == FX_EOF
    assert house.refusals == []


async def test_reports_never_follow_links(house: House, tmp_path: Any) -> None:
    """A link below /reports/ is not there, as a file or as a folder on the way."""
    (tmp_path / "secret.txt").write_text("secret")
    root = house.spool.reports(SLUG)
    root.mkdir(parents=True)
    (root / "secret.txt").symlink_to(tmp_path / "secret.txt")
    (root / "outside").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    async with house.sftp() as sftp:
        assert set(await sftp.listdir("/reports")) == {".", ".."}
        for path in ("/reports/secret.txt", "/reports/outside/secret.txt", "/reports/pipe"):
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await sftp.open(path, "rb")


async def test_readme(house: House) -> None:
    """/README.txt tells the rules and the exact headers."""
    async with house.sftp() as sftp, sftp.open("/README.txt", "rb") as file:
        text = (await file.read()).decode()
    assert "schools.csv\n  school_id,school_name\n" in text


async def test_one_district_sees_nothing_of_another(house: House) -> None:
    """Two districts have nothing in common."""
    house.admit("madison")
    async with house.sftp() as one, house.sftp(username="madison", password=PASSWORD) as two:
        await put(one, "schools.csv")
        assert "schools.csv" not in await two.listdir("/")


# When the disk or the house fails


async def test_full_disk(house: House) -> None:
    """A disk without space is told in words; nothing is committed and nothing is kept."""
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        (upload,) = house.inbox()._open
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, upload._descriptor)  # from here on the kernel says ENOSPC
        os.close(full)
        with pytest.raises(asyncssh.SFTPError, match="no space left"):
            await file.write(DATA)
        with pytest.raises(asyncssh.SFTPError, match="no space left"):
            await file.close()
    assert house.committed() == {}
    assert house.inbox().bytes_held == 0
    assert house.inbox().open_uploads == 0


async def test_short_write(house: House) -> None:
    """A write of which the disk takes only a part is not acknowledged, and nothing is committed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            with pytest.raises(asyncssh.SFTPError, match="does not take a file of this size"):
                await file.write(b"x" * 20_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        with pytest.raises(asyncssh.SFTPError):
            await file.close()
    assert house.committed() == {}
    assert house.inbox().bytes_held == 0


async def test_commit_that_fails_is_told(house: House) -> None:
    """When the rename into place fails, CLOSE fails, and the client learns no path of the server."""
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", "wb")
        await file.write(DATA)
        (house.inbox().folder / "schools.csv").mkdir()
        with pytest.raises(asyncssh.SFTPError) as caught:
            await file.close()
    assert caught.value.reason == "the server's disk failed; try again later"
    assert house.inbox().open_uploads == 0


async def test_house_that_fails(house: House) -> None:
    """When the house fails to answer, the client is told so, without its reasons, and the session goes on."""

    async def failing(_slug: str) -> Footing:
        raise RuntimeError("secret reason")

    services = house.gate.services
    object.__setattr__(services, "footing", failing)
    async with house.sftp() as sftp:
        for attempt in (sftp.open("schools.csv", "wb"), sftp.listdir("/"), sftp.stat("/schools.csv")):
            with pytest.raises(asyncssh.SFTPError) as caught:
                await attempt
            assert caught.value.reason == "the server failed; try again later"
        assert await sftp.exists("/README.txt")


async def test_no_stranger_s_name_in_the_log(house: House) -> None:
    """A refused name is not logged, because a child's name could stand in it; a file of the format is."""
    with structlog.testing.capture_logs() as logged:
        async with house.sftp() as sftp:
            for name in ("canary-jane-doe.csv", "canary-jane-doe/x.csv", "/preview/canary.zip"):
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.open(name, "wb")
            (house.inbox().folder / "canary-jane-doe.csv").write_text("it came by another road")
            await sftp.remove("canary-jane-doe.csv")
            house.slot = "tomorrow"
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open("schools.csv", "wb")
    refused = [one for one in logged if one["event"] == "upload.refused"]
    assert [one["file"] for one in refused] == [None, None, None, "schools.csv"]
    assert [one["file"] for one in logged if one["event"] == "file.removed"] == [None]
    assert "canary" not in str(logged)
