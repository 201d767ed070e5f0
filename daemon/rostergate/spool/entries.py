"""Entries: the files that lie in an inbox, read from its folders as they are at that moment."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

CUT: Final = 0o600
"""Mode of a file that was cut off, and of a committed one."""
FINISHED: Final = 0o700
"""Mode of a file set aside that its client had closed: to be told from one that was cut off after a restart as well."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as a listing shows it."""

    name: str
    size: int
    """Bytes."""
    at: datetime
    """When its upload began (aware, UTC)."""
    finished: bool
    """Of a file set aside: the client had closed it; only then can a rename make it part of a set."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything that lies in an inbox at one moment, by name."""

    entries: dict[str, Entry]
    """The committed files."""
    left: dict[str, Entry]
    """What lies aside for a resume or a rename."""

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(one.size for one in (*self.entries.values(), *self.left.values()))


def listed(folder: Path) -> dict[str, Entry]:
    """Return the regular files of a folder by name; an absent folder has none. Raises `OSError`."""
    try:
        with os.scandir(folder) as found:
            return {one.name: entry for one in found if (entry := entry_at(one))}
    except FileNotFoundError:
        return {}


def entry_at(path: Path | os.DirEntry[str]) -> Entry | None:
    """Return one regular file as it is; links and folders are nobody's uploads, and one may just have been renamed.

    Raises `OSError`.
    """
    try:
        state = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return Entry(path.name, state.st_size, time_of(state.st_mtime), finished=bool(state.st_mode & stat.S_IXUSR))


def time_of(seconds: float) -> datetime:
    """Return a file's time (aware, UTC); one that is in no calendar says nothing, and is as old as can be."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
