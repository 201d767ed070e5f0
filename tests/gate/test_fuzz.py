"""The SFTP layer under malformed packets.

`FUZZ_EXAMPLES` in the environment asks for more examples than the few that every run has time for.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from asyncssh.constants import FXP_INIT, FXP_STATUS
from asyncssh.packet import Byte, SSHPacket, String, UInt32, UInt64
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gate.house import until
from gate.raw import packet

if TYPE_CHECKING:
    from gate.ground import Ground

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
NAMES = [b"/", b"", b"/schools.csv", b"/schools.csv.tmp", b"/README.txt", b"/reports", b"/preview/schools.csv", b"/x"]
EXTENSIONS = [b"posix-rename@openssh.com", b"fsync@openssh.com", b"limits@openssh.com", b"lsetstat@openssh.com", b"x"]
HANDLES = [number.to_bytes(4, "big") for number in range(3)]
FIELDS = st.one_of(
    st.sampled_from(NAMES + EXTENSIONS + HANDLES).map(String),
    st.binary(max_size=40).map(String),
    st.sampled_from([0, 1, 2, 0x1A, 0x3A, 255, 2**31, 2**32 - 1]).map(UInt32),
    st.integers(0, 2**64 - 1).map(UInt64),
    st.binary(max_size=12),
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.tuples(
        st.one_of(st.integers(1, 23), st.sampled_from([200, 201]), st.integers(0, 255)),
        st.integers(0, 2**32 - 1),
        st.lists(FIELDS, max_size=5),
    ).map(lambda made: Byte(made[0]) + UInt32(made[1]) + b"".join(made[2])),
)
PACKETS = st.lists(BODIES, max_size=12)
TAILS = st.one_of(st.just(b""), st.binary(max_size=8), st.integers(0, 2**32 - 1).map(UInt32))


def test_malformed_packets(ground: Ground) -> None:
    """Whatever bytes come, before or after the version: each answer is one, the session ends well, the gate goes on."""

    @settings(
        max_examples=EXAMPLES or 60, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck)
    )
    @given(started=st.booleans(), bodies=PACKETS, tail=TAILS)
    def check(*, started: bool, bodies: list[bytes], tail: bytes) -> None:
        ground.runner.run(_send(ground, started=started, bodies=bodies, tail=tail))
        ground.check()
        assert set(ground.house.committed()) <= {"schools.csv"}
        ground.clear()

    check()


async def _send(ground: Ground, *, started: bool, bodies: list[bytes], tail: bytes) -> None:
    client = await ground.session()
    if started:
        client.send(packet(FXP_INIT, UInt32(3)))
    for body in bodies:
        client.send(UInt32(len(body)) + body)
    client.send(tail)
    client.end()
    async with asyncio.timeout(10):
        answers = await client.everything()
    while answers:
        length, answers = int.from_bytes(answers[:4], "big"), answers[4:]
        assert len(answers) >= length
        _well_formed(SSHPacket(answers[:length]))
        answers = answers[length:]
    await until(lambda: not ground.house.gate._sessions)


def _well_formed(answer: SSHPacket) -> None:
    if answer.get_byte() == FXP_STATUS:
        answer.get_uint32()
        assert answer.get_uint32() <= 31
        text = answer.get_string().decode()
        assert "Uncaught" not in text
        assert "the server failed" not in text
