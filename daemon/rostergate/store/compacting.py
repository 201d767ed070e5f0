"""Compacting: what was deleted leaves the files of the database as well.

A deleted row stays in the file until its place is used again. On SQLite the file is written anew (VACUUM) and its log
emptied; on PostgreSQL the places are given free, and how soon they are overwritten is up to the server.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from rostergate.errors import StoreError
from rostergate.store.location import Server
from rostergate.store.schema import metadata
from rostergate.store.scope import BUSY_SECONDS_MAX

if TYPE_CHECKING:
    from rostergate.store.location import Location

_ROOM: Final = 3
"""Times the file's size that must be free: SQLite writes the new file, and its log, beside the old one."""


def compact(location: Location) -> None:
    """Let nothing of deleted rows be left in the database's files. Blocks, for minutes where the database is large.

    The daemon may run; who writes waits. Raises `StoreError` when it cannot be done, with what to do.
    """
    if isinstance(location, Server):
        _on_server(location)
        return
    need = _ROOM * location.stat().st_size
    if shutil.disk_usage(location.parent).free < need:
        raise StoreError(f"Writing the database anew needs {need} bytes free on its disk. Make room, then do it again.")
    try:
        with closing(sqlite3.connect(location, timeout=BUSY_SECONDS_MAX, isolation_level=None)) as database:
            # Names of children belong on this disk, whose room was looked at; left to itself, SQLite takes /var/tmp.
            beside = str(location.parent.absolute()).replace("'", "''")
            database.execute(f"PRAGMA temp_store_directory='{beside}'")
            database.execute("VACUUM")
            busy, *_ = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise StoreError(f"The database could not be written anew ({error}). Do it again.") from error
    if busy:
        raise StoreError("The database's log could not be emptied, because somebody reads in it. Do it again.")


def _on_server(server: Server) -> None:
    import psycopg  # noqa: PLC0415 - its driver would slow down every command on SQLite

    from rostergate.store.postgresql import parameters  # noqa: PLC0415 - as above

    try:
        with psycopg.connect(server.url, autocommit=True, **parameters(server)) as connection:
            for table in metadata.tables:
                connection.execute(f'VACUUM "{table}"'.encode())
    except psycopg.Error as error:
        raise StoreError(f"The database could not be vacuumed ({type(error).__name__}). Do it again.") from error
