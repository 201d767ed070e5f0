"""Gates that die: a program that forks one for each line it is given, and kills it before its n-th step on the disk.

    <state folder> <n>    is answered with a line `<process> <port>`, and, once that gate is dead, with another, `dead`

Everything is loaded once; a gate is there within hundredths of a second.
"""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from gate.house import House, _host_keys

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = ("rename", "replace", "fsync", "pwrite", "ftruncate", "utime", "chmod", "fchmod", "unlink")


def main() -> None:
    """Fork gates until there are no more lines."""
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    _host_keys()
    for line in sys.stdin:
        state, at = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(_serve(Path(state), int(at)))
        os.waitpid(child, 0)
        _answer("dead")


def _answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _serve(state: Path, at: int) -> None:
    house = House(state)
    await house.open()
    taken = 0

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def step(*arguments: Any, **named: Any) -> Any:
            nonlocal taken
            taken += 1
            if taken == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **named)

        return step

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    _answer(f"{os.getpid()} {house.gate.port}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
