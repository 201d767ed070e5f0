"""One file a client is sending: its limits, and what its first bytes give away.

Rule 1: after the first refusal nothing more is taken, and the bytes are dropped: every later write and the CLOSE get
the same reason.
Rule 2: the client's CLOSE finishes; anything else that ends a file leaves it.
Rule 3: who opens a file without emptying it and leaves a part of what was there has not written a file: not of the new
one and the one before is a file made. Who then writes nothing, or no bytes at some offset, has changed nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.reading import FIRST_BYTES, archive_kind
from rostergate.gate.refusals import Refusal, from_upload

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.config.district import UploadLimits
    from rostergate.gate.names import Name
    from rostergate.spool.folders import Area
    from rostergate.spool.upload import Upload


def check_disk(room: Callable[[], str | None]) -> None:
    """Raise `Refusal` when there is no room on the disk."""
    if reason := room():
        raise Refusal("disk-full", reason, limit="disk.free_bytes_min")


class Incoming:
    """A file that is open for writing."""

    def __init__(
        self,
        upload: Upload,
        name: Name,
        area: Area,
        *,
        limits: UploadLimits,
        held: Callable[[], int],
        room: Callable[[], str | None],
        append: bool,
        found: int,
        whole: bool,
    ) -> None:
        """`found`: bytes that the client finds there, because it opened the file without emptying it.

        `whole`: what it finds is no part of a file, and stands in the inbox.
        """
        self.name = name
        self.area = area
        self.refusal: Refusal | None = None
        self.received = 0
        """Bytes that arrived through this object."""
        self.upload = upload
        """The upload on disk."""
        self._limits = limits
        self._held = held
        self._room = room
        self._append = append
        self._found = found
        self._whole = whole
        self._resumed = upload.size > 0
        self._reached = 0  # the end of the last byte that the client wrote
        self._touched = False

    @property
    def size(self) -> int:
        """Bytes up to the last one written."""
        return self.upload.size

    def write(self, offset: int, data: bytes | memoryview) -> int:
        """Write all of `data` and return its length. Raises `Refusal`."""
        if self.refusal:
            raise self.refusal
        if not data:  # that it was asked for at the file's end does not say that the file is there up to its end
            return 0
        if self._append:
            offset = self.upload.size
        try:
            self._check_gaps()
            self._check_room(offset + len(data))
            self.upload.write(offset, data)
            self.received += len(data)
            self._reached = max(self._reached, offset + len(data))
            self._touched = True
            if offset < FIRST_BYTES <= self.upload.size:
                self._check_kind()
        except Refusal as refusal:
            self._give_up(refusal)
            raise
        except OSError as error:
            failed = from_upload(error)
            self._give_up(failed)
            raise failed from error
        return len(data)

    def truncate(self, size: int) -> None:
        """Cut the file where it is longer than `size`. Raises `OSError`.

        lftp tells its size of every file in this way: also of one that it only has found to be there.
        """
        if not self.refusal and not (self._whole and size >= max(self._found, self.size)):
            self._touched = True
            self._found = min(self._found, size)
            self.upload.truncate(size)

    async def settle(self) -> None:
        """Sync what has been written. Raises `OSError`."""
        if not self.refusal:
            await self.upload.settle()

    async def finish(self) -> bool:
        """Commit the file, or set it aside under its temporary name; False when the client has changed nothing.

        Raises `Refusal`; then nothing is committed.
        """
        if self.refusal:
            raise self.refusal
        if self._found and not self._touched:
            await self._leave_as_it_was()
            return False
        try:
            self._check_end()
            self._check_kind()
            self._check_whole()
            if self.name.is_scratch:
                await self.upload.set_aside()
            else:
                await self.upload.commit()
        except Refusal as refusal:
            self._give_up(refusal)
            raise
        except OSError as error:
            self.refusal = from_upload(error)  # the upload has closed itself
            raise self.refusal from error
        return True

    def leave(self) -> int | None:
        """Put aside what has arrived, and return how many bytes; None when it was refused. Raises `OSError`."""
        return None if self.refusal else self.upload.leave()

    def _check_gaps(self) -> None:
        if self.upload.gaps > self._limits.gaps_max:
            text = "the parts of the file arrive too far out of order; upload it in one piece"
            raise Refusal("gaps", text, limit="upload.gaps_max")

    def _check_room(self, end: int) -> None:
        grown = end - self.upload.size
        if grown <= 0:
            return
        check_disk(self._room)
        if end > self._limits.file_bytes_max:
            text = f"the file is larger than {self._limits.file_bytes_max:,} bytes"
            raise Refusal("file-too-large", text, limit="upload.file_bytes_max")
        if self._held() + grown > self._limits.district_bytes_max:
            text = f"all files together are larger than {self._limits.district_bytes_max:,} bytes"
            raise Refusal("district-too-large", text, limit="upload.district_bytes_max")

    def _check_kind(self) -> None:
        kind = archive_kind(self.upload.head(FIRST_BYTES))
        if kind:
            text = f"{self.name.real}: this is a {kind} archive, not a CSV file; unpack it and upload the CSV files"
            raise Refusal("archive", text)

    def _check_whole(self) -> None:
        if not self.upload.whole:
            raise Refusal("gap", f"{self.name.name}: a part of the file never arrived; upload it whole")

    def _check_end(self) -> None:
        if self._reached < self._found:
            text = f"{self.name.name}: it was neither emptied nor written to its end; upload it whole"
            raise Refusal("overlap", text)

    async def _leave_as_it_was(self) -> None:
        """Let go of the file. Raises `Refusal` where the client may think that what was cut off is complete now."""
        if self.upload.was_finished:
            await self.upload.set_aside()
            return
        if not self._resumed:
            self.upload.drop()
            return
        self.upload.leave()
        text = f"{self.name.name} was cut off, and nothing has been added; resume the upload or start it again"
        self.refusal = Refusal("not-resumed", text)
        raise self.refusal

    def _give_up(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.upload.drop()
