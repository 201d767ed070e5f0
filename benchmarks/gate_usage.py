"""What a server takes: processor seconds and memory of its whole tree of processes.

Rule 1: processor seconds include ended children: the kernel adds a child to its parent when the parent waits for it. A
server that starts a process for each connection is read when these have ended.
Rule 2: memory is the highest sum of proportional set sizes that was seen (PSS: of a page that processes share, each has
its part). It is looked at once a second: more often would itself cost a server of a thousand processes something.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_SECONDS: Final = 1.0
_PSS: Final = re.compile(r"^Pss: +(\d+) kB$", re.MULTILINE)
CALM_SECONDS_MAX: Final = 10.0


class Usage:
    """Watches one server while something is measured."""

    def __init__(self, pid: int) -> None:
        self._server = psutil.Process(pid)
        self.cpu_seconds = 0.0
        self.peak_mib = 0.0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Measure what the block makes the server do."""
        before, at_rest = self._cpu(), len(self._tree())
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,))
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
        self._look()
        deadline = time.monotonic() + CALM_SECONDS_MAX
        while len(self._tree()) > at_rest and time.monotonic() < deadline:
            time.sleep(0.05)
        self.cpu_seconds = self._cpu() - before

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        kib = 0
        for one in self._tree():
            with contextlib.suppress(OSError):  # it has ended
                found = _PSS.search(Path(f"/proc/{one.pid}/smaps_rollup").read_text())
                kib += int(found[1]) if found else 0
        self.peak_mib = max(self.peak_mib, kib / 1_024)

    def _cpu(self) -> float:
        seconds = 0.0
        for one in self._tree():
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                seconds += times.user + times.system + times.children_user + times.children_system
        return seconds

    def _tree(self) -> list[psutil.Process]:
        return [self._server, *self._server.children(recursive=True)]
