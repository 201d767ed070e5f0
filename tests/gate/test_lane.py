"""The short way beside asyncssh's own: the same bytes, in the same pieces, must come to the same."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from asyncssh.constants import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_EOF,
    MSG_CHANNEL_EXTENDED_DATA,
    MSG_DISCONNECT,
    MSG_IGNORE,
)
from asyncssh.encryption import Encryption, get_encryption, get_encryption_params
from asyncssh.mac import get_mac_algs
from asyncssh.packet import Byte, SSHPacket, String, UInt32
from hypothesis import given
from hypothesis import strategies as st

from rostergate.gate import lane

if TYPE_CHECKING:
    from gate.house import House

GCM = ("aes128-gcm@openssh.com", "")
PAIRS = (
    GCM,
    ("aes128-ctr", "umac-128-etm@openssh.com"),
    ("aes256-ctr", "hmac-sha2-512-etm@openssh.com"),
    ("aes256-ctr", "hmac-sha2-256"),
    ("aes256-cbc", "hmac-sha1"),  # of the legacy port
    ("aes128-cbc", "hmac-sha2-256-etm@openssh.com"),
)
"""A cipher and its MAC of each kind that is offered."""
AVAILABLE = [pair for pair in PAIRS if not pair[1] or pair[1].encode() in get_mac_algs()]
EACH = [
    pytest.param(
        pair,
        id=" ".join(pair).strip(),
        marks=pytest.mark.skipif(
            pair not in AVAILABLE, reason="not installed: libnettle, from which asyncssh has UMAC"
        ),
    )
    for pair in PAIRS
]
Pair = tuple[str, str]
WINDOW_BYTES = 20_000
PACKET_BYTES_MAX = 35_000
OPTIONS = asyncssh.SSHServerConnectionOptions(
    config=None, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")]
)


class Heard:
    """What came of what a connection received, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def tell(self, *what: object) -> None:
        """Note it; data of one channel that follow each other are one."""
        if what[0] == "data" and self.told and self.told[-1][:2] == what[:2]:
            what = (*what[:2], self.told.pop()[2] + what[2])
        self.told.append(what)


class Listening(asyncssh.SSHServerSession[bytes]):
    """The session of one channel."""

    def __init__(self, number: int, heard: Heard) -> None:
        self._number = number
        self._heard = heard

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Note the bytes."""
        assert isinstance(data, bytes)
        self._heard.tell("data", self._number, data)
        assert datatype is None

    def eof_received(self) -> bool:
        """Note the end."""
        self._heard.tell("end of data", self._number)
        return True


def encryption(pair: Pair) -> Encryption:
    """Return a new encryption, with the same keys each time."""
    cipher, mac = (name.encode() for name in pair)
    key, iv, _, mac_key, _, etm = get_encryption_params(cipher, mac)
    return get_encryption(cipher, bytes(range(key)), bytes(range(100, 100 + iv)), mac, bytes(range(mac_key)), etm)


def connected(heard: Heard, pair: Pair = GCM) -> Any:
    """Return a server's connection as it is after the login, with two channels open and one closed."""
    loop = asyncio.get_running_loop()
    connection: Any = asyncssh.SSHServerConnection(loop, OPTIONS)
    connection._recv_encryption = encryption(pair)
    _, _, connection._recv_blocksize, _, connection._recv_macsize, _ = get_encryption_params(
        *(name.encode() for name in pair)
    )
    connection._recv_handler = connection._recv_pkthdr
    connection._max_recv_pktlen = PACKET_BYTES_MAX
    connection._auth_complete = True
    connection._transport = object()

    def process(kind: int, _number: int, packet: SSHPacket) -> bool:
        heard.tell("packet", kind, packet.get_full_payload())
        if kind == MSG_DISCONNECT:
            close(None)
        return True

    def close(error: Exception | None) -> None:
        heard.tell("closed", repr(error))
        connection._transport = None

    overheard = {
        "_reset_keepalive_timer": lambda: None,
        "send_packet": lambda kind, *_, **__: heard.tell("sent", kind),
        "process_packet": process,
        "_force_close": close,
    }
    vars(connection).update(overheard)
    for number in range(3):
        channel: Any = connection.create_server_channel(encoding=None, window=WINDOW_BYTES)
        channel._recv_state = channel._send_state = "open" if number < 2 else "closed"
        channel._recv_paused = False
        channel._session = Listening(number, heard)
        connection._channels[number] = channel
    return connection


def packed(payload: bytes, padding: int = 4) -> bytes:
    """Return the plain packet of a payload, without its length; with as much padding as fills a block, or less."""
    if padding >= 4:
        padding += -(1 + len(payload) + padding) % 16
    return Byte(padding) + payload + bytes(padding)


def encrypted(packets: list[bytes], pair: Pair = GCM) -> list[bytes]:
    """Return plain packets as they go over the line."""
    cipher = encryption(pair)
    if pair[1] and "etm" not in pair[1]:  # the length is encrypted, too, and fills a block together with the rest
        packets = [Byte(one[0] and one[0] + 12) + one[1:] + bytes(12) for one in packets]
    return [b"".join(cipher.encrypt_packet(number, UInt32(len(one)), one)) for number, one in enumerate(packets)]


def data(channel: int, length: int, first: int = 0) -> bytes:
    """Return a packet of data."""
    return packed(Byte(MSG_CHANNEL_DATA) + UInt32(channel) + String(bytes((first + at) % 256 for at in range(length))))


def received(
    pieces: list[bytes], first_short: int | None, pair: Pair = GCM, *, logged_in: bool = True
) -> list[tuple[Any, ...]]:
    """Return what comes of pieces of a stream, with the short way from a piece on, or without it."""

    async def receive() -> Heard:
        heard = Heard()
        connection = connected(heard, pair)
        connection._auth_complete = logged_in
        for number, piece in enumerate(pieces):
            if number == first_short:
                lane.shorten(connection)
            if connection._transport is not None:
                connection.data_received(piece)
        heard.tell("number of the next packet", connection._recv_seq)
        return heard

    return asyncio.run(receive()).told


LENGTHS = st.one_of(st.integers(0, 40), st.integers(400, 600), st.integers(500, 10_000))
WELL_FORMED = st.one_of(
    st.builds(data, st.integers(0, 1), LENGTHS, st.integers(0, 255)),
    st.builds(data, st.just(0), st.integers(500, 10_000), st.integers(0, 255)),
    st.integers(0, 900).map(lambda length: packed(Byte(MSG_IGNORE) + String(bytes(length)))),
)
ODD = st.one_of(
    st.just(packed(Byte(MSG_CHANNEL_EOF) + UInt32(1))),
    st.builds(data, st.integers(2, 4), LENGTHS),  # a channel that is closed, or none
    st.just(packed(Byte(MSG_CHANNEL_EXTENDED_DATA) + UInt32(0) + UInt32(1) + String(bytes(600)))),
    st.integers(0, 4).map(lambda padding: packed(Byte(MSG_CHANNEL_DATA) + UInt32(0) + String(bytes(700)), padding)),
    st.just(packed(Byte(MSG_CHANNEL_DATA) + UInt32(0) + UInt32(700) + bytes(600))),
    st.just(packed(Byte(MSG_CHANNEL_DATA) + UInt32(0) + UInt32(500) + bytes(600))),
    st.just(packed(Byte(MSG_CHANNEL_EOF) + UInt32(0) + String(bytes(600)))),  # but for its kind, data
    st.sampled_from([WINDOW_BYTES, WINDOW_BYTES + 1, PACKET_BYTES_MAX + 1]).map(lambda length: data(0, length)),
)


@given(
    pair=st.sampled_from(AVAILABLE),
    packets=st.lists(st.one_of(WELL_FORMED, WELL_FORMED, WELL_FORMED, ODD), max_size=12),
    cuts=st.lists(st.one_of(st.integers(0, 40), st.integers(0, 60_000)), max_size=12),
    broken=st.one_of(st.none(), st.integers(0, 60_000)),
    first_short=st.one_of(st.just(0), st.integers(0, 3)),
)
def test_it_comes_to_the_same(
    pair: Pair, packets: list[bytes], cuts: list[int], broken: int | None, first_short: int
) -> None:
    """Whatever is sent, in whatever pieces, wherever a byte is not the one that was sent, from wherever it begins."""
    stream = bytearray(b"".join(encrypted(packets, pair)))
    if broken is not None and broken < len(stream):
        stream[broken] ^= 1
    at = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [bytes(stream[start:end]) for start, end in itertools.pairwise(at)]
    assert received(pieces, first_short, pair) == received(pieces, None, pair)


@pytest.mark.parametrize("at", [15, 16])
def test_it_begins_between_packets(at: int) -> None:
    """Where it is set up while asyncssh has a part of a packet, asyncssh takes the rest, whatever that looks like."""
    plain = data(0, 1_000)
    seen = encrypted([plain])[0][at : at + 4]  # is to be seen as a length
    mask = bytes(one ^ other for one, other in zip(seen, UInt32(PACKET_BYTES_MAX), strict=True))
    disguised = bytes(one ^ other for one, other in zip(plain[at - 4 : at], mask, strict=True))
    stream = b"".join(encrypted([plain[: at - 4] + disguised + plain[at:], data(1, 1_000)]))
    assert stream[at : at + 4] == UInt32(PACKET_BYTES_MAX)
    told = received([stream[:at], stream[at:]], 1)
    assert told == received([stream[:at], stream[at:]], None)
    assert told[-1] == ("number of the next packet", 2)


@pytest.mark.parametrize("pair", EACH)
def test_what_came_together_goes_on_together(pair: Pair) -> None:
    """Of three packets and a part of a fourth, one piece reaches the session; the rest, when it has come."""
    told: list[bytes] = []
    parts = encrypted([data(0, 6_000, first) for first in range(4)], pair)

    async def receive() -> None:
        connection = connected(Heard(), pair)
        lane.shorten(connection)
        connection._channels[0]._session.data_received = lambda one, _: told.append(one)
        connection.data_received(b"".join(parts)[:-1])
        connection.data_received(parts[3][-1:])

    asyncio.run(receive())
    assert list(map(len, told)) == [18_000, 6_000]


@pytest.mark.parametrize("pair", EACH)
@pytest.mark.parametrize(
    ("packets", "logged_in"),
    [
        pytest.param([data(0, 10_000), data(0, WINDOW_BYTES)], True, id="more than the window"),
        pytest.param([data(2, 1_000)], True, id="for a channel that takes nothing more"),
        pytest.param([data(9, 1_000)], True, id="for no channel"),
        pytest.param([data(0, 9_000), bytes(9_008)], True, id="not padded"),
        pytest.param([data(0, 1_000)], False, id="before the login"),
        pytest.param([data(0, 1_000), data(1, PACKET_BYTES_MAX)], True, id="too long"),
    ],
)
def test_what_is_wrong_is_said_as_always(pair: Pair, packets: list[bytes], *, logged_in: bool) -> None:
    """The connection ends with the error that it would have ended with, after all that was right."""
    pieces = encrypted(packets, pair)
    told = received(pieces, 0, pair, logged_in=logged_in)
    assert told == received(pieces, None, pair, logged_in=logged_in)
    assert told[-2][0] == "closed"


@pytest.mark.parametrize("pair", EACH)
def test_what_is_not_authentic_ends_the_connection(pair: Pair) -> None:
    """Of three packets the second was changed on its way: the first one has come, and nothing after it."""
    parts = encrypted([data(0, 1_000), data(0, 1_000), data(0, 1_000)], pair)
    parts[1] = parts[1][:500] + bytes([parts[1][500] ^ 1]) + parts[1][501:]
    told = received([b"".join(parts)], 0, pair)
    assert told[0] == ("data", 0, bytes(at % 256 for at in range(1_000)))
    assert [one[0] for one in told[1:]] == ["sent", "closed", "number of the next packet"]
    assert "MAC verification failed" in told[2][1]


def test_nothing_is_taken_once_the_connection_has_ended() -> None:
    """What came together with the packet that ended it goes nowhere."""
    packets = [data(0, 1_000), packed(Byte(MSG_DISCONNECT)), data(0, 1_000), data(0, 1)]
    told = received([b"".join(encrypted(packets))], 0)
    assert [one[0] for one in told] == ["data", "packet", "closed", "number of the next packet"]


@pytest.mark.parametrize("pair", [one for one in EACH if "cbc" not in str(one.id)])
async def test_an_upload_takes_it(house: House, pair: Pair) -> None:
    """A file arrives as it was sent, also over new keys; nearly all of it by the short way."""
    sent = bytes(range(256)) * 20_000
    options = {"mac_algs": [pair[1]]} if pair[1] else {}
    async with house.sftp(encryption_algs=[pair[0]], rekey_bytes=1_000_000, **options) as sftp:
        (door,) = house.gate.doors
        connection: Any = door._connection
        receive, long_ones = connection._recv_packet, []

        def counted() -> bool:
            if connection._pktlen > lane.WORTH_BYTES and len(connection._inpbuf) > connection._pktlen:
                long_ones.append(connection._pktlen)
            return bool(receive())

        vars(connection)["_recv_packet"] = counted
        async with sftp.open("schools.csv", "wb") as file:
            await file.write(sent)
    assert house.committed() == {"schools.csv": sent}
    assert 0 < len(long_ones) < 20  # key exchanges, and what comes while one is under way
