"""SQLite: how a database file is opened, and how its transactions begin.

WAL mode with `synchronous=FULL`: COMMIT returns only when the log is on the disk. Once the log is longer than 4 MB, a
writer brings it into the file after its COMMIT; a worker leaves that to the next one. A writer begins with BEGIN
IMMEDIATE and waits there for the one before, whatever its district: a file has one writer at a time.

A worker process has nothing to do while its statements run. They run where they are awaited: a delivery of a small
district is some fifty of them, and to send each to a thread and back four times took a fifth of its time.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from rostergate.store.scope import BUSY_SECONDS_MAX, CONNECTIONS_MAX, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_CACHE_KIB: Final = 65_536
_PRAGMAS: Final = (
    f"PRAGMA busy_timeout={BUSY_SECONDS_MAX * 1000}",  # first: the others may have to wait already
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA cache_size=-{_CACHE_KIB}",
)
_PRAGMAS_OF_WORKER: Final = (*_PRAGMAS, "PRAGMA wal_autocheckpoint=0")
"""The daemon, which writes after each delivery, has time for the log; a delivery that waits has not."""
_ROWS_FETCHED: Final = 64
"""At a time, where they are not fetched all together: as aiosqlite has it."""
_AGAIN_SECONDS: Final = 0.02


def open(path: Path, *, worker: bool = False) -> AsyncEngine:  # noqa: A001 - called as `sqlite.open`
    """Return the engine on an existing file, for a worker process or for one that does other things meanwhile."""
    engine = create_async_engine(
        location("sqlite+aiosqlite", path),
        async_creator=partial(_connect, path, worker=worker),
        pool_size=CONNECTIONS_MAX // 2,
        max_overflow=CONNECTIONS_MAX // 2,
        pool_timeout=BUSY_SECONDS_MAX,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def open_blocking(path: Path) -> Engine:
    """Return an engine without an event loop on an existing file, one connection at a time."""
    opened = partial(_opened, path, _PRAGMAS)
    engine = create_engine(location("sqlite", path), creator=opened, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "begin", _begin)
    return engine


def location(driver: str, path: Path) -> URL:
    """Return the address of an existing database file: SQLite does not create one that is missing."""
    return URL.create(driver, database=_file(path), query={"mode": "rw", "uri": "true"})


def _file(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"  # quoted: every name is legal


class _InPlace(aiosqlite.Connection):
    """Does everything where it is awaited; its own thread only opens it."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as there
        return fn(*args, **kwargs)


async def _connect(path: Path, *, worker: bool) -> aiosqlite.Connection:
    """Open one connection, or leave nothing of it behind."""
    kind, pragmas = (_InPlace, _PRAGMAS_OF_WORKER) if worker else (aiosqlite.Connection, _PRAGMAS)
    opened = partial(_opened, path, pragmas, check_same_thread=not worker)
    connection = kind(opened, iter_chunk_size=_ROWS_FETCHED)
    thread = connection._thread  # noqa: SLF001 - aiosqlite gives no other way to wait for its end
    thread.daemon = True  # as SQLAlchemy has it: a connection that was forgotten does not keep the program alive
    try:
        await connection
    except BaseException:
        await connection.close()
        # The thread reports its end to the event loop; if that were closed by then, it would print a traceback.
        await asyncio.to_thread(thread.join)
        raise
    return connection


def _opened(path: Path, pragmas: Iterable[str], *, check_same_thread: bool = True) -> sqlite3.Connection:
    # The driver must not begin transactions of its own: `_begin` does.
    connection = sqlite3.connect(
        f"{_file(path)}?mode=rw", uri=True, isolation_level=None, check_same_thread=check_same_thread
    )
    try:
        for pragma in pragmas:
            _set(connection, pragma)
    except BaseException:
        connection.close()
        raise
    return connection


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    """Run a pragma. Of two connections that bring a new file into WAL mode at once, one is refused without a wait."""
    give_up = time.monotonic() + BUSY_SECONDS_MAX
    while True:
        try:
            connection.execute(pragma).close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _begin(connection: Connection) -> None:
    writes = scope_of(connection) is not None
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
