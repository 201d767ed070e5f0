import asyncio
import os
import resource
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest
import structlog
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_TRUNC, FXF_WRITE

from gate.house import NOW, PASSWORD, SLUG, House, reaching, until
from rostergate.gate import Footing
from rostergate.spool.folders import Area

DATA = b"school_id,school_name\n" + b"1,Lincoln High\n" * 20_000


async def put(sftp: asyncssh.SFTPClient, name: str, data: bytes = DATA) -> None:
    """Upload a file as a whole."""
    async with sftp.open(name, "wb") as file:
        await file.write(data)


async def cut_off(house: House, name: str, data: bytes) -> None:
    """Send a part of a file and lose the connection."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open(name, FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
    await file.write(data)
    connection.abort()
    await until(lambda: house.inbox().open_uploads == 0)


# When a file counts


async def test_close_commits(house: House) -> None:
    """A file put under its real name is committed at the client's CLOSE, and STAT shows its full size."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        assert (await sftp.stat("/schools.csv")).size == len(DATA)
        assert house.committed() == {"schools.csv": DATA}


async def test_commit_is_dated_when_it_began(house: House) -> None:
    """A committed file carries the time its upload began, not the time it ended."""
    async with house.sftp() as sftp, sftp.open("schools.csv", "wb") as file:
        await file.write(DATA)
        house.now += timedelta(hours=1)
    assert house.inbox().entries()["schools.csv"].at == NOW


@pytest.mark.parametrize("how", ["abort", "disconnect", "channel-close", "end-of-stream"])
async def test_session_that_ends_without_close_commits_nothing(house: House, how: str) -> None:
    """Whichever way a session ends without CLOSE, nothing is committed and the bytes wait aside."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
    await file.write(DATA)
    channel = sftp._handler._writer.channel
    {
        "abort": connection.abort,
        "disconnect": connection.close,
        "channel-close": channel.close,
        "end-of-stream": channel.write_eof,
    }[how]()
    await until(lambda: house.inbox().open_uploads == 0)
    assert house.committed() == {}
    assert house.inbox().left()["schools.csv"].size == len(DATA)
    connection.abort()


async def test_resume_by_offset(house: House) -> None:
    """An upload that was cut off is finished by opening it without truncation and going on at its size."""
    await cut_off(house, "schools.csv", DATA[:100_000])
    house.now += timedelta(minutes=5)
    async with house.sftp() as sftp:
        size = (await sftp.stat("schools.csv")).size
        assert size == 100_000
        async with sftp.open("schools.csv", FXF_WRITE | FXF_CREAT, encoding=None) as file:
            await file.write(DATA[size:], size)
    assert house.committed() == {"schools.csv": DATA}
    assert house.inbox().entries()["schools.csv"].at == NOW
    assert house.inbox().left() == {}


async def test_resume_by_append(house: House) -> None:
    """An upload that was cut off is finished by appending, whatever offset the client gives."""
    await cut_off(house, "schools.csv", DATA[:100_000])
    async with (
        house.sftp() as sftp,
        sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_APPEND, encoding=None) as file,
    ):
        await file.write(DATA[100_000:], 0)
    assert house.committed() == {"schools.csv": DATA}


async def test_resume_stops_at_the_first_gap(house: House) -> None:
    """When later parts arrived before earlier ones, the size shows only what can be relied on."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
    await file.write(b"a" * 1_000, 0)
    await file.write(b"c" * 1_000, 5_000)
    connection.abort()
    await until(lambda: house.inbox().open_uploads == 0)
    assert house.inbox().left()["schools.csv"].size == 1_000


async def test_gap_is_not_committed(house: House) -> None:
    """A file of which a part never arrived is refused at CLOSE."""
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        await file.write(b"c" * 1_000, 5_000)
        with pytest.raises(asyncssh.SFTPError, match="never arrived"):
            await file.close()
    assert house.committed() == {}


async def test_append_to_a_complete_file_is_refused(house: House) -> None:
    """Appending to a committed or sealed file is refused, because its first part would be missing."""
    house.sealed = {"teachers.csv": (123, NOW)}
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        for name in ("schools.csv", "teachers.csv"):
            with pytest.raises(asyncssh.SFTPError, match="upload it whole"):
                await sftp.open(name, FXF_WRITE | FXF_CREAT | FXF_APPEND, encoding=None)
    assert house.committed() == {"schools.csv": DATA}


async def test_putting_again_replaces(house: House) -> None:
    """A file that is put again before the seal replaces the first one."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv", b"old\n" * 1_000)
        await put(sftp, "schools.csv", b"new\n")
    assert house.committed() == {"schools.csv": b"new\n"}


async def test_last_commit_wins(house: House) -> None:
    """Two sessions that put the same file at once do not mix: the one that closes last has it."""
    async with house.sftp() as one, house.sftp() as two:
        first = await one.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        second = await two.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        await asyncio.gather(first.write(b"1" * 70_000), second.write(b"2" * 50_000))
        await second.close()
        await first.close()
    assert house.committed() == {"schools.csv": b"1" * 70_000}


async def test_cut_off_upload_older_than_a_commit_is_not_kept(house: House) -> None:
    """A session that is lost after another one has committed the same file leaves nothing aside."""
    connection = await asyncssh.connect(**house.options())
    lost = await connection.start_sftp_client()
    file = await lost.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
    await file.write(b"old")
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        connection.abort()
        await until(lambda: house.inbox().open_uploads == 0)
        assert (await sftp.stat("schools.csv")).size == len(DATA)
    assert house.inbox().left() == {}


# Temporary names


@pytest.mark.parametrize("posix", [True, False])
@pytest.mark.parametrize("scratch", ["schools.csv.filepart", ".schools.csv.a1B2c3", ".in.schools.csv", "schools.tmp"])
async def test_rename_commits(house: House, scratch: str, posix: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A file under a temporary name counts only when it is renamed, by either request, replacing what is there."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv", b"old")
        await put(sftp, scratch)
        assert house.committed() == {"schools.csv": b"old"}
        assert (await sftp.stat(scratch)).size == len(DATA)
        await (sftp.posix_rename if posix else sftp.rename)(scratch, "schools.csv")
        assert scratch not in await sftp.listdir("/")
    assert house.committed() == {"schools.csv": DATA}


async def test_rename_of_a_cut_off_upload_is_refused(house: House) -> None:
    """What was cut off under a temporary name can be resumed, not renamed; once resumed, it can."""
    await cut_off(house, "schools.csv.filepart", DATA[:1_000])
    async with house.sftp() as sftp:
        with pytest.raises(asyncssh.SFTPError, match="cut off"):
            await sftp.rename("schools.csv.filepart", "schools.csv")
        assert house.committed() == {}
        async with sftp.open("schools.csv.filepart", FXF_WRITE, encoding=None) as file:
            await file.write(DATA[1_000:], 1_000)
        await sftp.rename("schools.csv.filepart", "schools.csv")
    assert house.committed() == {"schools.csv": DATA}


async def test_committed_file_cannot_be_renamed(house: House) -> None:
    """A committed file keeps its name."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        with pytest.raises(asyncssh.SFTPError, match="cannot be renamed"):
            await sftp.rename("schools.csv", "teachers.csv")
    assert list(house.committed()) == ["schools.csv"]


# What is refused


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
        with reaching("upload.file_bytes_max"), pytest.raises(asyncssh.SFTPError, match="larger than 100000 bytes"):
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
        with pytest.raises(asyncssh.SFTPError, match="the server failed; try again later"):
            await sftp.open("schools.csv", "wb")
        assert await sftp.exists("/README.txt")


async def test_no_stranger_s_name_in_the_log(house: House) -> None:
    """A refused name is not logged, because a child's name could stand in it; a file of the format is."""
    with structlog.testing.capture_logs() as logged:
        async with house.sftp() as sftp:
            for name in ("canary-jane-doe.csv", "canary-jane-doe/x.csv", "/preview/canary.zip"):
                with pytest.raises(asyncssh.SFTPError):
                    await sftp.open(name, "wb")
            house.slot = "tomorrow"
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open("schools.csv", "wb")
    refused = [one for one in logged if one["event"] == "upload.refused"]
    assert [one["file"] for one in refused] == [None, None, "schools.csv"]
    assert "canary" not in str(logged)
