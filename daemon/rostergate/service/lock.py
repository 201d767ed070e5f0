"""The lock on a state folder: one daemon at a time, and where it listens."""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Self

from rostergate.errors import AlreadyRunning

if TYPE_CHECKING:
    from types import TracebackType

    from rostergate.spool.folders import Spool

TRY_SECONDS: Final = 1.0
"""How long to try for the lock: `running` takes it for a moment to see whether it is free."""
FILE_BYTES: Final = 128
"""Length of the file, whatever it says: the rest is blank."""


@dataclass(frozen=True, slots=True)
class Running:
    """The daemon that has the state."""

    pid: int
    port: int


class StateLock:
    """Held by the daemon for as long as it runs; the system lets go of it when the process ends, however it ends."""

    def __init__(self, spool: Spool) -> None:
        self._path = spool.lock
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Take the lock. Raises `AlreadyRunning`, `OSError`."""
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
        if not _taken_within(file, TRY_SECONDS):
            file.close()
            raise AlreadyRunning
        self._file = file
        self._write("")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._write("")
            self._file.close()

    def announce(self, port: int) -> None:
        """Write down which port the daemon listens on."""
        self._write(json.dumps({"pid": os.getpid(), "port": port}))

    def _write(self, text: str) -> None:
        """Replace what the file says where it stands: on a full disk nothing else can be written."""
        if self._file:
            os.pwrite(self._file.fileno(), text.ljust(FILE_BYTES).encode(), 0)


def _taken_within(file: IO[str], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def running(spool: Spool) -> Running | None:
    """Tell which daemon has the state, if any. Raises `OSError`."""
    try:
        file = spool.lock.open()
    except FileNotFoundError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return Running(**json.loads(text)) if text else None
        return None
