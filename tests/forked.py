"""Commands in processes forked from one that has imported them: importing takes nine tenths of a command's time.

Rule: each is a process of its own with its own environment, as from a shell. How a command starts, and what importing
costs it, is for tests that start `python -m rostergate`. So is the daemon: what has been forked waits for processes of
its own before it tells them to end.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rostergate.cli import COMMANDS, main

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FROM = multiprocessing.get_context("forkserver")
_FROM.set_forkserver_preload(["forked", *(f"rostergate.cli.{name}" for name in ("place", *COMMANDS.values()))])


def run(arguments: Sequence[str], environment: Mapping[str, str], seconds: float) -> CompletedProcess[str]:
    """Run `rostergate ARGUMENTS` in an environment and return how it ended. Raises `TimeoutExpired` after `seconds`."""
    with TemporaryDirectory() as folder:
        told, wrong = Path(folder, "stdout"), Path(folder, "stderr")
        process = _FROM.Process(target=_run, args=(list(arguments), dict(environment), told, wrong))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutExpired(list(arguments), seconds)
        ended = process.exitcode
        process.close()
        return CompletedProcess(list(arguments), ended, told.read_text(), wrong.read_text())


def _run(arguments: list[str], environment: dict[str, str], told: Path, wrong: Path) -> None:
    """Be that command: run it, and end with its exit status."""
    for stream, path in ((sys.stdout, told), (sys.stderr, wrong)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    main(arguments, prog_name="rostergate")
