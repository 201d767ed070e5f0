"""A session's pace: so many requests a second, on the average of a few seconds."""

from __future__ import annotations

from typing import Final

AVERAGED_SECONDS: Final = 5.0


class Pace:
    """A bucket that fills at the pace allowed and holds what may come at once (a token bucket)."""

    def __init__(self, per_second_max: float, now: float, averaged_seconds: float = AVERAGED_SECONDS) -> None:
        self._per_second = per_second_max
        self._room_max = self._room = per_second_max * averaged_seconds
        self._at = now

    def count(self, now: float) -> float:
        """Count a request and return for how many seconds it has to wait: 0 while the pace is kept."""
        filled = self._room + (now - self._at) * self._per_second
        self._room = min(filled, self._room_max) - 1.0
        self._at = now
        return max(0.0, -self._room / self._per_second)
