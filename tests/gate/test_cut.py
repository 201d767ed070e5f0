"""A client that dies at any point of an upload: after every answer, within every packet, and before every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import FXP_CLOSE, FXP_FSETSTAT, FXP_OPEN, FXP_REMOVE, FXP_RENAME, FXP_WRITE
from asyncssh.packet import String, UInt32, UInt64

from gate.house import House, until
from gate.raw import NO_ATTRIBUTES, Raw, raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from gate.conftest import MakeHouse

OLD: Final = b"school_id,school_name\n1,Old\n"
NEW: Final = b"school_id,school_name\n" + b"1,Lincoln High\n" * 4_000
PIECE: Final = 20_000
FLAGS: Final = FXF_WRITE | FXF_CREAT | FXF_TRUNC
PIECES: Final = range(0, len(NEW), PIECE)

Script = list["Callable[[Raw, bytes], bytes]"]
"""The requests of an upload, in order; each is made from the session and the handle that the first one got."""


def writing(name: bytes) -> Script:
    """Return open, writes, times and close."""
    return [
        lambda client, _: client.request(FXP_OPEN, String(name), UInt32(FLAGS), NO_ATTRIBUTES),
        *(
            lambda client, handle, at=at: client.request(
                FXP_WRITE, String(handle), UInt64(at), String(NEW[at : at + PIECE])
            )
            for at in PIECES
        ),
        lambda client, handle: client.request(FXP_FSETSTAT, String(handle), NO_ATTRIBUTES),
        lambda client, handle: client.request(FXP_CLOSE, String(handle)),
    ]


DIRECT: Final = writing(b"/schools.csv")
RENAMED: Final = [
    *writing(b"/schools.csv.filepart"),
    lambda client, _: client.request(FXP_REMOVE, String(b"/schools.csv")),
    lambda client, _: client.request(FXP_RENAME, String(b"/schools.csv.filepart"), String(b"/schools.csv")),
]
PATHS: Final = {"under its own name": DIRECT, "renamed over": RENAMED}


async def play(client: Raw, script: Script, whole: int, part: float) -> None:
    """Send `whole` requests and wait for their answers, then a part of the next one, and no more."""
    await client.start()
    handle = b""
    for number, make in enumerate(script[:whole]):
        client.send(make(client, handle))
        answer = await client.answer()
        handle = answer.handle if number == 0 else handle
    if part and whole < len(script):
        data = script[whole](client, handle)
        client.send(data[: max(1, int(len(data) * part))])


def committed_after(script: Script, requests: int) -> dict[str, bytes]:
    """Return what is committed once so many requests were carried out."""
    if script is RENAMED and requests == len(script) - 1:
        return {}  # removed, and not renamed yet
    return {"schools.csv": NEW if requests >= len(script) else OLD}


async def leave_nothing_wrong(house: House, script: Script, whole: int, part: float) -> None:
    """Cut the upload there, and check what must hold whenever a client dies; then let a retry come through."""
    async with raw(house) as client:
        async with house.sftp() as sftp, sftp.open("/schools.csv", "wb") as file:
            await file.write(OLD)
        await play(client, script, whole, part)
    await until(lambda: not house.gate._sessions)
    inbox = house.inbox()
    # Of a request that was sent whole nobody knows whether it was still carried out.
    carried_out = [whole, whole + 1] if part == 1.0 else [whole]
    assert house.committed() in [committed_after(script, requests) for requests in carried_out]
    assert inbox.open_uploads == 0
    for entry in inbox.left().values():
        data = (inbox.scratch / entry.name).read_bytes()
        assert NEW.startswith(data)  # a resume goes on where the bytes end
        assert not entry.finished or data == NEW
    assert {path.name for path in inbox.scratch.iterdir()} == set(inbox.left())
    async with house.sftp() as sftp, sftp.open("/schools.csv", "wb") as file:
        await file.write(NEW)
    assert house.committed() == {"schools.csv": NEW}
    for name in list(inbox.left()):
        inbox.forget(name)
    inbox.remove("schools.csv")
    assert inbox.bytes_held == 0


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("part", [0.0, 0.5, 1.0], ids=["between two", "within one", "before its answer"])
async def test_a_client_that_dies(make_house: MakeHouse, path: str, part: float) -> None:
    """Whichever packet is the last: old or new is committed, whole; the rest can be resumed; a retry comes through."""
    house = await make_house()
    script = PATHS[path]
    for whole in range(len(script) + 1):
        await leave_nothing_wrong(house, script, whole, part)
