#!/usr/bin/env python3
"""Tries, from inside the service's sandbox, what the unit forbids and what it leaves; status 1 where it does not hold.

service-trial starts it under the very options of rostergate.service, in the daemon's place.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STATE, CONFIG = Path("/var/lib/rostergate"), Path("/etc/rostergate")
CLONE_NEWUSER, PER_LINUX32 = 0x10000000, 0x0008  # linux/sched.h, linux/personality.h
libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """Make a call of the C library. Raises `OSError`."""
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def write(path: Path) -> None:
    """Write a file, and take it away again."""
    path.write_text("")
    path.unlink()


def set_user_id() -> None:
    """Make a file that would run as its owner."""
    path = STATE / "probe"
    path.write_text("")
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


WRITABLE_CODE = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
FORBIDDEN: dict[str, Callable[[], object]] = {
    "write to /etc": lambda: write(Path("/etc/probe")),
    "write settings": lambda: write(CONFIG / "probe"),
    "write districts": lambda: write(CONFIG / "districts" / "probe"),
    "write the program": lambda: write(Path("/opt/rostergate/probe")),
    "write to /var": lambda: write(Path("/var/lib/probe")),
    "look into /root": lambda: list(Path("/root").iterdir()),
    "see other processes": lambda: list(Path("/proc/1").iterdir()),
    "see the machine's memory": lambda: Path("/proc/meminfo").read_text(),
    "change the kernel": lambda: Path("/proc/sys/kernel/core_pattern").write_text("probe"),
    "reach a disk": lambda: os.mknod(STATE / "disk", 0o060600, os.makedev(8, 0)),
    "sniff packets": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "ask the kernel for routes": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "write code and run it": lambda: mmap.mmap(-1, mmap.PAGESIZE, prot=WRITABLE_CODE),
    "make a namespace": lambda: call("unshare", CLONE_NEWUSER),
    "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
    "run as another machine": lambda: call("personality", PER_LINUX32),
    "make a file that runs as its owner": set_user_id,
    "run in real time": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
    "set the clock": lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()),
    "rename the machine": lambda: socket.sethostname("probe"),
}
LEFT: dict[str, Callable[[], object]] = {
    "write its state": lambda: write(STATE / "probe"),
    "read settings": (CONFIG / "rostergate.toml").read_text,
    "read districts": lambda: list((CONFIG / "districts").iterdir()),
    "have scratch files": lambda: write(Path("/tmp/probe")),  # noqa: S108 - its own
    "speak IPv4": lambda: socket.socket(socket.AF_INET).close(),
    "speak IPv6": lambda: socket.socket(socket.AF_INET6).close(),
    "speak to systemd": lambda: socket.socket(socket.AF_UNIX).close(),
    "give way to others": lambda: os.nice(1),
    "take what others leave": lambda: os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0)),
    "know the day": lambda: Path("/usr/share/zoneinfo").exists(),
}
CONFINED = {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2", "Umask": "0077"}
"""What /proc/self/status has to say (proc(5))."""


def held(name: str, attempt: Callable[[], object]) -> str:
    """Return how an attempt was turned down; empty when it was not."""
    try:
        attempt()
    except OSError as error:
        return f"{name}: {os.strerror(error.errno or 0)}"
    return ""


def main() -> int:
    """Try everything; say what does not hold."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    wrong = [f"it can {name}" for name, attempt in FORBIDDEN.items() if not held(name, attempt)]
    wrong += [f"it cannot {told}" for name, attempt in LEFT.items() if (told := held(name, attempt))]
    wrong += [f"{key} is {status[key]}, not {value}" for key, value in CONFINED.items() if status[key].strip() != value]
    wrong += [f"it sees {device}" for device in Path("/dev").iterdir() if device.is_block_device()]
    print("\n".join(wrong) or f"{len(FORBIDDEN)} things are forbidden, {len(LEFT)} are left")  # noqa: T201
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
