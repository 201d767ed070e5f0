"""Which bytes of a file have arrived. Clients have many writes on the way at once, and not all send them in order."""

from __future__ import annotations


class Coverage:
    """The parts of a file that have been written, as far as needed: one prefix without gaps, and what lies beyond."""

    def __init__(self, prefix: int = 0) -> None:
        self.prefix = prefix
        """Bytes from the start up to the first gap."""
        self._beyond: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """Bytes up to the last one written."""
        return self._beyond[-1][1] if self._beyond else self.prefix

    @property
    def whole(self) -> bool:
        """Whether there is no gap."""
        return not self._beyond

    @property
    def gaps(self) -> int:
        """How many parts below `size` are missing."""
        return len(self._beyond)

    def add(self, offset: int, length: int) -> None:
        """Note that `length` bytes at `offset` have been written."""
        end = offset + length
        if offset > self.prefix:
            if length:
                self._beyond.append((offset, end))
                self._beyond = _merged(self._beyond)
            return
        self.prefix = max(self.prefix, end)
        while self._beyond and self._beyond[0][0] <= self.prefix:
            self.prefix = max(self.prefix, self._beyond.pop(0)[1])

    def cut(self, size: int) -> None:
        """Note that everything from `size` on is gone."""
        self.prefix = min(self.prefix, size)
        self._beyond = [(start, min(end, size)) for start, end in self._beyond if start < size]


def _merged(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts in order, with those that meet made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
