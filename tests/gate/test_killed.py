"""The gate is killed before any step of an upload on the disk: what counts is whole, and a retry comes through."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh
import pytest
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE
from asyncssh.constants import FX_OK, FXP_RENAME
from asyncssh.packet import String

from gate.house import NOW, PASSWORD, SLUG
from gate.raw import Raw
from rostergate.spool.folders import Area, Spool
from rostergate.spool.inbox import Inbox, Inboxes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

OLD: Final = b"school_id,school_name\n1,Old\n"
NEW: Final = (b"school_id,school_name\n" + b"1,Lincoln High\n" * 4_000)[:60_000]
PIECE: Final = 20_000
REAL: Final = "schools.csv"
PART: Final = "schools.csv.filepart"
KINDS: Final = ("out of order", "resumed", "renamed over", "finished, then begun again")


class Dying:
    """The program that has gates that die."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        self._stdin, self._stdout = process.stdin, process.stdout

    @contextlib.asynccontextmanager
    async def gate(self, state: Path, at: int) -> AsyncIterator[int]:
        """Start a gate that is killed before step `at`, give its port, and kill it at the latest at the end."""
        self._stdin.write(f"{state} {at}\n".encode())
        process, port = map(int, (await self._stdout.readline()).split())
        try:
            yield port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            assert await self._stdout.readline() == b"dead\n"


@pytest.fixture
async def dying() -> AsyncIterator[Dying]:
    """Start the program, and end it."""
    tests = Path(__file__).parents[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gate.dying"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=tests,
    )
    yield Dying(process)
    assert process.stdin
    process.stdin.close()
    assert await process.wait() == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_kill_at_any_step(dying: Dying, tmp_path: Path, kind: str) -> None:
    """Old or new is committed, whole; what waits for a resume is a beginning of the new, and dated when it began."""
    at = 1
    while await _killed_before(dying, tmp_path / f"{at}", kind, at):
        at += 1
    assert at > 5, "the steps were not counted"


async def _killed_before(dying: Dying, state: Path, kind: str, at: int) -> bool:
    """Upload with a kill before step `at`; say whether there was such a step."""
    await _prepare(state, kind)
    acknowledged, ended = False, False
    async with dying.gate(state, at) as port:
        with contextlib.suppress(asyncssh.Error, OSError, EOFError):
            async with asyncssh.connect(
                *("127.0.0.1", port),
                username=SLUG,
                password=PASSWORD,
                known_hosts=None,
                client_keys=None,
                agent_path=None,
                config=None,
            ) as connection:
                client = Raw(connection, *await connection.open_session(subsystem="sftp", encoding=None))
                acknowledged = await _play(client, kind)
                ended = True
    again = _started(state, NOW + timedelta(hours=1))
    _check(again, acknowledged=acknowledged)
    await _retry(again)
    return not ended


def _started(state: Path, now: datetime) -> Inbox:
    """Open the inbox as the start of a daemon does."""
    spool = Spool(state)
    spool.prepare()
    return Inboxes(spool, lambda: now).of(SLUG, Area.UPLOAD)


async def _prepare(state: Path, kind: str) -> None:
    """Commit the old file, and leave what is to be resumed."""
    inbox = _started(state, NOW)
    old = inbox.begin(REAL)
    old.write(0, OLD)
    await old.commit()
    begun = inbox.begin(PART if kind in KINDS[2:] else REAL)
    begun.write(0, NEW[:PIECE])
    if kind == KINDS[3]:
        await begun.set_aside()
    elif kind == "resumed":
        begun.leave()
    else:
        begun.drop()


async def _play(client: Raw, kind: str) -> bool:
    """Upload the new file, and say whether it was acknowledged."""
    await client.start()
    renamed, resumed = kind in KINDS[2:], kind in {KINDS[1], KINDS[3]}
    name = PART if renamed else REAL
    handle = (await client.open(name.encode(), FXF_WRITE | FXF_CREAT | (0 if resumed else FXF_TRUNC))).handle
    for piece in (2, 1) if resumed else (1, 0, 2):
        at = piece * PIECE
        assert (await client.write(handle, at, NEW[at : at + PIECE])).status()[0] == FX_OK
    code, _ = (await client.close(handle)).status()
    if renamed:
        code, _ = (await client.ask(FXP_RENAME, String(PART), String(REAL))).status()
    return code == FX_OK


def _committed(inbox: Inbox) -> dict[str, bytes]:
    return {name: (inbox.folder / name).read_bytes() for name in inbox.entries()}


def _check(inbox: Inbox, *, acknowledged: bool) -> None:
    assert _committed(inbox) in [{REAL: NEW}, {REAL: OLD}]
    assert not acknowledged or _committed(inbox) == {REAL: NEW}
    assert inbox.entries()[REAL].at == NOW
    for name, entry in inbox.left().items():
        data = (inbox.scratch / name).read_bytes()
        assert NEW.startswith(data)
        assert entry.at == NOW
        assert not entry.finished or data in (NEW, NEW[:PIECE])
    assert {path.name for path in inbox.scratch.iterdir()} == set(inbox.left())


async def _retry(inbox: Inbox) -> None:
    """Do what a client does then: go on where it ends, or begin again; rename what has a temporary name."""
    name = next(iter(inbox.left()), REAL)
    upload = inbox.resume(name) or inbox.begin(name)
    upload.write(upload.size, NEW[upload.size :])
    if name == REAL:
        await upload.commit()
    else:
        await upload.set_aside()
        await inbox.commit(name, REAL)
    assert _committed(inbox) == {REAL: NEW}
    assert (inbox.left(), inbox.open_uploads, inbox.bytes_held) == ({}, 0, len(NEW))
