import asyncio
import os
from datetime import timedelta
from typing import Any

import asyncssh
import pytest
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import FX_OK, FXP_WRITE
from asyncssh.packet import String, UInt64

from gate.house import DATA, NOW, House, cut_off, put, reaching, until
from gate.raw import raw

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


@pytest.mark.parametrize("at", [-(2**31), 2**33, 2**40], ids=["in 1901", "in 2242", "after year 9999"])
async def test_a_time_that_sftp_does_not_have_ends_no_listing(house: House, at: int) -> None:
    """A file that was copied in with one is listed like any other, and a set can be uploaded beside it."""
    house.inbox().folder.joinpath("classes.csv").write_bytes(DATA)
    os.utime(house.inbox().folder / "classes.csv", (at, at))
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        assert {"classes.csv", "schools.csv"} <= set(await sftp.listdir("/"))
        assert (await sftp.stat("classes.csv")).size == len(DATA)


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


async def test_append_to_a_file_that_is_emptied(house: House) -> None:
    """Who empties a complete file, with the opening or before it, replaces it by what is appended."""
    async with house.sftp() as sftp:
        for size, emptied in ((5, FXF_TRUNC), (6, 0)):
            await put(sftp, "schools.csv")
            if not emptied:
                await sftp.truncate("schools.csv", 0)
            flags = FXF_WRITE | FXF_CREAT | FXF_APPEND | emptied
            async with sftp.open("schools.csv", flags, encoding=None) as file:
                await file.write(DATA[:size])
            assert house.committed() == {"schools.csv": DATA[:size]}


async def test_append_to_a_complete_file_is_refused(house: House) -> None:
    """Appending to a committed or sealed file is refused, because its first part would be missing."""
    house.sealed = {"teachers.csv": (123, NOW)}
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        for name in ("schools.csv", "teachers.csv"):
            with pytest.raises(asyncssh.SFTPError, match="upload it whole"):
                await sftp.open(name, FXF_WRITE | FXF_CREAT | FXF_APPEND, encoding=None)
    assert house.committed() == {"schools.csv": DATA}


IN_PLACE = FXF_WRITE | FXF_CREAT


async def test_open_and_close_change_nothing(house: House) -> None:
    """A file that is opened without being emptied, and closed with nothing written, stays as it was: here or sealed."""
    house.sealed = {"teachers.csv": (123, NOW)}
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        for name in ("schools.csv", "teachers.csv"):
            async with sftp.open(name, IN_PLACE, encoding=None):
                pass
        assert (await sftp.stat("teachers.csv")).size == 123
    assert house.committed() == {"schools.csv": DATA}
    assert house.inbox().open_uploads == 0


@pytest.mark.parametrize("at", [0, len(DATA), len(DATA) + 7, 2**63])
async def test_no_bytes_at_an_offset_change_nothing(house: House, at: int) -> None:
    """A WRITE without a byte, as some programs end a file with, is none: what was complete stays as it was."""
    async with raw(house) as client, house.sftp() as sftp:
        await client.start()
        await put(sftp, "schools.csv")
        handle = (await client.open(b"/schools.csv", IN_PLACE)).handle
        assert (await client.write(handle, at, b"")).status()[0] == FX_OK
        assert (await client.close(handle)).status()[0] == FX_OK
    assert house.committed() == {"schools.csv": DATA}


async def test_no_bytes_do_not_complete_what_was_cut_off(house: House) -> None:
    """Of a file that was cut off nobody knows that it is whole: a WRITE without a byte at its end does not say so."""
    await cut_off(house, "schools.csv", DATA[:100_000])
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", IN_PLACE)).handle
        assert (await client.write(handle, 100_000, b"")).status()[0] == FX_OK
        assert "nothing has been added" in (await client.close(handle)).status()[1]
    assert house.committed() == {}


async def test_a_part_in_place_is_not_committed(house: House) -> None:
    """Whoever writes a part of a file in place, and leaves the rest as it was, is refused; what was there stays."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        file = await sftp.open("schools.csv", IN_PLACE, encoding=None)
        await file.write(b"new,header\n", 0)
        assert house.committed() == {"schools.csv": DATA}
        with pytest.raises(asyncssh.SFTPError, match="neither emptied nor written to its end"):
            await file.close()
    assert house.committed() == {"schools.csv": DATA}


@pytest.mark.parametrize("size", [0, 11, len(DATA) + 11])
async def test_scp_writes_in_place(house: House, size: int) -> None:
    """OpenSSH's scp opens without emptying, writes from the start and cuts the rest; until CLOSE nothing changes."""
    data = (DATA + DATA)[:size]
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        async with sftp.open("schools.csv", IN_PLACE, encoding=None) as file:
            await file.write(data, 0)
            await file.truncate(size)
            assert house.committed() == {"schools.csv": DATA}
    assert house.committed() == {"schools.csv": data}


@pytest.mark.parametrize("name", ["schools.csv", "schools.csv.tmp"])
async def test_lftp_continues_what_is_complete(house: House, name: str) -> None:
    """`put -c` of a file that is there opens it, tells its size and closes it: all is well, and nothing has changed."""
    async with house.sftp() as sftp:
        await put(sftp, name)
        async with sftp.open(name, IN_PLACE, encoding=None) as file:
            await file.truncate(len(DATA))
        await sftp.posix_rename(name, "schools.csv")
    assert house.committed() == {"schools.csv": DATA}


async def test_the_size_of_what_was_cut_off_makes_it_no_file(house: House) -> None:
    """Of a file that was cut off nobody knows that it is whole, whatever size a client tells of it."""
    await cut_off(house, "schools.csv", DATA[:100_000])
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", IN_PLACE, encoding=None)
        await file.truncate(100_000)
        with pytest.raises(asyncssh.SFTPError, match="upload it whole"):
            await file.close()
    assert house.committed() == {}


async def test_sshfs_empties_by_name(house: House) -> None:
    """What is cut to nothing by its name before it is opened counts as emptied."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        await sftp.truncate("schools.csv", 0)
        assert house.committed() == {"schools.csv": DATA}
        async with sftp.open("schools.csv", FXF_WRITE, encoding=None) as file:
            await file.write(b"new\n", 0)
    assert house.committed() == {"schools.csv": b"new\n"}


@pytest.mark.parametrize("flags", [IN_PLACE, IN_PLACE | FXF_APPEND])
async def test_a_resume_that_adds_nothing_commits_nothing(house: House, flags: int) -> None:
    """What was cut off is not whole because somebody opens and closes it; it still waits for a resume."""
    await cut_off(house, "schools.csv", DATA[:100_000])
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", flags, encoding=None)
        with pytest.raises(asyncssh.SFTPError, match="nothing has been added"):
            await file.close()
    assert house.committed() == {}
    assert house.inbox().left()["schools.csv"].size == 100_000


async def test_a_resume_that_ends_before_it_began(house: House) -> None:
    """A shorter file written over a longer one that was cut off is not committed with the end of the other."""
    await cut_off(house, "schools.csv", DATA[:100_000])
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", IN_PLACE, encoding=None)
        await file.write(b"shorter\n", 0)
        with pytest.raises(asyncssh.SFTPError, match="neither emptied nor written to its end"):
            await file.close()
    assert (house.committed(), house.inbox().left()) == ({}, {})


async def test_gaps_are_bounded(make_house: Any) -> None:
    """However a client makes them, a file has at most so many gaps: also within what it wrote first, at the end."""
    house = await make_house(upload={"gaps_max": 64})
    async with house.sftp() as sftp:
        file = await sftp.open("schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
        await file.write(b"x", 1_000_000)
        for number in range(1, 65):
            await file.write(b"x", number * 10)
        with reaching("upload.gaps_max"), pytest.raises(asyncssh.SFTPError, match="too far out of order"):
            await file.write(b"x", 999_000)
    assert house.inbox().bytes_held == 0


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


async def test_a_write_longer_than_its_data(house: House) -> None:
    """Of a WRITE, its data count; what follows them in the packet does not, also where the write is refused."""
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC)).handle
        answer = await client.ask(FXP_WRITE, String(handle), UInt64(0), String(b"a,b\n"), b"of the piece before")
        assert answer.status()[0] == FX_OK
        await client.close(handle)
        handle = (await client.open(b"/teachers.csv", FXF_WRITE | FXF_CREAT | FXF_TRUNC)).handle
        answer = await client.ask(FXP_WRITE, String(handle), UInt64(0), String(b"PK\x03\x04" + b"\0" * 600), b"more")
        assert "archive" in answer.status()[1]
    assert house.committed() == {"schools.csv": b"a,b\n"}


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


async def test_a_finished_file_that_is_opened_stays_finished(house: House) -> None:
    """What was finished under a temporary name can still be renamed after somebody opened and closed it."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv.filepart")
        async with sftp.open("schools.csv.filepart", FXF_WRITE, encoding=None):
            pass
        await sftp.rename("schools.csv.filepart", "schools.csv")
    assert house.committed() == {"schools.csv": DATA}


async def test_rename_before_close_is_refused(house: House) -> None:
    """What a client still writes is not complete; it is told so, and the rename after CLOSE is the commit."""
    async with house.sftp() as sftp:
        async with sftp.open("schools.csv.tmp", "wb") as file:
            await file.write(DATA)
            with pytest.raises(asyncssh.SFTPError, match="is still open; close it before it is renamed"):
                await sftp.rename("schools.csv.tmp", "schools.csv")
        await sftp.rename("schools.csv.tmp", "schools.csv")
    assert house.committed() == {"schools.csv": DATA}


async def test_committed_file_cannot_be_renamed(house: House) -> None:
    """A committed file keeps its name."""
    async with house.sftp() as sftp:
        await put(sftp, "schools.csv")
        with pytest.raises(asyncssh.SFTPError, match="cannot be renamed"):
            await sftp.rename("schools.csv", "teachers.csv")
    assert list(house.committed()) == ["schools.csv"]
