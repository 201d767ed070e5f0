"""What is acknowledged is on the disk: the calls that the kernel sees, in their order, by strace."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncssh
import pytest

from gate.house import PASSWORD, SLUG, put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CALLS: Final = "fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,write"


@pytest.fixture
async def traced(program: str, tmp_path: Path) -> AsyncIterator[tuple[int, Path]]:
    """Run a gate under strace; give its port and what strace writes."""
    log = tmp_path / "strace"
    process = await asyncio.create_subprocess_exec(
        *(program, "-f", "-y", "-o", str(log), "-e", f"trace={CALLS}", sys.executable, "-m", "gate.dying"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{tmp_path / 'state'} 1000000\n".encode())
    child, port = map(int, (await process.stdout.readline()).split())
    try:
        yield port, log
    finally:
        await (await asyncio.create_subprocess_exec("kill", "-KILL", str(child))).wait()
        process.stdin.close()
        await process.wait()


@pytest.mark.client("strace")
@pytest.mark.parametrize("temporary", [False, True], ids=["under its own name", "renamed"])
async def test_synced_before_it_is_acknowledged(traced: tuple[int, Path], *, temporary: bool) -> None:
    """The file is synced, renamed into place, its folder synced, and only then an answer is sent."""
    port, log = traced
    where = {"host": "127.0.0.1", "port": port, "username": SLUG, "password": PASSWORD}
    async with (
        asyncssh.connect(**where, known_hosts=None, client_keys=None, agent_path=None, config=None) as connection,
        connection.start_sftp_client() as sftp,
    ):
        await put(sftp, "schools.csv.tmp" if temporary else "schools.csv")
        if temporary:
            await sftp.rename("schools.csv.tmp", "schools.csv")
    steps = _steps(log.read_text())
    renamed = steps.index("rename into place")
    assert "file synced" in steps[:renamed]
    after = steps[renamed + 1 :]
    assert "answer" in after
    assert after.index("folder synced") < after.index("answer")


def _steps(text: str) -> list[str]:
    """Return what a trace says of the inbox and of answers, in the order in which each was done with."""
    found, under_way = [], {}
    for line in text.splitlines():
        thread = line.split()[0]
        step = under_way.pop(thread, None) if " resumed>" in line else _step(line)
        if step and line.endswith("<unfinished ...>"):
            under_way[thread] = step
        elif step:
            found.append(step)
    return found


def _step(line: str) -> str | None:
    if re.search(r"fsync\(\d+<[^>]*/\.scratch/[^>]*>", line):
        return "file synced"
    if re.search(rf"fsync\(\d+<[^>]*/inbox/{SLUG}>", line):
        return "folder synced"
    if re.search(rf'rename\w*\(.*/\.scratch/[^"]*", .*/inbox/{SLUG}/schools\.csv"', line):
        return "rename into place"
    if re.search(r"(sendto|sendmsg|write)\(\d+<(TCP|socket):", line):
        return "answer"
    return None
