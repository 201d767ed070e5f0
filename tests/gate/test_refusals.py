"""What the gate refuses of an upload, and what it says then."""

from datetime import timedelta
from typing import Any

import asyncssh
import pytest
import structlog
from asyncssh import FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE

from gate.house import NOW, SLUG, House, put, reaching
from rostergate.spool.folders import Area


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Schools.csv", "did you mean schools.csv"),
        ("school.csv", "did you mean schools.csv"),
        ("notes.txt", "not a file of this district's format"),
        ("roster.zip", "archives are not taken"),
        ("schools.csv.gz", "archives are not taken"),
        ("sub/schools.csv", "no such folder"),
        ("sch\\ools.csv", "backslash"),
        ("x" * 300, "longer than"),
        (b"\xff.csv", "not UTF-8"),
        ("schools\x00.csv", "control character"),
    ],
)
async def test_wrong_names(house: House, name: str | bytes, reason: str) -> None:
    """A name that does not count is refused with the reason, and nothing is written."""
    async with house.sftp() as sftp:
        with pytest.raises(asyncssh.SFTPError, match=reason):
            await sftp.open(name, "wb")
    assert house.inbox().bytes_held == 0


@pytest.mark.parametrize("path", ["/upload/schools.csv", "/incoming/lincoln/schools.csv", "/preview/x/schools.csv"])
async def test_put_into_a_folder_that_is_not_there(house: House, path: str) -> None:
    """Client, house and log are told each time, the client in a status whose text is shown; also who renames there."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv.tmp")
        with structlog.testing.capture_logs() as logged:
            for attempt in (sftp.open(path, "wb"), sftp.rename("schools.csv.tmp", path)):
                with pytest.raises(asyncssh.SFTPFailure, match="put the files into / itself"):
                    await attempt
    assert [one["why"] for one in logged if one["event"] == "upload.refused"] == ["no-such-folder"] * 2
    assert len(house.refusals) == 2


async def test_go_into_a_folder_that_is_not_there(house: House) -> None:
    """Who looks for a folder hears that there is none, the house hears it once; who looks for a file does not."""
    async with house.sftp() as sftp:
        for path in ("/schools.csv", "/.Trash-1000", "/autorun.inf"):
            assert not await sftp.exists(path)
        assert house.refusals == []
        for attempt in (sftp.stat("/upload"), sftp.listdir("/upload"), sftp.stat("/upload/schools.csv")):
            with pytest.raises(asyncssh.SFTPNoSuchFile, match="put the files into / itself"):
                await attempt
    assert [(area, name) for _, area, name, _ in house.refusals] == [(Area.UPLOAD, "upload")]


async def test_dots_stay_inside(house: House) -> None:
    """`..` never leaves the view."""
    async with house.sftp() as sftp:
        assert await sftp.realpath("../../../etc/../schools.csv") == "/schools.csv"
        await put(sftp, "../../schools.csv")
    assert list(house.committed()) == ["schools.csv"]


async def test_refusal_is_told(house: House) -> None:
    """Every refusal reaches the house with the district, the area, the name and the reason."""
    async with house.sftp() as sftp:
        with pytest.raises(asyncssh.SFTPError) as caught:
            await sftp.open("/preview/Students.csv", "wb")
    assert house.refusals == [(SLUG, Area.PREVIEW, "Students.csv", caught.value.reason)]


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"7z\xbc\xaf\x27\x1c"])
async def test_archive_by_its_first_bytes(house: House, head: bytes) -> None:
    """An archive under a CSV's name is refused while it is being written, and nothing of it is kept."""
    async with house.sftp() as sftp:
        file = await sftp.open("students.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        with pytest.raises(asyncssh.SFTPError, match="archive"):
            await file.write(head + b"\0" * 100_000)
        with pytest.raises(asyncssh.SFTPError, match="archive"):
            await file.close()
        assert len(house.refusals) == 1
    assert house.committed() == {}
    assert house.inbox().bytes_held == 0


async def test_slot(house: House) -> None:
    """After the slot is used nothing can be opened, renamed or removed in the root; the reason is the house's."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv.tmp")
        house.sealed = {"students.csv": (5, NOW)}
        house.slot = "the next slot opens on 2026-03-03 at 00:00"
        for attempt in (
            sftp.open("schools.csv", "wb"),
            sftp.open("schools.csv.part", "wb"),
            sftp.rename("schools.csv.tmp", "schools.csv"),
            sftp.remove("students.csv"),
            sftp.rmdir("students.csv"),  # as programs in Go go on, and show their users this answer
        ):
            with pytest.raises(asyncssh.SFTPError, match="the next slot opens"):
                await attempt
        await put(sftp, "/preview/schools.csv")
    assert house.committed() == {}
    assert list(house.committed(Area.PREVIEW)) == ["schools.csv"]


async def test_file_limit(make_house: Any) -> None:
    """A file that grows beyond the limit is refused and dropped."""
    house = await make_house(upload={"file_bytes_max": 100_000})
    async with house.sftp() as sftp:
        with reaching("upload.file_bytes_max"), pytest.raises(asyncssh.SFTPError, match="larger than 100,000 bytes"):
            await put(sftp, "schools.csv", b"x" * 100_001)
        await put(sftp, "schools.csv", b"x" * 100_000)
    assert house.inbox().bytes_held == 100_000


async def test_district_limit(make_house: Any) -> None:
    """All files of a district together stay within the limit, dry runs included."""
    house = await make_house(upload={"file_bytes_max": 100_000, "district_bytes_max": 150_000})
    async with house.sftp() as sftp:
        await put(sftp, "/preview/schools.csv", b"x" * 100_000)
        with reaching("upload.district_bytes_max"), pytest.raises(asyncssh.SFTPError, match="together"):
            await put(sftp, "schools.csv", b"x" * 50_001)
        await put(sftp, "schools.csv", b"x" * 50_000)


async def test_scratch_limit(make_house: Any) -> None:
    """Old leftovers give way to a new upload; when all are in progress, one more is refused."""
    house = await make_house(upload={"scratch_files_max": 2})
    async with house.sftp() as sftp:
        for name in ("schools.csv.1.tmp", "schools.csv.2.tmp", "schools.csv.3.tmp"):
            await put(sftp, name, b"x")
            house.now += timedelta(seconds=1)
        assert set(house.inbox().left()) == {"schools.csv.2.tmp", "schools.csv.3.tmp"}
        async with sftp.open("schools.csv", "wb"), sftp.open("teachers.csv", "wb"):
            with reaching("upload.scratch_files_max"), pytest.raises(asyncssh.SFTPError, match="in progress"):
                await sftp.open("students.csv", "wb")


async def test_what_is_never_served(house: House) -> None:
    """Folders, links, hard links and the disk's size are refused with a reason."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        for attempt in (
            sftp.mkdir("sub"),
            sftp.rmdir("preview"),
            sftp.symlink("/etc/passwd", "students.csv"),
            sftp.readlink("schools.csv"),
            sftp.statvfs("/"),
            sftp.open("README.txt", "wb"),
            sftp.open("/reports/x", "wb"),
            sftp.remove("README.txt"),
            sftp.rename("schools.csv", "/preview/schools.csv"),
        ):
            with pytest.raises(asyncssh.SFTPError):
                await attempt
        for path, reason in (("preview", "folders cannot be removed"), ("README.txt", "this cannot be removed")):
            with pytest.raises(asyncssh.SFTPError, match=reason):
                await sftp.rmdir(path)
        for attempt in (sftp.link("schools.csv", "students.csv"), sftp.remote_copy("schools.csv", "students.csv")):
            with pytest.raises(asyncssh.SFTPError):
                await attempt
    assert list(house.committed()) == ["schools.csv"]


async def test_uploads_cannot_be_read_back(house: House) -> None:
    """A committed file cannot be opened for reading, and an open upload cannot be read from."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        with pytest.raises(asyncssh.SFTPError, match="cannot be read back"):
            await sftp.open("schools.csv", "rb")
        async with sftp.open("teachers.csv", "w+b") as file:
            await file.write(b"x")
            with pytest.raises(asyncssh.SFTPError, match="cannot be read back"):
                await file.read(1, 0)


async def test_open_flags(house: House) -> None:
    """Exclusive creation fails where a file is, and opening without creation where none is."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        with pytest.raises(asyncssh.SFTPError, match="already"):
            await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_EXCL, encoding=None)
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await sftp.open("teachers.csv", FXF_WRITE, encoding=None)
