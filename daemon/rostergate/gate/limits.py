"""Limits that are reached: each time one line in the journal and one count, under the limit's key in the settings.

Rule: what a stranger can bring about at will is counted each time and logged once a minute; a flood must not become a
flood of lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, metrics
from rostergate.gate.addresses import crowd

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger()
SECONDS_BETWEEN: Final = 60.0
REMEMBERED_MAX: Final = 2_000


class Seldom:
    """Lets one of many equal lines through a minute, and says how many it stands for."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._told: dict[tuple[str, ...], tuple[float, int]] = {}

    def reached(self, limit: str, *, address: str, district: str | None = None) -> None:
        """Tell of a limit that has no event of its own; `limit` is its key, such as `server.idle_seconds_max`."""
        metrics.LIMITS_REACHED.labels(limit).inc()
        if times := self.times(journal.LIMIT_REACHED, limit, district or "", crowd(address)):
            whose = {"district": district} if district else {}
            _log.warning(journal.LIMIT_REACHED, limit=limit, address=address, times=times, **whose)

    def times(self, *what: str) -> int:
        """Return 0 when this is not to be told now, or else how often it has happened since it was told last."""
        now = self._clock()
        at, times = self._told.get(what, (None, 0))
        if at is not None and now - at < SECONDS_BETWEEN:
            self._told[what] = (at, times + 1)
            return 0
        self._told.pop(what, None)
        self._told[what] = (now, 0)
        if len(self._told) > REMEMBERED_MAX:
            del self._told[next(iter(self._told))]
        return times + 1
