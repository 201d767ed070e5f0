"""One file a client is reading: a report, or the rules."""

from __future__ import annotations

import os
from typing import Final

READ_BYTES_MAX: Final = 262_144  # of one request; a client asks again for the rest
_OFFSET_MAX: Final = 2**63 - 1 - READ_BYTES_MAX  # a client may name any of 64 bits, the kernel takes no larger one


class Outgoing:
    """A file that is open for reading."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset`; none at the end. Raises `OSError`."""
        return os.pread(self._descriptor, min(size, READ_BYTES_MAX), min(offset, _OFFSET_MAX))

    def state(self) -> os.stat_result:
        """Return size and times. Raises `OSError`."""
        return os.fstat(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


class Text:
    """A text that is open for reading like a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes at `offset`; none at the end."""
        return self.data[offset : offset + min(size, READ_BYTES_MAX)]

    def close(self) -> None:
        """Nothing is held."""
