"""Kills a process group at its n-th step that changes disk or database. Loaded by every Python that finds it first.

CRASH_STEPS names the file that the steps are written to; counting begins when a file `<CRASH_STEPS>.armed` is there.
CRASH_AT is the number of the step before which everything is killed, as a power cut would.
"""

import functools
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

_STEPS = os.environ["CRASH_STEPS"]
_AT = int(os.environ["CRASH_AT"])


def _step(name: str) -> None:
    if not Path(f"{_STEPS}.armed").exists():
        return
    descriptor = os.open(_STEPS, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, f"{name}\n".encode())
    taken = os.pread(descriptor, 1 << 20, 0).count(b"\n")
    os.close(descriptor)
    if taken == _AT:
        os.killpg(os.getpgid(0), signal.SIGKILL)


def _counted(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*arguments: Any, **named: Any) -> Any:
        _step(name)
        return function(*arguments, **named)

    return counted


for _name in ("rename", "replace", "fsync", "mkdir", "chmod"):
    setattr(os, _name, _counted(getattr(os, _name), _name))


class _Connection(sqlite3.Connection):
    def commit(self) -> None:
        if self.in_transaction:
            _step("commit")
        super().commit()


sqlite3.connect = functools.partial(sqlite3.connect, factory=_Connection)
