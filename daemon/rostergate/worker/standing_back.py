"""Standing back: worker processes take the processor time that the daemon's sessions leave.

Rule 1: where the kernel gives the daemon its share of the machine as a whole, its workers take what the daemon itself
leaves of that (`SCHED_IDLE`): an upload beside a million students kept 88 % of its speed, and 56 % beside `nice`.
Rule 2: elsewhere such a process would have next to nothing (0.3 % of a processor, measured) while any other program is
busy, and deliveries would be late; so there a worker is `nice`, and has about a tenth.

A share as a whole is that of a control group with the cpu controller (cgroups(7)), as the unit asks for, or of a
session where the kernel groups by them (sched(7), "The autogroup feature"). Either has to be the daemon's own: what a
terminal or a container starts besides may be in the same one, so the daemon has to lead its session, as a service does.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

NICENESS: Final = 10


def stand_back() -> None:
    """Let this process, a child of the daemon, stand back behind it; a sandbox that forbids it changes nothing else."""
    with contextlib.suppress(OSError):
        if shares_as_a_whole(os.getppid()):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        else:
            os.nice(NICENESS)


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
