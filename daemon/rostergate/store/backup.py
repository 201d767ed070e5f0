"""Backup: on SQLite a copy of the database while it is in use; on PostgreSQL the command that makes one.

Rule 1: a backup is checked before it has its name, so a file of that name is a whole one.
Rule 2: it has the roster of every district in it: it is for its owner alone, and what one that was killed has left
goes with the next one beside it.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit, urlunsplit

from rostergate.errors import Refused, StoreError
from rostergate.store.failures import next_step
from rostergate.store.location import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from rostergate.store.location import Location

_PAGES_PER_STEP: Final = 4_096
"""Pages that are copied between two looks for a writer: 16 MiB."""
_BUSY_SECONDS: Final = 0.05
_LEFT_BEHIND: Final = timedelta(hours=6)
"""How long nothing was written to a copy that nobody makes any more: the last check of a huge one takes some time."""


def command_for(location: Location, file: Path) -> str | None:
    """Return the command line that backs a server's database up into `file`; None where `copy` does that.

    The password is not in it: pg_dump asks for it, or takes it from PGPASSWORD or PGPASSFILE.
    """
    if not isinstance(location, Server):
        return None
    parts = urlsplit(location.url)
    user, at, hosts = parts.netloc.rpartition("@")
    kept = "&".join(one for one in parts.query.split("&") if one and "password=" not in one.lower())
    address = urlunsplit((parts.scheme, f"{user.partition(':')[0]}{at}{hosts}", parts.path, kept, ""))
    if not parts.netloc:  # urlunsplit leaves an empty host out, and libpq needs its slashes
        address = f"{parts.scheme}://{parts.path}{f'?{kept}' if kept else ''}"
    return shlex.join(["pg_dump", "--format=custom", "--no-owner", f"--file={file}", f"--dbname={address}"])


def copy(
    path: Path, file: Path, now: datetime, told: Callable[[int, int | None], None] = lambda _done, _total: None
) -> int:
    """Copy a SQLite database to a new file, as it is at one moment, while others read and write; return its bytes.

    Blocks; `told` is called now and then with the pages that are copied, and of how many. Raises `Refused` when the
    file exists or its folder does not, `StoreError` when the database cannot be read or the copy is not whole,
    `OSError` when the file cannot be written.
    """
    if file.exists():
        raise Refused(f"{file} exists already; a backup does not take the place of another. Name a new file.")
    if not file.parent.is_dir():
        raise Refused(f"There is no folder {file.parent} for {file.name}: make it, or name a file in another one.")
    for left in file.parent.glob(".*.unfinished-*"):
        if left.stat().st_mtime < (now - _LEFT_BEHIND).timestamp():
            left.unlink()
    unfinished = file.with_name(f".{file.name}.unfinished-{os.getpid()}")
    os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copied(path, unfinished, told)
        with unfinished.open("rb+") as written:
            os.fsync(written.fileno())
        try:
            # A file that has come meanwhile stays; a link, which would say so too, is refused by exFAT and some shares.
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            raise Refused(f"{file} has come to be there meanwhile; name a new file.") from None
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def _copied(path: Path, unfinished: Path, told: Callable[[int, int | None], None]) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.execute("BEGIN")  # one state for the whole copy: a writer in between does not start it over
            source.execute("SELECT count(*) FROM sqlite_master").fetchone()
            source.backup(
                target,
                pages=_PAGES_PER_STEP,
                sleep=_BUSY_SECONDS,
                progress=lambda _status, remaining, total: told(total - remaining, total),
            )
            target.execute("PRAGMA journal_mode=DELETE")  # one file that has everything, without a log beside it
            (whole,) = target.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(
            f"The backup could not be made ({error}), and nothing was left behind. {next_step(str(error))}"
        ) from error
    if whole != "ok":
        raise StoreError(
            "The copy is damaged, and so is the database most likely: run `rostergate db check`. "
            "Nothing was left behind."
        )
