"""Reading a district's reports: a tree of regular files and folders, never through a link."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rostergate.gate.refusals import Refusal, not_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe that somebody put there would wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def look(root: Path, parts: Sequence[str]) -> os.stat_result:
    """Return the state of a file or folder below the root; an absent root is an empty folder. Raises `Refusal`."""
    if not parts:
        return root.stat() if root.is_dir() else root.parent.stat()
    with _folder(root, parts[:-1]) as folder:
        return _state(folder, parts[-1])


def listed(root: Path, parts: Sequence[str]) -> list[tuple[str, os.stat_result]]:
    """Return what stands in a folder, in order of names, without what is hidden or a link. Raises `Refusal`."""
    if not parts and not root.is_dir():
        return []
    found = []
    with _folder(root, parts) as folder:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries)
        for name in names:
            try:
                found.append((name, _state(folder, name)))
            except Refusal:
                continue  # hidden, a link, or gone since the folder was read
    return found


def opened(root: Path, parts: Sequence[str]) -> int:
    """Open a file for reading and return its descriptor. Raises `Refusal`."""
    if not parts:
        raise Refusal("is-folder", "/reports is a folder")
    with _folder(root, parts[:-1]) as folder:
        if not stat.S_ISREG(_state(folder, parts[-1]).st_mode):
            raise Refusal("is-folder", "this is a folder")
        return os.open(parts[-1], _FILE, dir_fd=folder)


def _state(folder: int, name: str) -> os.stat_result:
    try:
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        raise not_here(name) from None
    if name.startswith(".") or not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
        raise not_here(name)
    return state


@contextmanager
def _folder(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """Open a folder, step by step, so that no step can be a link."""
    descriptor = -1
    try:
        try:
            descriptor = os.open(root, _FOLDER)
            for part in parts:
                if part.startswith("."):
                    raise not_here(part)
                above, descriptor = descriptor, -1
                descriptor = _step(above, part)
        except OSError:
            raise not_here("this folder") from None
        yield descriptor
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _step(folder: int, part: str) -> int:
    try:
        return os.open(part, _FOLDER, dir_fd=folder)
    finally:
        os.close(folder)
