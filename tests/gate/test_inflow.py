import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostergate.gate.inflow import Inflow, PacketTooLong

LONGEST = 300


class Pieces:
    """A stream that arrives in given pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._left = [one for one in pieces if one]

    async def read(self, _most: int) -> bytes:
        """Return the next piece, and nothing at the end."""
        return self._left.pop(0) if self._left else b""


def inflow(pieces: Sequence[bytes], arrived: list[str] | None = None) -> Inflow:
    """Return what reads them."""
    reader: Any = Pieces(pieces)
    return Inflow(reader, LONGEST, lambda: ([] if arrived is None else arrived).append("some"))


async def packets(pieces: Sequence[bytes]) -> list[bytes]:
    """Return every packet up to the end of the stream."""
    stream, found = inflow(pieces), []
    try:
        while True:
            while (packet := stream.packet()) is not None:
                found.append(bytes(packet))
            await stream.more()
    except EOFError:
        return found


def announced(packet: bytes) -> bytes:
    """Return a packet with its length before it."""
    return len(packet).to_bytes(4, "big") + packet


@given(st.lists(st.binary(max_size=LONGEST)), st.lists(st.integers(0, 2_000)))
def test_packets_are_the_same_in_whatever_pieces(sent: list[bytes], cuts: list[int]) -> None:
    """However the stream is cut, the packets come out as they were sent."""
    stream = b"".join(announced(one) for one in sent)
    at = sorted({0, len(stream), *(one for one in cuts if one < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(at)]
    assert asyncio.run(packets(pieces)) == sent


async def test_the_end_within_a_packet() -> None:
    """A packet that is cut off is none."""
    assert await packets([announced(b"whole"), announced(b"cut off")[:-1]]) == [b"whole"]


async def test_a_length_beyond_the_limit() -> None:
    """A packet that is too long is told by its length, before it has arrived."""
    stream = inflow([announced(b"x" * LONGEST), (LONGEST + 1).to_bytes(4, "big"), b"x"])
    await stream.more()
    assert stream.packet() == b"x" * LONGEST
    assert stream.packet() is None
    await stream.more()
    with pytest.raises(PacketTooLong) as caught:
        stream.packet()
    assert caught.value.length == LONGEST + 1


async def test_what_arrives_is_told() -> None:
    """Each arrival is told, whole packet or not."""
    arrived: list[str] = []
    stream = inflow([b"\0", b"\0\0\4ab", b"cd"], arrived)
    while stream.packet() is None:
        await stream.more()
    assert arrived == ["some"] * 3
