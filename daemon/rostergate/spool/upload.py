"""One upload in progress: a file of its own below `.scratch/`, until it is committed, set aside or dropped.

Rule 1: what becomes of it is decided by whoever holds it; nothing here commits by itself.
Rule 2: at any moment, what lies on the disk is no more than what its name and mode say of it (`scratch`, `entries`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from rostergate.spool.ahead import Ahead
from rostergate.spool.coverage import Coverage
from rostergate.spool.disk import fsync_folder, let_go, write_all
from rostergate.spool.entries import CUT, FINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from rostergate.spool.inbox import Inbox
    from rostergate.spool.scratch import Mark

MARKED_BYTES: Final = 16_777_216
"""So many bytes more without a gap are worth another mark: after a crash, at most these are sent again."""


class Upload:
    """One upload in progress."""

    def __init__(
        self,
        inbox: Inbox,
        mark: Mark,
        *,
        descriptor: int,
        began_at: datetime,
        size: int = 0,
        was_finished: bool = False,
    ) -> None:
        self.name = mark.name
        self.began_at = began_at
        self.was_finished = was_finished
        """Whether it had been finished under a temporary name before it was opened again."""
        self._inbox = inbox
        self._mark = mark
        self._path: Path = inbox.scratch / str(mark)
        self._descriptor = descriptor
        self._coverage = Coverage(size)
        self._ahead = Ahead(descriptor, size)
        self._in_place = False
        self._commits_before = inbox.commits(mark.name)

    @property
    def size(self) -> int:
        """Bytes up to the last one written; there may be gaps below it, see `whole`."""
        return self._coverage.size

    @property
    def whole(self) -> bool:
        """Whether every byte below `size` has arrived."""
        return self._coverage.whole

    @property
    def gaps(self) -> int:
        """How many parts below `size` have not arrived."""
        return self._coverage.gaps

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write all of `data` at `offset`. Raises `OSError`; then the bytes at `offset` are not to be relied on."""
        if offset > self._coverage.prefix:
            self._mark_prefix()
        write_all(self._descriptor, data, offset)
        before = self._coverage.size
        self._coverage.add(offset, len(data))
        self._inbox.grown(self._coverage.size - before)
        self._ahead.grown(self._coverage.size)

    def head(self, length: int) -> bytes:
        """Return up to `length` of the first bytes. Raises `OSError`."""
        return os.pread(self._descriptor, min(length, self._coverage.prefix), 0)

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes where it is longer. Raises `OSError`."""
        if size < self.size:
            if self._mark.whole is not None and size < self._mark.whole:
                self._marked(size)
            before = self.size
            self._coverage.cut(size)
            self._inbox.grown(self.size - before)
            os.ftruncate(self._descriptor, self.size)  # not `size`: no zeros where a part never arrived

    async def settle(self) -> None:
        """Sync what has been written so far, off the event loop. Raises `OSError`."""
        await self._ahead.settled()

    async def commit(self) -> None:
        """Make this the inbox's committed file of its name, durably.

        Raises `OSError`; then nothing is committed, save when only the folder's sync, the last step, failed. Whatever
        was left aside under the same name earlier is dropped: it is older than what is committed now.
        """
        with self._ending():
            await self._ahead.ended()
            try:
                await asyncio.to_thread(self._put_in_place)
            finally:
                if self._in_place:
                    self._inbox.committed(self.name)

    async def set_aside(self) -> None:
        """Finish the upload under its temporary name, for a rename; its bytes are synced. Raises `OSError`."""
        assert self.whole, "a file with gaps is not finished"  # noqa: S101 - the caller has to look
        with self._ending():
            await self._ahead.ended()
            await asyncio.to_thread(self._lay_aside, finished=True)
            self._inbox.finished(self.name)

    def leave(self) -> int:
        """Put what has arrived aside for a resume; return how many bytes that are. Raises `OSError`.

        Bytes after the first gap are cut off, so that the size tells a client truly where to go on. Nothing is kept
        when the same name has been committed or finished since this upload began: nobody needs the older bytes. Nor is
        it when the disk has failed to take some: nobody would be told of that again.
        """
        if self._ahead.failed or self._inbox.commits(self.name) != self._commits_before:
            self.drop()
            return 0
        with self._ending():
            self._lay_aside(finished=False)
        return self._coverage.prefix

    def drop(self) -> None:
        """Throw the bytes away. Raises `OSError`."""
        try:
            self._path.unlink(missing_ok=True)
        finally:
            self._close()

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """Close the upload at the block's end, and take its file away where that fails."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            raise
        finally:
            self._close()

    def _mark_prefix(self) -> None:
        """Before bytes come beyond a gap: put down how many there are without one, where that is not down yet."""
        prefix, marked = self._coverage.prefix, self._mark.whole
        if marked is None or prefix - marked >= MARKED_BYTES:
            self._marked(prefix)

    def _marked(self, whole: int) -> None:
        mark = replace(self._mark, whole=whole)
        path = self._inbox.scratch / str(mark)
        self._path.rename(path)
        self._mark, self._path = mark, path

    def _lay_aside(self, *, finished: bool) -> None:
        os.ftruncate(self._descriptor, self._coverage.prefix)
        self._date()
        if finished:
            os.fsync(self._descriptor)  # before its mode says so
        os.fchmod(self._descriptor, FINISHED if finished else CUT)
        self._path.replace(self._inbox.scratch / self.name)

    def _put_in_place(self) -> None:
        self._date()
        os.fsync(self._descriptor)
        self._path.replace(self._inbox.folder / self.name)
        self._in_place = True
        fsync_folder(self._inbox.folder)

    def _date(self) -> None:
        at = self.began_at.timestamp()
        os.utime(self._descriptor, (at, at))

    def _close(self) -> None:
        let_go(self._descriptor)
        self._inbox.closed(self)
