"""Refusals: everything the gate says no to, as one error that carries the reason to the client and a code to the log.

Rule: a reason that people should read goes out with SSH_FX_FAILURE. FileZilla and rclone show the server's text with
that status alone; for "permission denied" they show words of their own. What OpenSSH shows is said in `aside`, and the
same reason also goes to `on_refusal`.
"""

from __future__ import annotations

import errno
from typing import Final

import asyncssh
from asyncssh.constants import FX_FAILURE, FX_NO_SUCH_FILE, FX_OP_UNSUPPORTED


class Refusal(asyncssh.SFTPError):
    """Something a client asked for and does not get."""

    def __init__(self, why: str, text: str, code: int = FX_FAILURE, *, limit: str | None = None) -> None:
        super().__init__(code, text)
        self.why = why
        """A short code for the log; unlike the text it has nothing in it that the client wrote."""
        self.limit = limit
        """The key of the limit that was reached, if it was one."""
        self.told = False
        """Whether it has been logged and passed on."""


DISK_FAILED: Final = "the server's disk failed; try again later"
NO_SPACE: Final = "no space left on the server; nothing was kept of this file: try again later"

_DISK: Final = {
    errno.EROFS: ("disk", "the server's disk cannot be written to; try again later"),
    errno.ENOSPC: ("no-space", NO_SPACE),
    errno.EDQUOT: ("no-space", NO_SPACE),
    errno.EMFILE: ("no-descriptors", "the server has too many files open; try again later"),
    errno.EFBIG: ("file-too-large", "the server's file system does not take a file of this size"),
}


def not_here(name: str) -> Refusal:
    """Return the refusal for a file that does not exist."""
    return Refusal("no-such-file", f"{name}: no such file", FX_NO_SUCH_FILE)


def there_already() -> Refusal:
    """Return the refusal to make a folder that exists; it counts as told, because nothing was lost."""
    refusal = Refusal("folder", "there is such a folder already")
    refusal.told = True
    return refusal


def unsupported(text: str) -> Refusal:
    """Return the refusal for what this server never does."""
    return Refusal("unsupported", text, FX_OP_UNSUPPORTED)


def from_upload(error: OSError) -> Refusal:
    """Return what a client is told when its upload cannot be written: what is absent then is the server's folder."""
    if error.errno == errno.ENOENT:
        return Refusal("disk", "the server's folder for uploads is gone; try again later")
    return from_disk(error)


def from_disk(error: OSError) -> Refusal:
    """Return what a client is told about an error of the disk: never a path of the server."""
    if error.errno == errno.ENOENT:
        return not_here("this name")
    why, text = _DISK.get(error.errno or 0, ("disk", DISK_FAILED))
    return Refusal(why, text)
