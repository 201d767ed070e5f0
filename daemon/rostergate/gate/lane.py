"""The short way of a file's data: from the bytes of a connection to the session that takes them.

asyncssh 2.24 copies each byte of an encrypted packet six times before a session has it, and makes a cipher for each
packet. Here packets are decrypted where they lie, with a cipher that is kept, and what came together goes on together.

Rule 1: only what would go well is taken: whole packets of data, authentic, for an open channel that has room for them,
encrypted with AES-GCM, which is the cheapest cipher and known to every client of today. All else is asyncssh's, and so
is whatever is wrong: it finds the packet as it came, and says what it always says.
Rule 2: packets keep their order. asyncssh is given the others one by one, each whole, so that it never waits for the
rest of one that could have been taken here.

Everything here uses private names of asyncssh; tests/gate/test_lane.py holds it against asyncssh's own way.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from asyncssh.constants import MSG_CHANNEL_DATA
from asyncssh.encryption import GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    import asyncssh

WORTH_BYTES: Final = 512
"""A packet that is shorter carries no file's data to speak of."""
# RFC 5647, 7.2: a packet is its length, which is not encrypted, so many bytes, and a tag. RFC 4253, 6, and RFC 4254,
# 5.2: what a packet of data begins with. The numbers: bytes of padding, kind; channel, length of the data.
_LENGTH_BYTES: Final = 4
_TAG_BYTES: Final = 16
_DATA: Final = Struct(">BBII")


def shorten(connection: asyncssh.SSHServerConnection) -> None:
    """Let what a connection receives take the short way where it can."""
    vars(connection)["data_received"] = Lane(connection).data_received


class Lane:
    """The short way through one connection."""

    def __init__(self, connection: asyncssh.SSHServerConnection) -> None:
        """Leave what is not taken to the way that the connection has had so far."""
        self._connection: Any = connection
        self._receive = connection.data_received
        self._rest = b""  # a packet that has not come whole
        self._cipher: Any = None
        self._key: Any = None

    def data_received(self, data: bytes, datatype: int | None = None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Take what has come over the connection."""
        data, self._rest, at = self._rest + data, b"", 0
        while self._helps() and (end := self._end(data, at)):
            if end > len(data):
                self._rest, at = data[at:], len(data)
                break
            after = self._taken(data, at)
            if after == at:
                self._receive(data[at:end])
                after = end
            at = after
        if self._connection._transport is not None:
            self._receive(data[at:])

    def _helps(self) -> bool:
        """Say whether the connection is up and can be helped, and asyncssh awaits the beginning of a packet."""
        connection = self._connection
        return (
            connection._transport is not None
            and isinstance(connection._recv_encryption, GCMEncryption)
            and connection._auth_complete
            and not connection._inpbuf
            and connection._recv_handler == connection._recv_pkthdr
        )

    def _end(self, data: bytes, at: int) -> int:
        """Return where the packet at `at` ends, which may be beyond the data; 0 where there is none, or no sense."""
        if len(data) - at < _LENGTH_BYTES:
            return at + _LENGTH_BYTES if at < len(data) else 0
        length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        return at + _LENGTH_BYTES + length + _TAG_BYTES if length <= self._connection._max_recv_pktlen else 0

    def _taken(self, data: bytes, at: int) -> int:
        """Take packets of data for one channel that follow each other from `at` on; return where they end."""
        connection, view = self._connection, memoryview(data)
        cipher = connection._recv_encryption._cipher
        if cipher is not self._cipher:
            self._cipher, self._key = cipher, AESGCM(cipher._key)
        taken: list[memoryview] = []
        channel: Any = None
        number, room = 0, 0
        while at + WORTH_BYTES <= (end := self._end(data, at)) <= len(data):
            opened = self._opened(view, at, end)
            if opened is None:
                break
            if channel is None:
                number, channel = opened[0], connection._channels.get(opened[0])
                room = channel._recv_window if channel is not None and channel._recv_state == "open" else 0
            if opened[0] != number or len(opened[1]) > room:
                break
            cipher._update_iv()
            connection._recv_seq = (connection._recv_seq + 1) & 0xFFFF_FFFF
            taken.append(opened[1])
            room -= len(opened[1])
            at = end
        if taken:
            channel._accept_data(b"".join(taken))
        return at

    def _opened(self, view: memoryview, at: int, end: int) -> tuple[int, memoryview] | None:
        """Decrypt one packet; return its channel and its data, or None where it is anything else, or not authentic."""
        start = at + _LENGTH_BYTES
        try:
            plain = self._key.decrypt(self._cipher._iv, view[start:end], view[at:start])
        except InvalidTag:
            return None
        padding, kind, number, length = _DATA.unpack_from(plain)
        if kind != MSG_CHANNEL_DATA or not padding or _DATA.size + length + padding != len(plain):
            return None
        return number, memoryview(plain)[_DATA.size : _DATA.size + length]
