"""The short way of a file's data: from the bytes of a connection to the session that takes them.

asyncssh 2.24 copies each byte of an encrypted packet six times before a session has it, and makes a cipher for each
packet. Here packets are decrypted where they lie, with a cipher that is kept, and what came together goes on together.

Rule 1: only what would go well is taken: whole packets of data, authentic, for an open channel that has room for them,
encrypted in one of the ways that `ciphers.py` knows. All else is asyncssh's, and so is whatever is wrong: it finds the
packet as it came, and says what it always says.
Rule 2: packets keep their order. asyncssh is given the others one by one, each whole, so that it never waits for the
rest of one that could have been taken here.

Everything here uses private names of asyncssh; tests/gate/test_lane.py holds it against asyncssh's own way.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from asyncssh.constants import MSG_CHANNEL_DATA

from rostergate.gate.ciphers import LENGTH_BYTES, Opener, opener_of

if TYPE_CHECKING:
    import asyncssh

WORTH_BYTES: Final = 512
"""A packet that is shorter carries no file's data to speak of."""
# RFC 4253, 6, and RFC 4254, 5.2: what a packet of data begins with, after its length. The numbers: bytes of padding,
# kind; channel, length of the data.
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
        self._opener: Opener | None = None

    def data_received(self, data: bytes, datatype: int | None = None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Take what has come over the connection."""
        data, self._rest, at = self._rest + data, b"", 0
        while (opener := self._helping()) and (end := self._end(opener, data, at)):
            if end > len(data):
                self._rest, at = data[at:], len(data)
                break
            after = self._taken(opener, data, at)
            if after == at:
                self._receive(data[at:end])
                after = end
            at = after
        if self._connection._transport is not None:
            self._receive(data[at:])

    def _helping(self) -> Opener | None:
        """Return the opener, if the connection is up and asyncssh awaits the beginning of a packet."""
        connection = self._connection
        if connection._recv_encryption is not self._opener:
            self._stand_before()
        helps = (
            connection._transport is not None
            and connection._auth_complete
            and not connection._inpbuf
            and connection._recv_handler == connection._recv_pkthdr
        )
        return self._opener if helps else None

    def _stand_before(self) -> None:
        """Stand before the encryption that a key exchange has brought."""
        connection = self._connection
        self._opener = opener_of(connection._recv_encryption, connection._recv_macsize)
        if self._opener is not None:
            connection._recv_encryption = self._opener

    def _end(self, opener: Opener, data: bytes, at: int) -> int:
        """Return where the packet at `at` ends, which may be beyond the data; 0 where there is none, or no sense."""
        if len(data) - at < opener.first_bytes:
            return at + opener.first_bytes if at < len(data) else 0
        length = opener.length(data[at : at + opener.first_bytes])
        return at + LENGTH_BYTES + length + opener.tag_bytes if length <= self._connection._max_recv_pktlen else 0

    def _taken(self, opener: Opener, data: bytes, at: int) -> int:
        """Take packets of data for one channel that follow each other from `at` on; return where they end."""
        connection, view = self._connection, memoryview(data)
        taken: list[memoryview] = []
        channel: Any = None
        number, room = 0, 0
        while at + WORTH_BYTES <= (end := self._end(opener, data, at)) <= len(data):
            found = _found(opener.opened(view[at:end], connection._recv_seq))
            if found is None:
                break
            if channel is None:
                number, channel = found[0], connection._channels.get(found[0])
                room = channel._recv_window if channel is not None and channel._recv_state == "open" else 0
            if found[0] != number or len(found[1]) > room:
                break
            opener.take()
            connection._recv_seq = (connection._recv_seq + 1) & 0xFFFF_FFFF
            taken.append(found[1])
            room -= len(found[1])
            at = end
        if taken:
            channel._accept_data(b"".join(taken))
        return at


def _found(plain: bytes | None) -> tuple[int, memoryview] | None:
    """Return the channel and the data of a packet that was opened; None where it is of another kind, or makes no sense.

    `plain` is at least as long as what a packet of data begins with: packets that are hardly longer are not opened.
    """
    if plain is None:
        return None
    padding, kind, number, length = _DATA.unpack_from(plain)
    if kind != MSG_CHANNEL_DATA or not padding or _DATA.size + length + padding != len(plain):
        return None
    return number, memoryview(plain)[_DATA.size : _DATA.size + length]
