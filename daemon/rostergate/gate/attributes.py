"""What a listing shows of a file or folder. Nobody's real owner, mode or path is shown."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

import asyncssh

if TYPE_CHECKING:
    import os
    from datetime import datetime

UPLOADED: Final = stat.S_IFREG | 0o600
READABLE: Final = stat.S_IFREG | 0o400
WRITABLE_FOLDER: Final = stat.S_IFDIR | 0o700
READABLE_FOLDER: Final = stat.S_IFDIR | 0o500
_SECONDS_MAX: Final = 2**32 - 1


def attributes(mode: int, size: int, at: datetime | float) -> asyncssh.SFTPAttrs:
    """Return the attributes of something of `size` bytes; `at` is a time or seconds since the epoch.

    SFTP has times from 1970 to 2106; what lies outside is shown as the nearest of them.
    """
    seconds = min(max(int(at if isinstance(at, (int, float)) else at.timestamp()), 0), _SECONDS_MAX)
    return asyncssh.SFTPAttrs(size=size, permissions=mode, nlink=1, atime=seconds, mtime=seconds)


def of_report(state: os.stat_result) -> asyncssh.SFTPAttrs:
    """Return the attributes of a file or folder below /reports/."""
    if stat.S_ISDIR(state.st_mode):
        return attributes(READABLE_FOLDER, 0, state.st_mtime)
    return attributes(READABLE, state.st_size, state.st_mtime)
