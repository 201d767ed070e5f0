import asyncio

from asyncssh import FXF_CREAT, FXF_WRITE
from asyncssh.constants import FX_FAILURE, FX_NO_SUCH_FILE, FXP_STAT
from asyncssh.packet import String

from gate.house import House
from gate.raw import raw
from rostergate.gate.aside import SAID_BYTES_MAX


async def test_a_reason_is_said_beside_the_answer(house: House) -> None:
    """A refusal is a plain failure, for which clients show the server's text; standard error has the same text."""
    async with raw(house) as client:
        await client.start()
        code, text = (await client.open(b"/Schools.csv", FXF_WRITE | FXF_CREAT)).status()
        assert (code, text) == (
            FX_FAILURE,
            "Schools.csv: did you mean schools.csv? Names count exactly, capitals included",
        )
        async with asyncio.timeout(10):
            assert await client.aside.readline() == f"rostergate: {text}\n".encode()


async def test_what_is_merely_absent_is_not_said(house: House) -> None:
    """Looking for a file that is not there is no refusal."""
    async with raw(house) as client:
        await client.start()
        code, text = (await client.ask(FXP_STAT, String(b"/schools.csv"))).status()
        assert (code, text) == (FX_NO_SUCH_FILE, "schools.csv: no such file")
        await client.open(b"/Schools.csv", FXF_WRITE | FXF_CREAT)
        async with asyncio.timeout(10):
            assert b"did you mean" in await client.aside.readline()


async def test_the_reason_stands_where_the_file_would(house: House) -> None:
    """Who asks for the size of a file that was refused in this session is told why it is not there."""
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", FXF_WRITE | FXF_CREAT)).handle
        await client.write(handle, 0, b"PK\x03\x04")
        await client.close(handle)
        code, text = (await client.ask(FXP_STAT, String(b"/schools.csv"))).status()
    assert code == FX_NO_SUCH_FILE
    assert "this is a zip archive" in text


async def test_little_is_said_to_who_does_not_listen(house: House) -> None:
    """Standard error is bounded for a session, so that it never uses up a client's window."""
    async with raw(house) as client:
        await client.start()
        for _ in range(SAID_BYTES_MAX // 60):
            (await client.open(b"/Schools.csv", FXF_WRITE | FXF_CREAT)).status()
        client.end()
        async with asyncio.timeout(10):
            said = await client.aside.read()
    assert SAID_BYTES_MAX - 100 < len(said) <= SAID_BYTES_MAX
    assert said.endswith(b"included\n")
