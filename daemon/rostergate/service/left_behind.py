"""Left behind: files that no delivery will come of any more, for a purge to remove.

An upload that was begun and never completed stays in its inbox: nobody but the district can say what is missing. A
delivery that the database does not know, after that was restored from a backup, is set aside. Both name children.

Rule 1: a file is as old as whatever last happened to it, by the time of change of its inode, which nobody can set: what
was copied in with an old date is new.
Rule 2: of an inbox everything goes or nothing, by its newest file.
Rule 3: a file that has just taken the place of an old one is put back: an upload may be going on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from rostergate.spool import sealing
from rostergate.spool.entries import time_of
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from rostergate.spool.folders import Spool

_TAKEN: Final = ".old-"


def aside(spool: Spool, before: datetime) -> tuple[str, ...]:
    """Return the folders of deliveries that were set aside before then, by name. Raises `OSError`."""
    return tuple(folder.name for folder in sealing.aside(spool) if _at(folder) < before)


def uploads(spool: Spool, before: datetime) -> tuple[str, ...]:
    """Return the inboxes to which nothing has happened since then, as `inbox/lincoln`. Raises `OSError`."""
    found = []
    for area in Area:
        for folder in sorted((spool.state / area.value).iterdir()):
            with suppress(PermissionError):  # `status` names it; what lies in the others does not stay for that
                files = _files(folder)
                if files and max(map(_at, files)) < before:
                    found.append(f"{area.value}/{folder.name}")
    return tuple(found)


def remove(folder: Path, before: datetime) -> None:
    """Remove what lies in an inbox since before then. Raises `OSError`."""
    for path in _files(folder):
        taken = path.with_name(f"{_TAKEN}{uuid4().hex[:12]}")
        try:
            old = path.lstat()
            if _at(path) >= before:
                continue
            path.rename(taken)
        except FileNotFoundError:  # sealed since it was listed
            continue
        if taken.lstat().st_ino == old.st_ino:
            taken.unlink()
        else:
            taken.rename(path)


def _files(folder: Path) -> list[Path]:
    """Return the files of an inbox, committed and in progress."""
    places = (folder, folder / ".scratch")
    return [path for place in places if place.is_dir() for path in sorted(place.iterdir()) if path.is_file()]


def _at(path: Path) -> datetime:
    facts = path.lstat()
    return max(time_of(facts.st_ctime), time_of(facts.st_mtime))
