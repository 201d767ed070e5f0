"""What a server takes: processor seconds and memory of its whole tree of processes.

Rule 1: processor seconds include ended children: the kernel adds a child to its parent when the parent waits for it. A
server that starts a process for each connection is read when these have ended.
Rule 2: memory is the highest sum of resident pages that was seen; pages that processes share count for each of them.
It is looked at twice a second: more often would itself cost a server of a thousand processes something.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_SECONDS: Final = 0.5
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
        resident = 0
        for one in self._tree():
            with contextlib.suppress(psutil.Error):
                resident += one.memory_info().rss
        self.peak_mib = max(self.peak_mib, resident / 1_048_576)

    def _cpu(self) -> float:
        seconds = 0.0
        for one in self._tree():
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                seconds += times.user + times.system + times.children_user + times.children_system
        return seconds

    def _tree(self) -> list[psutil.Process]:
        return [self._server, *self._server.children(recursive=True)]
