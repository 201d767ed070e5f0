"""What the daemon asks of the system, beside what its unit lets it have."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rostergate.service.lock import running
from running import SECONDS_MAX, until

if TYPE_CHECKING:
    from running import Rostergate

UNIT = (Path(__file__).parents[2] / "systemd" / "rostergate.service").read_text("utf-8")
TOLERATED = {
    # Asked for and not needed: who asks goes on without.
    "sched_setaffinity",
    # SQLite, and that only as root: its log gets the owner of the database.
    "fchown",
}


def values(key: str) -> list[str]:
    """Return every value of a key of the unit, in order."""
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


@cache
def group(name: str) -> frozenset[str]:
    """Return the system calls of one of systemd's groups, those of the groups in it included."""
    command = ["systemd-analyze", "syscall-filter", name]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return members(re.findall(r"^ {4}([@\w-]+)$", told, re.MULTILINE))


def members(names: list[str]) -> frozenset[str]:
    """Return the system calls that names stand for."""
    return frozenset().union(*(group(one) if one.startswith("@") else {one} for one in names))


def allowed() -> frozenset[str]:
    """Return the system calls that the unit lets through: each line adds to them, or after a tilde takes away."""
    calls: frozenset[str] = frozenset()
    for line in values("SystemCallFilter"):
        named = members(line.removeprefix("~").split())
        calls = calls - named if line.startswith("~") else calls | named
    return calls


def started(rostergate: Rostergate, calls: Path) -> subprocess.Popen[bytes]:
    """Start a daemon under strace, which writes down what it and its workers ask for beyond the unit, and sockets."""
    beyond = "!" + ",".join(f"?{call}" for call in sorted(allowed() - {"socket"}))
    strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={beyond}", "-o", str(calls)]
    with rostergate.log.open("ab") as log:
        return subprocess.Popen(
            [*strace, *rostergate.command("serve", "--port", "0")],
            env=rostergate.environ(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@pytest.fixture
async def traced(rostergate: Rostergate, files: dict[str, bytes], tmp_path: Path) -> str:
    """Return what a daemon and its workers asked for, from the start over a delivery to the end."""
    for program in ("strace", "systemd-analyze"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    process = started(rostergate, tmp_path / "calls")
    try:
        daemon = until(lambda: running(rostergate.spool), "the daemon to listen")
        await rostergate.upload(files)
        # Every thread that begins and ends is looked at: that takes its time.
        until(lambda: rostergate.standing() == ("settled", True), "the delivery", 5 * SECONDS_MAX)
        os.kill(daemon.pid, signal.SIGTERM)
        assert process.wait(SECONDS_MAX) == 0, rostergate.log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return (tmp_path / "calls").read_text(errors="replace")


async def test_the_daemon_lives_within_its_unit(traced: str) -> None:
    """System calls and address families are those that the unit allows, and those that nobody misses."""
    calls = set(re.findall(r"^\d+ +(\w+)\(", traced, re.MULTILINE))
    assert "socket" in calls, "strace has seen nothing"
    assert calls - {"socket"} <= TOLERATED
    families = set(re.findall(r"socket\((AF_\w+)", traced))
    (given,) = values("RestrictAddressFamilies")
    assert families - {"AF_NETLINK"} <= set(given.split())  # glibc asks which addresses there are, and does without
