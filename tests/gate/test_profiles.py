"""What WinSCP, FileZilla, Cyberduck and schedulers send, played request by request: they run on no test machine.

Sources: WinSCP's documentation (winscp.net/eng/docs/resume: `.filepart`, for files above 100 KB), PuTTY's `reput`,
which FileZilla's fzsftp is built from, and Cyberduck's `queue.upload.file.temporary.format`, `{0}-{1}`.
"""

import asyncssh
import pytest
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE

from gate.house import NOW, House, until

DATA = b"school_id,school_name\n" + b"1,Lincoln High\n" * 20_000
OLD = b"school_id,school_name\n1,Lincoln\n"
TIMES = (1_700_000_000, 1_700_000_000)


async def put(sftp: asyncssh.SFTPClient, name: str, data: bytes, flags: int, offset: int = 0) -> None:
    """Write what lies beyond `offset`, in pieces of 32 KiB."""
    async with sftp.open(name, flags, encoding=None) as file:
        for start in range(offset, len(data), 32_768):
            await file.write(data[start : start + 32_768], start)


async def cut_off(house: House, name: str, data: bytes) -> None:
    """Begin an upload and lose the connection."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open(name, FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
    await file.write(data, 0)
    connection.abort()
    await until(lambda: house.inbox().open_uploads == 0)


@pytest.mark.parametrize("replaces", ["nothing", "today's", "yesterday's"])
async def test_winscp(house: House, replaces: str) -> None:
    """WinSCP writes `.filepart`, removes what is there, renames over it and sets the time; each step goes well."""
    async with house.sftp() as sftp:
        if replaces == "today's":
            await put(sftp, "/schools.csv", OLD, FXF_WRITE | FXF_CREAT | FXF_TRUNC)
        elif replaces == "yesterday's":
            house.sealed = {"schools.csv": (len(OLD), NOW)}
        await put(sftp, "/schools.csv.filepart", DATA, FXF_WRITE | FXF_CREAT | FXF_TRUNC)
        if await sftp.exists("/schools.csv"):
            await sftp.remove("/schools.csv")
        await sftp.rename("/schools.csv.filepart", "/schools.csv")
        await sftp.utime("/schools.csv", TIMES)
        shown = {one.filename: one.attrs.size for one in await sftp.readdir("/")}
    assert shown["schools.csv"] == len(DATA)
    assert "schools.csv.filepart" not in shown
    assert house.committed() == {"schools.csv": DATA}
    assert house.inbox().left() == {}
    assert house.refusals == []


async def test_winscp_resumes(house: House) -> None:
    """WinSCP finds its `.filepart`, opens it without append or truncation, writes on at its size, and renames it."""
    await cut_off(house, "/schools.csv.filepart", DATA[:65_536])
    async with house.sftp() as sftp:
        size = (await sftp.stat("/schools.csv.filepart")).size
        assert size == 65_536
        await put(sftp, "/schools.csv.filepart", DATA, FXF_WRITE, size)
        await sftp.posix_rename("/schools.csv.filepart", "/schools.csv")
    assert house.committed() == {"schools.csv": DATA}


async def test_filezilla(house: House) -> None:
    """FileZilla lists, writes under the real name, overwrites when told to, and sets the time."""
    async with house.sftp() as sftp:
        for data in (OLD, DATA):
            assert await sftp.realpath(".") == "/"
            await sftp.readdir("/")
            await put(sftp, "/schools.csv", data, FXF_WRITE | FXF_CREAT | FXF_TRUNC)
            await sftp.setstat("/schools.csv", asyncssh.SFTPAttrs(atime=TIMES[0], mtime=TIMES[1]))
    assert house.committed() == {"schools.csv": DATA}
    assert house.inbox().entries()["schools.csv"].at == NOW


async def test_filezilla_resumes(house: House) -> None:
    """FileZilla sees a shorter file, opens it for writing alone, asks the open file for its size and goes on there."""
    await cut_off(house, "/schools.csv", DATA[:65_536])
    async with house.sftp() as sftp:
        (shown,) = [one.attrs.size for one in await sftp.readdir("/") if one.filename == "schools.csv"]
        assert shown == 65_536
        async with sftp.open("/schools.csv", FXF_WRITE, encoding=None) as file:
            size = (await file.stat()).size
            assert size == 65_536
            await file.write(DATA[size:], size)
    assert house.committed() == {"schools.csv": DATA}


@pytest.mark.parametrize("ending", ["k3Zb90Qx", "0b6a5a0e-9e5c-4a2b-8f4e-2d3c1b0a9f8e"])
async def test_cyberduck(house: House, ending: str) -> None:
    """Cyberduck writes under a name with a random ending, removes what is there and renames; mode and time are set."""
    name = f"/schools.csv-{ending}"
    async with house.sftp() as sftp:
        await put(sftp, "/schools.csv", OLD, FXF_WRITE | FXF_CREAT | FXF_TRUNC)
        await put(sftp, name, DATA, FXF_WRITE | FXF_CREAT | FXF_TRUNC)
        assert house.committed() == {"schools.csv": OLD}
        await sftp.chmod(name, 0o644)
        await sftp.utime(name, TIMES)
        await sftp.remove("/schools.csv")
        await sftp.rename(name, "/schools.csv")
    assert house.committed() == {"schools.csv": DATA}
    assert house.refusals == []
