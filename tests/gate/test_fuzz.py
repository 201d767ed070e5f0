"""The SFTP layer under malformed packets and under random sequences of operations, against a model of the inbox.

`FUZZ_EXAMPLES` in the environment asks for more examples than the few that every run has time for.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
import structlog
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import (
    FX_NO_SUCH_FILE,
    FX_OK,
    FXP_CLOSE,
    FXP_FSETSTAT,
    FXP_HANDLE,
    FXP_INIT,
    FXP_REMOVE,
    FXP_RENAME,
    FXP_STAT,
    FXP_STATUS,
)
from asyncssh.packet import Byte, SSHPacket, String, UInt32, UInt64
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from gate.house import House, until
from gate.raw import Raw, packet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
FAILED = "session.failed"


@dataclass
class Ground:
    """A house that many examples share, on a loop of its own."""

    house: House
    runner: asyncio.Runner
    logged: list[Any]
    connection: asyncssh.SSHClientConnection | None = None

    async def session(self) -> Raw:
        """Start a session, on the connection of the one before where that still stands."""
        if self.connection is None:
            self.connection = await asyncssh.connect(**self.house.options())
        return Raw(self.connection, *await self.connection.open_session(subsystem="sftp", encoding=None))

    async def cut(self) -> None:
        """Lose the connection, and wait until the gate has noticed."""
        if self.connection is not None:
            self.connection.abort()
            await self.connection.wait_closed()
            self.connection = None
        await until(lambda: not self.house.gate._sessions)

    def clear(self) -> None:
        """Empty the inbox."""
        inbox = self.house.inbox()
        inbox.forget_all()
        for name in inbox.entries():
            inbox.remove(name)

    def check(self) -> None:
        """Check that nothing went wrong that is not the client's fault."""
        assert [one for one in self.logged if one["event"] == FAILED] == []


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Open a house for all examples of one test."""
    with asyncio.Runner() as runner, structlog.testing.capture_logs() as logged:
        house = House(tmp_path / "state")
        runner.run(house.open())
        ground = Ground(house, runner, logged)
        yield ground
        runner.run(ground.cut())
        runner.run(house.gate.drain(0))


# Malformed packets

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


# Sequences of operations

REAL = ("schools.csv", "teachers.csv")
SCRATCH = ("schools.csv.filepart", ".in.teachers.csv")
ANY_NAME = st.sampled_from(REAL + SCRATCH)
DATA = st.text("ab,\n", max_size=40).map(str.encode)
OPENINGS = {
    "new": FXF_WRITE | FXF_CREAT | FXF_TRUNC,
    "resume": FXF_WRITE | FXF_CREAT,
    "existing": FXF_WRITE,
    "append": FXF_WRITE | FXF_CREAT | FXF_APPEND,
}


@dataclass
class Writing:
    """An upload in progress, as the model has it: the bytes that arrived, by offset."""

    name: str
    handle: bytes
    commits_before: int
    append: bool = False
    arrived: dict[int, int] = field(default_factory=dict)
    found: int = 0
    """Bytes that were there and not emptied."""
    resumed: bool = False
    finished: bool = False
    touched: bool = False
    reached: int = 0

    @property
    def size(self) -> int:
        """Bytes up to the last."""
        return max(self.arrived, default=-1) + 1

    @property
    def prefix(self) -> bytes:
        """The bytes up to the first gap."""
        end = next(at for at in range(self.size + 1) if at not in self.arrived)
        return bytes(self.arrived[at] for at in range(end))


class Uploading(RuleBasedStateMachine):
    """One client after the other on one inbox, and what must be in it then."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        ground.clear()
        self.client: Raw | None = None
        self.committed: dict[str, bytes] = {}
        self.aside: dict[str, tuple[bytes, bool]] = {}
        self.open: dict[str, Writing] = {}
        self.commits: dict[str, int] = {}

    def run(self, coroutine: Any) -> Any:
        """Run something on the house's loop."""
        return self.ground.runner.run(coroutine)

    def status(self, kind: int, *fields: bytes) -> int:
        """Ask for something whose answer is a status, and return the code."""
        code: int = self.run(self._session_asks(kind, *fields)).status()[0]
        return code

    async def _session_asks(self, kind: int, *fields: bytes) -> Any:
        return await (await self._session()).ask(kind, *fields)

    async def _session(self) -> Raw:
        if self.client is None:
            self.client = await self.ground.session()
            await self.client.start()
        return self.client

    @rule(name=ANY_NAME, how=st.sampled_from(sorted(OPENINGS)))
    def open_a_file(self, name: str, how: str) -> None:
        """Open: what was cut off is taken up again unless the client truncates."""
        if name in self.open:
            return  # which of two cut-off uploads of one name stays is not promised
        answer = self.run(self._opened(name, OPENINGS[how]))
        there = name in self.shown()
        left = self.aside.get(name)
        if how == "existing" and not there:
            assert answer.status()[0] == FX_NO_SUCH_FILE
        elif how == "append" and left is None and self.committed.get(name):
            assert answer.kind == FXP_STATUS
        else:
            assert answer.kind == FXP_HANDLE, answer.status()
            resumed = left[0] if left and how != "new" else b""
            found = self.shown().get(name, 0) if how != "new" else 0
            self.aside.pop(name, None)
            opened = Writing(name, answer.handle, self.commits.get(name, 0), append=how == "append")
            opened.arrived = dict(enumerate(resumed))
            opened.found, opened.resumed, opened.finished = found, bool(resumed), bool(left and left[1])
            self.open[name] = opened

    async def _opened(self, name: str, flags: int) -> Any:
        return await (await self._session()).open(f"/{name}".encode(), flags)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9), offset=st.integers(-1, 60), data=DATA)
    def write(self, which: int, offset: int, data: bytes) -> None:
        """Write at the end (-1) or anywhere."""
        writing = self._some(which)
        at = writing.size if offset < 0 else offset
        assert self.run(self._written(writing.handle, at, data)) == FX_OK
        at = writing.size if writing.append else at
        writing.arrived.update(enumerate(data, start=at))
        writing.touched, writing.reached = True, max(writing.reached, at + len(data))

    async def _written(self, handle: bytes, offset: int, data: bytes) -> int:
        return (await (await self._session()).write(handle, offset, data)).status()[0]

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9), size=st.integers(0, 60))
    def cut_the_file(self, which: int, size: int) -> None:
        """Set its size: only less is done."""
        writing = self._some(which)
        assert self.status(FXP_FSETSTAT, String(writing.handle), UInt32(1) + UInt64(size)) == FX_OK
        writing.arrived = {at: byte for at, byte in writing.arrived.items() if at < size}
        writing.touched, writing.found = True, min(writing.found, size)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 9))
    def close(self, which: int) -> None:
        """Close: the one thing that commits, or finishes what has a temporary name."""
        writing = self._some(which)
        code = self.status(FXP_CLOSE, String(writing.handle))
        del self.open[writing.name]
        if writing.found and not writing.touched:
            assert (code == FX_OK) == (not writing.resumed or writing.finished)
            if writing.resumed and writing.finished:
                self.aside[writing.name] = (writing.prefix, True)
            elif writing.resumed and self.commits.get(writing.name, 0) == writing.commits_before:
                self.aside[writing.name] = (writing.prefix, False)
            return
        assert (code == FX_OK) == (len(writing.prefix) == writing.size and writing.reached >= writing.found)
        if code == FX_OK:
            self._finish(writing.name, writing.prefix)

    @rule(old=ANY_NAME, new=ANY_NAME)
    def rename(self, old: str, new: str) -> None:
        """Rename: onto a real name it commits what is finished."""
        code = self.status(FXP_RENAME, String(f"/{old}"), String(f"/{new}"))
        left = self.aside.get(old)
        if old == new or old in REAL or left is None:
            assert (code == FX_OK) == (old == new and old in self.shown())
        elif new in SCRATCH:
            assert code == FX_OK
            self.aside[new] = self.aside.pop(old)
        else:
            assert (code == FX_OK) == left[1]
            if code == FX_OK:
                del self.aside[old]
                self._finish(new, left[0])

    @rule(name=ANY_NAME)
    def remove(self, name: str) -> None:
        """Remove: what is committed and what lies aside."""
        there = name in self.shown()
        assert self.status(FXP_REMOVE, String(f"/{name}")) == (FX_OK if there else FX_NO_SUCH_FILE)
        self.committed.pop(name, None)
        self.aside.pop(name, None)

    @rule(name=ANY_NAME)
    def stat(self, name: str) -> None:
        """Ask for the size."""
        answer = self.run(self._session_asks(FXP_STAT, String(f"/{name}")))
        if name in self.shown():
            assert answer.fields.get_uint32() & 1
            assert answer.fields.get_uint64() == self.shown()[name]
        else:
            assert answer.status()[0] == FX_NO_SUCH_FILE

    @rule()
    def lose_the_connection(self) -> None:
        """Cut off: nothing is committed, and what can be relied on waits aside."""
        self.run(self.ground.cut())
        self.client = None
        for writing in self.open.values():
            if self.commits.get(writing.name, 0) == writing.commits_before:
                self.aside[writing.name] = (writing.prefix, False)
        self.open.clear()

    @invariant()
    def the_inbox_is_as_the_model_has_it(self) -> None:
        """Compare committed files, what lies aside and the counts; nothing failed."""
        inbox = self.ground.house.inbox()
        assert self.ground.house.committed() == self.committed
        left = {name: ((inbox.scratch / name).read_bytes(), entry.finished) for name, entry in inbox.left().items()}
        assert left == self.aside
        assert inbox.open_uploads == len(self.open)
        resting = sum(map(len, self.committed.values())) + sum(len(data) for data, _ in self.aside.values())
        assert inbox.bytes_held == resting + sum(writing.size for writing in self.open.values())
        self.ground.check()

    def teardown(self) -> None:
        """Lose the connection a last time."""
        self.lose_the_connection()
        self.the_inbox_is_as_the_model_has_it()

    def shown(self) -> dict[str, int]:
        """Return the sizes that the client sees."""
        sizes = {name: len(data) for name, data in self.committed.items()}
        sizes |= {name: len(data) for name, (data, _) in self.aside.items()}
        return sizes | {name: writing.size for name, writing in self.open.items()}

    def _some(self, which: int) -> Writing:
        return self.open[sorted(self.open)[which % len(self.open)]]

    def _finish(self, name: str, data: bytes) -> None:
        if name in REAL:
            self.committed[name] = data
            self.aside.pop(name, None)
            self.commits[name] = self.commits.get(name, 0) + 1
        else:
            self.aside[name] = (data, True)


def test_sequences_of_operations(ground: Ground) -> None:
    """After any sequence of requests and cuts, the inbox holds exactly what the model says."""
    run_state_machine_as_test(
        lambda: Uploading(ground),
        settings=settings(max_examples=EXAMPLES or 15, stateful_step_count=40, suppress_health_check=list(HealthCheck)),
    )
