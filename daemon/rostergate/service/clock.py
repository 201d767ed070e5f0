"""The wall clock: asked for the time nowhere else, and watched for being set."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_DRIFT_SECONDS_MAX: Final = 60.0  # between two looks


def utc_now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def booted_at() -> float:
    """Return when the machine started, in seconds since the epoch by the clock of this moment; 0 if nobody knows."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0


class Clock:
    """Tells for how long the wall clock has gone as fast as the monotonic one."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self.was_set = False
        """Whether anybody has set it since the first look."""
        self._now = now
        self._monotonic = monotonic
        self._since = self._last = monotonic()
        self._ahead = now().timestamp() - self._last

    def look(self) -> timedelta:
        """Return since when nobody has set the clock, as far as the looks until now tell."""
        at = self._monotonic()
        ahead = self._now().timestamp() - at
        if abs(ahead - self._ahead) > _DRIFT_SECONDS_MAX:
            self._since = at
            self.was_set = True
        self._ahead = ahead
        return timedelta(seconds=at - self._since)
