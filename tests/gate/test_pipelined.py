"""WRITEs that a client sends without waiting for answers: what comes together is carried out together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import FX_FAILURE, FX_OK, FXP_FSETSTAT, FXP_STAT, FXP_STATUS, FXP_WRITE
from asyncssh.packet import String, UInt32, UInt64

from gate.raw import Raw, raw

if TYPE_CHECKING:
    from gate.conftest import MakeHouse
    from gate.house import House

NEW = FXF_WRITE | FXF_CREAT | FXF_TRUNC
PIECE = b"1,Lincoln High\n" * 10


def write(client: Raw, handle: bytes, offset: int, data: bytes) -> bytes:
    """Return a WRITE."""
    return client.request(FXP_WRITE, String(handle), UInt64(offset), String(data))


async def answers(client: Raw, requests: list[bytes]) -> list[int]:
    """Send requests at once; return the codes they are answered with, having checked the order."""
    client.send(b"".join(requests))
    codes = []
    for one in requests:
        answer = await client.answer()
        assert answer.fields.get_full_payload()[1:5] == one[5:9]  # the request's number
        codes.append(answer.status()[0] if answer.kind == FXP_STATUS else FX_OK)
    return codes


def watched(house: House) -> list[tuple[int, int]]:
    """Return what the one open upload is told to write from now on: (offset, length)."""
    (upload,) = house.inbox()._open
    asked: list[tuple[int, int]] = []
    put_down: Any = upload.write

    def write(offset: int, data: bytes | memoryview) -> None:
        asked.append((offset, len(data)))
        put_down(offset, data)

    vars(upload)["write"] = write
    return asked


async def test_what_follows_each_other_is_written_as_one(house: House) -> None:
    """Three WRITEs, one write; the fourth lies elsewhere and has one of its own."""
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", NEW)).handle
        asked = watched(house)
        places = [0, 150, 300, 600]
        assert await answers(client, [write(client, handle, at, PIECE) for at in places]) == [FX_OK] * 4
        assert asked == [(0, 450), (600, 150)]
        assert await answers(client, [write(client, handle, 450, PIECE)]) == [FX_OK]
        await client.close(handle)
    assert house.committed() == {"schools.csv": PIECE * 5}


async def test_two_files_at_once(house: House) -> None:
    """WRITEs for two files in turns, and appended ones, whose offset says nothing, get where they belong."""
    async with raw(house) as client:
        await client.start()
        one = (await client.open(b"/schools.csv", NEW)).handle
        two = (await client.open(b"/teachers.csv", NEW)).handle
        end = (await client.open(b"/classes.csv", NEW | FXF_APPEND)).handle
        sent = [(one, 0, b"a"), (one, 1, b"b"), (two, 2, b"3"), (two, 0, b"12"), (one, 2, b"c"), (one, 1, b"B")]
        sent += [(end, 7, b"x"), (end, 8, b"y"), (end, 7, b"z")]
        assert await answers(client, [write(client, *each) for each in sent]) == [FX_OK] * 9
        for handle in (one, two, end):
            await client.close(handle)
    assert house.committed() == {"schools.csv": b"aBc", "teachers.csv": b"123", "classes.csv": b"xyz"}


async def test_what_is_asked_between_writes(house: House) -> None:
    """A request between WRITEs is answered between them, and finds what was sent before it, no more."""
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", NEW)).handle
        cut = client.request(FXP_FSETSTAT, String(handle), UInt32(1) + UInt64(100))
        look = client.request(FXP_STAT, String(b"/schools.csv"))
        requests = [write(client, handle, 0, PIECE), cut, write(client, handle, 100, PIECE), look]
        assert await answers(client, [*requests, write(client, handle, 250, PIECE)]) == [FX_OK] * 5
        await client.close(handle)
    assert house.committed() == {"schools.csv": PIECE[:100] + PIECE + PIECE}


@pytest.mark.parametrize("more", [0, 1, 3])
async def test_refused_together(make_house: MakeHouse, more: int) -> None:
    """Each WRITE that came with one beyond the limit is answered with the reason, and so is what comes after them."""
    house = await make_house(upload={"file_bytes_max": 400})
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", NEW)).handle
        other = (await client.open(b"/teachers.csv", NEW)).handle
        requests = [write(client, handle, 150 * at, PIECE) for at in range(3 + more)]
        assert await answers(client, [*requests, write(client, other, 0, b"a")]) == [FX_FAILURE] * (3 + more) + [FX_OK]
        assert (await client.close(handle)).status()[1] == "the file is larger than 400 bytes"
        await client.close(other)
    assert house.committed() == {"teachers.csv": b"a"}


async def test_what_came_before_a_packet_that_is_too_long(house: House) -> None:
    """It is written, and waits for a resume."""
    async with raw(house) as client:
        await client.start()
        handle = (await client.open(b"/schools.csv", NEW)).handle
        client.send(write(client, handle, 0, PIECE) + UInt32(300_001))
        await client.everything()
    assert {name: entry.size for name, entry in house.inbox().left().items()} == {"schools.csv": len(PIECE)}
