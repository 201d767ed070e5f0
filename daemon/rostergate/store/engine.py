"""The engine: how the database is opened, and the two kinds of transaction.

Rule 1: what is committed survives a power cut. SQLite runs in WAL mode with `synchronous=FULL`, so that COMMIT returns
only when the log is on the disk: a delivery that was acknowledged as sealed stays sealed.
Rule 2: a transaction says at its beginning whether it writes. Writers start with BEGIN IMMEDIATE and wait for each
other there, so that what a writer has read cannot change before it writes; readers see one state from their first
statement to the last, hold nobody up, and cannot write.
Rule 3: a database that cannot be used raises `StoreError` with the next step; a statement that is wrong is a fault of
the program and raises what it raises.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import aiosqlite
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError, TimeoutError  # noqa: A004 - as SQLAlchemy calls it
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from rostergate.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_SECONDS_MAX: Final = 60
"""How long a writer waits for another one. Writing the first load of a very large district takes half of that."""

CONNECTIONS_MAX: Final = 16
"""Connections at a time, each with a thread of its own; half of them are kept open."""

_CACHE_KIB: Final = 65_536
_WRITES: Final = "rostergate_writes"
_PRAGMAS: Final = (
    f"PRAGMA busy_timeout={BUSY_SECONDS_MAX * 1000}",  # first: the others may have to wait already
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA cache_size=-{_CACHE_KIB}",
)

_NEXT_STEPS: Final = (
    ("no such table", "It was never set up: start `rostergate serve` on this state folder once."),
    ("no such column", "It belongs to another version: start `rostergate serve` of this version once."),
    ("locked", "Another program has been writing to it for too long: find and stop that program, then try again."),
    ("disk is full", "Free space on its disk, then try again."),
    ("malformed", "It is damaged: stop the daemon and restore the last backup."),
    ("not a database", "It is damaged or another kind of file: stop the daemon and restore the last backup."),
    ("unable to open", "Check that the state folder exists and belongs to the user who runs rostergate."),
    ("readonly", "Check that the file and its folder belong to the user who runs rostergate."),
    ("disk i/o", "Its disk fails: look at the system's journal, and restore the last backup onto a sound disk."),
)


def open(path: Path) -> AsyncEngine:  # noqa: A001 - called as `store.open`
    """Return the engine on the database at `path`, which `upgrade` has made. Connects on first use; dispose of it.

    A missing file is not created: the first transaction raises `StoreError`.
    """
    engine = create_async_engine(
        location("sqlite+aiosqlite", path),
        async_creator=partial(_connect, path),
        pool_size=CONNECTIONS_MAX // 2,
        max_overflow=CONNECTIONS_MAX // 2,
        pool_timeout=BUSY_SECONDS_MAX,
    )
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def open_blocking(path: Path) -> Engine:
    """Return an engine without an event loop, for `upgrade`: by the same rules, one connection at a time."""
    engine = create_engine(location("sqlite", path), poolclass=NullPool)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def location(driver: str, path: Path) -> URL:
    """Return the address of an existing database file: SQLite does not create one that is missing."""
    return URL.create(driver, database=_file(path), query={"mode": "rw", "uri": "true"})


def immediate(connection: Connection) -> Connection:
    """Return the connection with its next transaction marked as one that writes."""
    return connection.execution_options(**{_WRITES: True})


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a transaction that may write; it is committed at the end, or rolled back when the block raises.

    Raises `StoreError`.
    """
    with store_errors():
        async with engine.connect() as tx:
            await tx.execution_options(**{_WRITES: True})
            async with tx.begin():
                yield tx


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a transaction that sees one state of the database and cannot write. Raises `StoreError`."""
    with store_errors():
        async with engine.connect() as tx, tx.begin():
            yield tx


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a failure of the database into `StoreError`; a wrong statement stays what it is."""
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise
    except DBAPIError as error:
        raise StoreError(_explained(str(error.orig))) from error
    except TimeoutError as error:
        raise StoreError(
            f"All {CONNECTIONS_MAX} connections to the database were in use for too long. Try again."
        ) from error


def _explained(reason: str) -> str:
    lowered = reason.lower()
    step = next(
        (step for sign, step in _NEXT_STEPS if sign in lowered), "Look at the system's journal, then try again."
    )
    return f"The database cannot be used ({reason}). {step}"


def _file(path: Path) -> str:
    return f"file:{quote(str(path.absolute()))}"  # quoted: every name is legal


async def _connect(path: Path) -> aiosqlite.Connection:
    """Open one connection, or leave nothing of it behind."""
    connection = aiosqlite.connect(f"{_file(path)}?mode=rw", uri=True, isolation_level=None)
    thread = connection._thread  # noqa: SLF001 - aiosqlite gives no other way to wait for its end
    thread.daemon = True  # as SQLAlchemy has it: a connection that was forgotten does not keep the program alive
    try:
        await connection
        for pragma in _PRAGMAS:
            async with connection.execute(pragma):
                pass
    except BaseException:
        await connection.close()
        # The thread reports its end to the event loop; if that were closed by then, it would print a traceback.
        await asyncio.to_thread(thread.join)
        raise
    return connection


def _configure(connection: DBAPIConnection, _: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: `_begin` does
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(_WRITES))
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
