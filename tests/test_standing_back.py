"""How far workers and checks of passwords stand back, by what the kernel gives the daemon as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rostergate.standing_back import shares_as_a_whole

if TYPE_CHECKING:
    from pathlib import Path


def lay_out(root: Path, files: dict[str, str]) -> None:
    """Write what the kernel would say, and no more."""
    for name, told in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(told)


def waiting(*, leads: bool) -> subprocess.Popen[bytes]:
    """Start a process that waits until it is left, as the leader of a session or in this one."""
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=leads)


@pytest.mark.parametrize(
    ("files", "whole"),
    [
        ({"proc/self/cgroup": "0::/system.slice/it", "sys/fs/cgroup/system.slice/it/cpu.weight": "100"}, True),
        ({"proc/self/cgroup": "4:memory:/x\n0::/\n", "sys/fs/cgroup/cpu.weight": "100"}, True),
        ({"proc/self/cgroup": "0::/system.slice/it", "sys/fs/cgroup/system.slice/cpu.weight": "100"}, False),
        ({"proc/self/cgroup": "1:cpu:/it", "sys/fs/cgroup/it/cpu.weight": "100"}, False),
        ({"proc/sys/kernel/sched_autogroup_enabled": "1\n"}, True),
        ({"proc/sys/kernel/sched_autogroup_enabled": "0\n"}, False),
        ({}, False),
    ],
    ids=["group", "group of a container", "group without it", "former groups", "session", "sessions ungrouped", "none"],
)
def test_a_share_as_a_whole_is_recognised(tmp_path: Path, files: dict[str, str], *, whole: bool) -> None:
    """A control group with the cpu controller is one, and a session of the daemon's own where sessions are grouped."""
    lay_out(tmp_path, files)
    with waiting(leads=True) as daemon:
        assert shares_as_a_whole(daemon.pid, tmp_path) is whole


@pytest.mark.parametrize(
    "files",
    [
        {"proc/sys/kernel/sched_autogroup_enabled": "1"},
        {"proc/self/cgroup": "0::/user.slice/terminal", "sys/fs/cgroup/user.slice/terminal/cpu.weight": "100"},
    ],
    ids=["session", "group"],
)
def test_what_is_shared_with_others_is_no_share(tmp_path: Path, files: dict[str, str]) -> None:
    """A daemon that a shell has started shares with everything else that was started there."""
    lay_out(tmp_path, files)
    with waiting(leads=False) as daemon:
        assert not shares_as_a_whole(daemon.pid, tmp_path)


@pytest.mark.parametrize("alone", [True, False])
def test_a_thread_stands_back_as_it_may(*, alone: bool) -> None:
    """It is idle where the daemon has a share as a whole, and nice elsewhere; the other threads stay as they were."""
    program = f"""
import os, threading
from rostergate import standing_back
def told():
    return os.sched_getscheduler(0) == os.SCHED_IDLE, os.getpriority(os.PRIO_PROCESS, 0)
def stand_back():
    standing_back.stand_back(behind=os.getppid(), niceness=7)
    print(*told())
standing_back.shares_as_a_whole = lambda daemon: {alone}
thread = threading.Thread(target=stand_back)
thread.start()
thread.join()
print(*told())
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    before = os.nice(0)
    back, as_it_was = f"{alone} {before if alone else max(7, before)}", f"False {before}"
    assert told.splitlines() == [back, as_it_was]
