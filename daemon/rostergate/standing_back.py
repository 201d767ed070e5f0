"""Standing back: workers, and threads that check passwords, take the processor time that the daemon's sessions leave.

Rule 1: where the kernel gives the daemon its share of the machine as a whole, they take what the daemon itself leaves
of that (`SCHED_IDLE`), and make way as soon as it has something to do: an upload beside a million students kept 88 % of
its speed, and 56 % beside `nice`.
Rule 2: elsewhere they would have next to nothing (0.3 % of a processor, measured) while any other program is busy, and
deliveries and logins would be late; so there they are `nice`.

A share as a whole is that of a control group with the cpu controller (cgroups(7)), as the unit asks for, or of a
session where the kernel groups by them (sched(7), "The autogroup feature"). Either has to be the daemon's own: what a
terminal or a container starts besides may be in the same one, so the daemon has to lead its session, as a service does.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def stand_back(*, behind: int, niceness: int) -> None:
    """Let the calling thread, the daemon's or a child's, stand back; a sandbox that forbids it changes nothing else.

    Threads that it starts afterwards stand back as it does; those that are there stay as they are (sched(7)).
    `behind`: the daemon's process id; `niceness`: where it is nice.
    """
    with contextlib.suppress(OSError):
        if shares_as_a_whole(behind):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))


def shares_as_a_whole(daemon: int, root: Path = Path("/")) -> bool:
    """Say whether the kernel weighs the daemon (its process id) with all its processes as one against all others.

    Raises `OSError` when there is no such process.
    """
    return os.getsid(daemon) == daemon and (_has_a_control_group(root) or _groups_sessions(root))


def _has_a_control_group(root: Path) -> bool:
    """Say whether this process is in a control group, and not the root of all, to which processor time is weighed."""
    own = [line for line in _read(root / "proc/self/cgroup").splitlines() if line.startswith("0::/")]
    return any((root / "sys/fs/cgroup" / line.removeprefix("0::/") / "cpu.weight").exists() for line in own)


def _groups_sessions(root: Path) -> bool:
    return _read(root / "proc/sys/kernel/sched_autogroup_enabled").strip() == "1"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
