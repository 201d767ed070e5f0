"""Random sequences of operations of two sessions of one district, against a model of the inbox.

Both use the same names; each has a connection of its own, and may lose it.

`FUZZ_EXAMPLES` in the environment asks for more examples than the few that every run has time for.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from asyncssh import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import (
    FX_NO_SUCH_FILE,
    FX_OK,
    FXP_CLOSE,
    FXP_FSETSTAT,
    FXP_HANDLE,
    FXP_REMOVE,
    FXP_RENAME,
    FXP_STAT,
    FXP_STATUS,
    FXP_WRITE,
)
from asyncssh.packet import String, UInt32, UInt64
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

if TYPE_CHECKING:
    from gate.ground import Ground
    from gate.raw import Answer, Raw

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
REAL = ("schools.csv", "teachers.csv")
SCRATCH = ("schools.csv.filepart", ".in.teachers.csv")
ANY_NAME = st.sampled_from(REAL + SCRATCH)
WHO = st.integers(0, 1)
WHICH = st.integers(0, 9)
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

    who: int
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

    @property
    def complete(self) -> bool:
        """Whether it was written to its end without a gap."""
        return len(self.prefix) == self.size and self.reached >= self.found

    def write(self, at: int, data: bytes) -> None:
        """Take bytes, where there are any."""
        if not data:
            return
        at = self.size if self.append else at
        self.arrived.update(enumerate(data, start=at))
        self.touched, self.reached = True, max(self.reached, at + len(data))


class Uploading(RuleBasedStateMachine):
    """Two clients on one inbox, and what must be in it then."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.ground = ground
        ground.clear()
        self.clients: dict[int, Raw] = {}
        self.committed: dict[str, bytes] = {}
        self.aside: dict[str, tuple[bytes, bool]] = {}
        self.open: dict[tuple[int, str], Writing] = {}
        self.commits: dict[str, int] = {}

    def asked(self, *requests: tuple[Any, ...]) -> list[Answer]:
        """Let each be asked by its client, all at once: (who, kind, fields...); return the answers."""

        async def ask() -> list[Answer]:
            clients = [await self._client(who) for who, *_ in requests]
            return list(
                await asyncio.gather(*(one.ask(*ask) for one, (_, *ask) in zip(clients, requests, strict=True)))
            )

        answers: list[Answer] = self.ground.runner.run(ask())
        return answers

    def status(self, *request: Any) -> int:
        """Ask for something whose answer is a status, and return the code."""
        return self.asked(request)[0].status()[0]

    async def _client(self, who: int) -> Raw:
        if who not in self.clients:
            self.clients[who] = await self.ground.session(who)
            await self.clients[who].start()
        return self.clients[who]

    @rule(who=WHO, name=ANY_NAME, how=st.sampled_from(sorted(OPENINGS)))
    def open_a_file(self, who: int, name: str, how: str) -> None:
        """Open: what was cut off is taken up again unless the client truncates."""
        if (who, name) in self.open:
            return  # which of two cut-off uploads of one connection stays is not promised

        async def opened() -> Answer:
            return await (await self._client(who)).open(f"/{name}".encode(), OPENINGS[how])

        answer = self.ground.runner.run(opened())
        there, left = name in self.shown(who), self.aside.get(name)
        if how == "existing" and not there:
            assert answer.status()[0] == FX_NO_SUCH_FILE
        elif how == "append" and left is None and self.committed.get(name):
            assert answer.kind == FXP_STATUS
        else:
            assert answer.kind == FXP_HANDLE, answer.status()
            resumed = left[0] if left and how != "new" else b""
            found = self.shown(who).get(name, 0) if how != "new" else 0
            self.aside.pop(name, None)
            writing = Writing(who, name, answer.handle, self.commits.get(name, 0), append=how == "append")
            writing.arrived = dict(enumerate(resumed))
            writing.found, writing.resumed, writing.finished = found, bool(resumed), bool(left and left[1])
            self.open[who, name] = writing

    @precondition(lambda self: self.open)
    @rule(which=WHICH, offset=st.integers(-1, 60), data=DATA)
    def write(self, which: int, offset: int, data: bytes) -> None:
        """Write at the end (-1) or anywhere."""
        writing = self._some(which)
        assert self.status(*self._written(writing, offset, data)) == FX_OK

    @precondition(lambda self: self.open)
    @rule(which=WHICH, size=st.integers(0, 60))
    def cut_the_file(self, which: int, size: int) -> None:
        """Set its size: only less is done."""
        writing = self._some(which)
        assert self.status(writing.who, FXP_FSETSTAT, String(writing.handle), UInt32(1) + UInt64(size)) == FX_OK
        if (writing.finished or not writing.resumed) and size >= max(writing.found, writing.size):
            return  # of what is whole nothing is cut
        writing.arrived = {at: byte for at, byte in writing.arrived.items() if at < size}
        writing.touched, writing.found = True, min(writing.found, size)

    @precondition(lambda self: self.open)
    @rule(which=WHICH)
    def close(self, which: int) -> None:
        """Close: the one thing that commits, or finishes what has a temporary name."""
        writing = self._some(which)
        self._closed(writing, self.status(writing.who, FXP_CLOSE, String(writing.handle)))

    @precondition(lambda self: {who for who, _ in self.open} == {0, 1})
    @rule(which=WHICH, other=WHICH, offset=st.integers(-1, 60), data=DATA)
    def close_while_the_other_writes(self, which: int, other: int, offset: int, data: bytes) -> None:
        """One closes a file, maybe of the same name, at the moment at which the other goes on writing."""
        writing, going_on = self._some(which, who=0), self._some(other, who=1)
        closing = (0, FXP_CLOSE, String(writing.handle))
        closed, written = self.asked(closing, self._written(going_on, offset, data))
        assert written.status()[0] == FX_OK
        self._closed(writing, closed.status()[0])

    @precondition(lambda self: {who for who, _ in self.open} == {0, 1})
    @rule(which=WHICH, other=WHICH)
    def close_at_once(self, which: int, other: int) -> None:
        """Both close: where it is the same name, either may be the last, and is then there whole."""
        both = [self._some(which, who=0), self._some(other, who=1)]
        answers = self.asked(*((one.who, FXP_CLOSE, String(one.handle)) for one in both))
        codes = [answer.status()[0] for answer in answers]
        last = self._last(both, codes)
        for writing, code in sorted(zip(both, codes, strict=True), key=lambda one: one[0] is last):
            self._closed(writing, code)

    def _last(self, both: list[Writing], codes: list[int]) -> Writing:
        """Return the one whose end was the later one, as what lies there has it."""
        one, other = both
        if one.name != other.name or codes != [FX_OK, FX_OK]:
            return other
        inbox = self.ground.house.inbox()
        folder = inbox.folder if one.name in REAL else inbox.scratch
        there = (folder / one.name).read_bytes() if (folder / one.name).exists() else None
        return one if there == one.prefix and one.complete else other

    @rule(who=WHO, old=ANY_NAME, new=ANY_NAME)
    def rename(self, who: int, old: str, new: str) -> None:
        """Rename: onto a real name it commits what is finished, whoever has that name open."""
        code = self.status(who, FXP_RENAME, String(f"/{old}"), String(f"/{new}"))
        left = self.aside.get(old)
        if old == new or old in REAL or left is None:
            assert (code == FX_OK) == (old == new and old in self.shown(who))
        elif new in SCRATCH:
            assert code == FX_OK
            self.aside[new] = self.aside.pop(old)
            self.commits[new] = self.commits.get(new, 0) + left[1]
        else:
            assert (code == FX_OK) == left[1]
            if code == FX_OK:
                del self.aside[old]
                self._finish(new, left[0])

    @rule(who=WHO, name=ANY_NAME)
    def remove(self, who: int, name: str) -> None:
        """Remove: what is committed and what lies aside."""
        there = name in self.shown(who)
        assert self.status(who, FXP_REMOVE, String(f"/{name}")) == (FX_OK if there else FX_NO_SUCH_FILE)
        self.committed.pop(name, None)
        self.aside.pop(name, None)

    @rule(who=WHO, name=ANY_NAME)
    def stat(self, who: int, name: str) -> None:
        """Ask for the size: of one's own upload, and of what lies there; of the other's upload there is nothing."""
        (answer,) = self.asked((who, FXP_STAT, String(f"/{name}")))
        if name in self.shown(who):
            assert answer.fields.get_uint32() & 1
            assert answer.fields.get_uint64() == self.shown(who)[name]
        else:
            assert answer.status()[0] == FX_NO_SUCH_FILE

    @rule(who=WHO)
    def lose_the_connection(self, who: int) -> None:
        """Cut one off: nothing is committed, and what can be relied on waits aside; the other notices nothing."""
        self.ground.runner.run(self.ground.cut(who))
        self.clients.pop(who, None)
        for key in [key for key in self.open if key[0] == who]:
            self._leave(self.open.pop(key))

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
        """Lose both connections a last time."""
        for who in (0, 1):
            self.lose_the_connection(who)
            self.the_inbox_is_as_the_model_has_it()

    def shown(self, who: int) -> dict[str, int]:
        """Return the sizes that a client sees."""
        sizes = {name: len(data) for name, data in self.committed.items()}
        sizes |= {name: len(data) for name, (data, _) in self.aside.items()}
        return sizes | {one.name: one.size for one in self.open.values() if one.who == who}

    def _some(self, which: int, who: int | None = None) -> Writing:
        keys = sorted(key for key in self.open if who in {None, key[0]})
        return self.open[keys[which % len(keys)]]

    def _written(self, writing: Writing, offset: int, data: bytes) -> tuple[Any, ...]:
        """Return the request that writes there (-1: at the end), the model having taken it."""
        at = writing.size if offset < 0 else offset
        writing.write(at, data)
        return writing.who, FXP_WRITE, String(writing.handle), UInt64(at), String(data)

    def _closed(self, writing: Writing, code: int) -> None:
        """Take a CLOSE that was answered so."""
        del self.open[writing.who, writing.name]
        if writing.found and not writing.touched:
            assert (code == FX_OK) == (not writing.resumed or writing.finished)
            if writing.resumed and writing.finished:
                self._finish(writing.name, writing.prefix)
            elif writing.resumed:
                self._leave(writing)
            return
        assert (code == FX_OK) == writing.complete
        if code == FX_OK:
            self._finish(writing.name, writing.prefix)

    def _leave(self, writing: Writing) -> None:
        """Let what arrived wait, save when nobody needs it any longer."""
        if self.commits.get(writing.name, 0) == writing.commits_before:
            self.aside[writing.name] = (writing.prefix, False)

    def _finish(self, name: str, data: bytes) -> None:
        self.commits[name] = self.commits.get(name, 0) + 1
        if name in REAL:
            self.committed[name] = data
            self.aside.pop(name, None)
        else:
            self.aside[name] = (data, True)


def test_sequences_of_operations(ground: Ground) -> None:
    """After any sequence of requests and cuts of both, the inbox holds exactly what the model says."""
    run_state_machine_as_test(
        lambda: Uploading(ground),
        settings=settings(max_examples=EXAMPLES or 20, stateful_step_count=40, suppress_health_check=list(HealthCheck)),
    )
