"""The inbox of one district in one area: committed files, and uploads in progress beside them.

Rule 1: only `Upload.commit` and `Inbox.commit` make a file part of a set. Whatever else ends an upload leaves it aside.
Rule 2: a commit is sync the file, rename it into place, sync the folder, and only then a return.
Rule 3: a committed file's time of modification is when its upload began: files are of one generation by that time.
Rule 4: an upload in progress has a file of its own, so uploads of the same name never mix: the last commit wins.

What lies in `.scratch/`, and what it means after a crash:

    name        the bytes of an upload that was cut off, for a resume; or, executable by its owner and synced, of one
                that was finished under a temporary name, for a rename. It is dated when the upload began.
    marked      (`scratch`) an upload in progress, or a finished one that was being renamed. Found at start-up, it
                becomes `name` again: of a cut-off one, with those bytes that are known to have arrived, and only where
                nothing finished lies under the name.

After a power cut nothing is known of bytes that were not synced: what is older than the machine's start, and not
finished, is dropped.

The count of open uploads changes on the event loop only; what waits for the disk, an upload's rename into place too,
runs in a thread while the upload still counts as open, so whoever finds `open_uploads` at 0 finds nothing half done.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Final

from rostergate.errors import DiskError
from rostergate.spool.disk import fsync_folder, giving_back
from rostergate.spool.entries import CUT, FINISHED, Entry, Survey, entry_at, listed
from rostergate.spool.scratch import Mark, in_progress, in_renaming, mark_of
from rostergate.spool.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from pathlib import Path

    from rostergate.spool.folders import Area, Spool

HINTS_MAX: Final = 1_024  # a hint that does not fit is lost, and only delays


class Inbox:
    """The files one district has put into one area."""

    def __init__(
        self,
        spool: Spool,
        district: str,
        area: Area,
        now: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        changed: asyncio.Queue[tuple[str, Area]] | None = None,
        booted_at: float = 0.0,
    ) -> None:
        """Make the folders where they are missing and put aside what a crash cut off. Raises `DiskError`.

        `booted_at`: when the machine started, in seconds since the epoch.
        """
        self.district = district
        self.area = area
        self.folder = spool.inbox(district, area)
        self.scratch = spool.scratch(district, area)
        self._now = now
        self._monotonic = monotonic
        self._changed = changed
        self._open: set[Upload] = set()
        self._growing = 0  # bytes of all that are open
        self._renames = 0
        self._dated: dict[str, datetime] = {}  # when committed files came, where their time says so
        self._commits: Counter[str] = Counter()
        self._resting: int | None = None  # bytes of files nobody writes to; None = to be counted again
        self.quiet_since = monotonic()
        """When something last happened here, by the monotonic clock, in seconds."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.scratch.mkdir(mode=0o700, exist_ok=True)
            self._recover(booted_at)
        except OSError as error:
            raise DiskError(f"{self.folder}: {error.strerror}") from error

    @property
    def open_uploads(self) -> int:
        """How many uploads and renames are under way."""
        return len(self._open) + self._renames

    @property
    def bytes_held(self) -> int:
        """Bytes of everything here: committed, set aside and in progress. Raises `OSError`."""
        if self._resting is None:
            self._resting = self.survey().size
        return self._resting + self._growing

    def survey(self) -> Survey:
        """Return everything that lies here. Raises `OSError`."""
        found = Survey(self.entries(), self.left())
        self._resting = found.size
        return found

    def find(self, name: str) -> Entry | None:
        """Return what lies aside under the name, or else the committed file, or None. Raises `OSError`."""
        return self._aside(name) or entry_at(self.folder / name)

    def entries(self) -> dict[str, Entry]:
        """Return the committed files by name. Raises `OSError`."""
        return listed(self.folder)

    def left(self) -> dict[str, Entry]:
        """Return what lies aside for a resume or a rename, by name. Raises `OSError`."""
        return {name: entry for name, entry in listed(self.scratch).items() if not mark_of(name)}

    def begin(self, name: str) -> Upload:
        """Open a new, empty upload; what was left aside under the name is dropped. Raises `OSError`.

        Folders that somebody has removed are made again, but not what they stand in: that may be a disk that is gone.
        """
        self.forget(name)
        began_at = self._now().astimezone(UTC)
        mark = in_progress(name, began_at)
        try:
            descriptor = _created(self.scratch / str(mark))
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.scratch.mkdir(mode=0o700, exist_ok=True)
            descriptor = _created(self.scratch / str(mark))
        return self._opened(Upload(self, mark, descriptor=descriptor, began_at=began_at))

    def resume(self, name: str) -> Upload | None:
        """Open what was left aside under the name, or return None when there is nothing. Raises `OSError`.

        It still dates from when it began. Only one upload can have it: the second to ask finds nothing.
        """
        entry = self._aside(name)
        if entry is None:
            return None
        self._resting = None
        mark = in_progress(name, entry.at)
        path = self.scratch / str(mark)
        (self.scratch / name).rename(path)
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.fchmod(descriptor, CUT)  # from the first byte more on it is not finished any longer
        return self._opened(
            Upload(
                self,
                mark,
                descriptor=descriptor,
                began_at=entry.at,
                size=entry.size,
                was_finished=entry.finished,
            )
        )

    async def commit(self, scratch: str, name: str) -> None:
        """Make what was finished as `scratch` the committed file `name`, durably.

        Raises `OSError`; then nothing changed, save when only the folder's sync, the last step, failed. The
        scratch file is out of everybody's reach from the first step on, as an upload in progress is.
        """
        path = self.scratch / str(in_renaming(scratch))
        (self.scratch / scratch).rename(path)
        self._renames += 1
        try:
            path.chmod(CUT)
            with giving_back(self.folder / name):
                path.replace(self.folder / name)  # its bytes were synced when it was finished
            self.committed(name)
            await asyncio.to_thread(fsync_folder, self.folder)
        except BaseException:
            if path.exists():
                path.chmod(FINISHED)
                path.replace(self.scratch / scratch)
            raise
        finally:
            self._renames -= 1
            self._tell()

    def move(self, scratch: str, name: str) -> None:
        """Give what lies aside another scratch name. Raises `OSError`."""
        entry = self._aside(scratch)
        (self.scratch / scratch).replace(self.scratch / name)
        if entry is not None and entry.finished:
            self.finished(name)
        self._resting = None  # something may have lain there
        self.touch()

    def remove(self, name: str) -> bool:
        """Remove the committed file and what lies aside of that name; say whether there was any. Raises `OSError`."""
        path = self.folder / name
        there = entry_at(path) is not None
        if there:
            with giving_back(path):
                path.unlink()
        there = self.forget(name) or there
        self._tell()
        return there

    def date_strangers(self, names: Collection[str], since: datetime | None) -> list[str]:
        """Date those of these files that came by another road as noticed now; return their names. Raises `OSError`.

        Such a file brings a time of its own, which says nothing about when it came. `since`: when the set that is
        coming in began; what a crash made strange is from then to now and keeps its time. None: no set has begun.
        """
        now = self._now()
        strangers = [
            name
            for name, entry in self.entries().items()
            if name in names and self._dated.get(name) != entry.at and (since is None or not since <= entry.at <= now)
        ]
        at = now.timestamp()
        for name in strangers:
            os.utime(self.folder / name, (at, at), follow_symlinks=False)
        self._dated = {name: entry.at for name, entry in self.entries().items()}
        return strangers

    def forget(self, scratch: str) -> bool:
        """Drop what lies aside under the name; say whether there was something. Raises `OSError`."""
        path = self.scratch / scratch
        try:
            with giving_back(path):
                path.unlink()
        except FileNotFoundError:
            return False
        self._resting = None
        return True

    def forget_all(self) -> None:
        """Drop everything that lies aside. Raises `OSError`."""
        for name in self.left():
            self.forget(name)

    def touch(self) -> None:
        """Note that something happened."""
        self.quiet_since = self._monotonic()

    def grown(self, by: int) -> None:
        """Note that an open upload is so many bytes larger; only `Upload` calls this."""
        self._growing += by
        self.touch()

    def commits(self, name: str) -> int:
        """Return how often a file of that name has been committed, or finished for a rename, since the start."""
        return self._commits[name]

    def committed(self, name: str) -> None:
        """Note a commit and drop what lies aside under the name; only a commit calls this. Raises `OSError`."""
        self._commits[name] += 1
        if entry := entry_at(self.folder / name):
            self._dated[name] = entry.at
        self.forget(name)

    def finished(self, name: str) -> None:
        """Note that what lies aside under a temporary name is whole."""
        self._commits[name] += 1

    def closed(self, upload: Upload) -> None:
        """Note that an upload has ended; only `Upload` calls this."""
        self._open.discard(upload)
        self._growing -= upload.size
        self._tell()

    def _opened(self, upload: Upload) -> Upload:
        self._open.add(upload)
        self._growing += upload.size
        self.touch()
        return upload

    def _tell(self) -> None:
        self._resting = None
        self.touch()
        if self._changed is not None and not self._changed.full():
            self._changed.put_nowait((self.district, self.area))

    def _aside(self, name: str) -> Entry | None:
        return None if mark_of(name) else entry_at(self.scratch / name)

    def _recover(self, booted_at: float) -> None:
        """Give each file that was in use its name back; of several under one name the newest stays."""
        for entry in sorted(listed(self.scratch).values(), key=lambda one: one.at):
            path, mark = self.scratch / entry.name, mark_of(entry.name)
            finished = entry.finished or (mark is not None and mark.began_at is None)
            if not finished and path.lstat().st_ctime < booted_at:
                path.unlink()
            elif mark is not None:
                self._recover_one(path, mark, finished=finished)

    def _recover_one(self, path: Path, mark: Mark, *, finished: bool) -> None:
        """Lay aside what a crash cut off, unless the same name has been committed by an upload that began later.

        What is whole under a temporary name stays as well: it was finished while this was in progress.
        """
        committed, aside = entry_at(self.folder / mark.name), self._aside(mark.name)
        if mark.began_at is None:
            path.chmod(FINISHED)
        elif (committed and committed.at > mark.began_at) or (aside and aside.finished and not finished):
            path.unlink()
            return
        elif not finished:
            if mark.whole is not None:
                os.truncate(path, min(mark.whole, path.lstat().st_size))
            at = mark.began_at.timestamp()
            os.utime(path, (at, at), follow_symlinks=False)
        path.replace(self.scratch / mark.name)


class Inboxes:
    """All inboxes, each made when it is first asked for."""

    def __init__(
        self,
        spool: Spool,
        now: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        booted_at: float = 0.0,
    ) -> None:
        self.changed: asyncio.Queue[tuple[str, Area]] = asyncio.Queue(HINTS_MAX)
        """Hints at inboxes something happened in: (district, area). The inbox itself says what."""
        self._spool = spool
        self._now = now
        self._monotonic = monotonic
        self._booted_at = booted_at
        self._known: dict[tuple[str, Area], Inbox] = {}

    def of(self, district: str, area: Area) -> Inbox:
        """Return the one inbox of that district and area. Raises `DiskError` when its folders cannot be made."""
        key = (district, area)
        if key not in self._known:
            self._known[key] = Inbox(
                self._spool,
                district,
                area,
                self._now,
                monotonic=self._monotonic,
                changed=self.changed,
                booted_at=self._booted_at,
            )
        return self._known[key]


def _created(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
