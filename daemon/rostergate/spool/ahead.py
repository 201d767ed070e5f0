"""Bytes of a long upload that are put on the disk while more of it comes: its CLOSE then has little left to wait for.

Rule: the kernel tells whoever syncs a file next of bytes that it could not put down, and nobody after that. So what is
told here is kept, and told again to everybody who relies on the bytes.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

STEP_BYTES: Final = 16_777_216
"""So many bytes more are worth putting down; of a stream, about as many are left for the end."""


class Ahead:
    """What has been put on the disk of one upload before its end."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.failed: OSError | None = None
        """Why something could not be put down; from then on nothing of the file can be relied on."""
        self._descriptor = descriptor
        self._size = size
        self._under_way: asyncio.Future[None] | None = None

    def grown(self, size: int) -> None:
        """Note the upload's size; begin to put down what there is where that is worth it. Raises `OSError`."""
        if size - self._size >= STEP_BYTES and (self._under_way is None or self._under_way.done()):
            self._size = size
            self._begin()

    async def settled(self) -> None:
        """Put down everything that has come so far. Raises `OSError`, also for what failed earlier."""
        await self.ended()
        self._begin()
        await self.ended()

    async def ended(self) -> None:
        """Wait for what is under way. Raises `OSError`, also for what failed earlier."""
        if self._under_way is not None:
            await self._under_way
        if self.failed is not None:
            raise self.failed

    def _begin(self) -> None:
        # A descriptor of its own: the upload may end meanwhile, and its number become another file's.
        descriptor = os.dup(self._descriptor)
        self._under_way = asyncio.get_running_loop().run_in_executor(None, self._put_down, descriptor)

    def _put_down(self, descriptor: int) -> None:
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self.failed = error
        finally:
            os.close(descriptor)
