"""A client that speaks SFTP packet by packet, for what no well-behaved client does."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh
from asyncssh.constants import FXP_CLOSE, FXP_HANDLE, FXP_INIT, FXP_OPEN, FXP_STATUS, FXP_VERSION, FXP_WRITE
from asyncssh.packet import Byte, SSHPacket, String, UInt32, UInt64

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gate.house import House

NO_ATTRIBUTES = UInt32(0)


def packet(kind: int, *fields: bytes) -> bytes:
    """Return a packet with its length before it."""
    body = Byte(kind) + b"".join(fields)
    return UInt32(len(body)) + body


@dataclass(frozen=True)
class Answer:
    """What the server sent back."""

    kind: int
    fields: SSHPacket

    @property
    def handle(self) -> bytes:
        """The handle of a HANDLE."""
        assert self.kind == FXP_HANDLE, self
        return self.fields.get_string()

    def status(self) -> tuple[int, str]:
        """Return code and text of a STATUS."""
        assert self.kind == FXP_STATUS, self
        return self.fields.get_uint32(), self.fields.get_string().decode()


class Raw:
    """One session."""

    def __init__(
        self,
        connection: asyncssh.SSHClientConnection,
        writer: asyncssh.SSHWriter[bytes],
        reader: asyncssh.SSHReader[bytes],
        aside: asyncssh.SSHReader[bytes],
    ) -> None:
        self.connection = connection
        self.aside = aside
        """The channel's standard error."""
        self._writer = writer
        self._reader = reader
        self._number = 0

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    def end(self) -> None:
        """Send nothing more."""
        self._writer.write_eof()

    async def answer(self) -> Answer:
        """Return the next answer, whichever request it is for."""
        async with asyncio.timeout(10):
            length = int.from_bytes(await self._reader.readexactly(4), "big")
            fields = SSHPacket(await self._reader.readexactly(length))
        kind = fields.get_byte()
        if kind != FXP_VERSION:
            fields.get_uint32()
        return Answer(kind, fields)

    async def everything(self) -> bytes:
        """Return all that is sent until the session ends."""
        return await self._reader.read()

    def request(self, kind: int, *fields: bytes) -> bytes:
        """Return a request with a number of its own."""
        self._number += 1
        return packet(kind, UInt32(self._number), *fields)

    async def ask(self, kind: int, *fields: bytes) -> Answer:
        """Send a request and return its answer."""
        self.send(self.request(kind, *fields))
        return await self.answer()

    async def start(self) -> None:
        """Agree on version 3."""
        self.send(packet(FXP_INIT, UInt32(3)))
        await self.answer()

    async def open(self, path: bytes, flags: int) -> Answer:
        """Open a file."""
        return await self.ask(FXP_OPEN, String(path), UInt32(flags), NO_ATTRIBUTES)

    async def write(self, handle: bytes, offset: int, data: bytes) -> Answer:
        """Write."""
        return await self.ask(FXP_WRITE, String(handle), UInt64(offset), String(data))

    async def close(self, handle: bytes) -> Answer:
        """Close."""
        return await self.ask(FXP_CLOSE, String(handle))


@contextlib.asynccontextmanager
async def raw(house: House) -> AsyncIterator[Raw]:
    """Log in and start a session; the connection is cut at the end, whatever state it is in."""
    connection = await asyncssh.connect(**house.options())
    try:
        writer, reader, aside = await connection.open_session(subsystem="sftp", encoding=None)
        yield Raw(connection, writer, reader, aside)
    finally:
        connection.abort()
        await connection.wait_closed()
