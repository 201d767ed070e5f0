"""The bytes of one SFTP session as they arrive: taken in large pieces, and cut into packets.

Rule 1: a packet that is longer than the limit is told by its length, before anything of it is gathered.
Rule 2: what arrives in however many pieces is put together once, so no client can make this slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from asyncssh import SSHReader

READ_BYTES_MAX: Final = 262_144  # as much as asyncio takes from a socket at once
_LENGTH_BYTES: Final = 4


class PacketTooLong(Exception):  # noqa: N818 - it names what is the case
    """A packet is announced that is longer than the limit."""

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length


class Inflow:
    """What a client sends."""

    def __init__(self, reader: SSHReader[bytes], packet_bytes_max: int, arrived: Callable[[], None]) -> None:
        """`arrived` is told each time that something has come."""
        self._reader = reader
        self._packet_bytes_max = packet_bytes_max
        self._arrived = arrived
        self._bytes = b""
        self._at = 0

    def packet(self) -> memoryview | None:
        """Return the next packet without its length if it has arrived whole. Raises `PacketTooLong`."""
        end = self._at + self._wanted()
        if end > len(self._bytes):
            return None
        start, self._at = self._at + _LENGTH_BYTES, end
        return memoryview(self._bytes)[start:end]

    async def more(self) -> None:
        """Wait until the next packet is there, or at least its length.

        Raises `EOFError` at the end, `PacketTooLong`, and what the connection ended with.
        """
        pieces, wanted = [self._bytes[self._at :]], self._wanted()
        there = len(pieces[0])
        while there < wanted:
            piece = await self._reader.read(READ_BYTES_MAX)
            if not piece:
                raise EOFError
            self._arrived()
            pieces.append(piece)
            there += len(piece)
        self._bytes, self._at = b"".join(pieces), 0

    def _wanted(self) -> int:
        """Return how many bytes the next packet has with its length, or the length itself while that is not there."""
        length = self._bytes[self._at : self._at + _LENGTH_BYTES]
        if len(length) < _LENGTH_BYTES:
            return _LENGTH_BYTES
        announced = int.from_bytes(length, "big")
        if announced > self._packet_bytes_max:
            raise PacketTooLong(announced)
        return _LENGTH_BYTES + announced
