"""The engine: how the database is opened, and the two kinds of transaction.

Rule 1: what is committed survives a power cut: a delivery that was acknowledged as sealed stays sealed.
Rule 2: a transaction says at its beginning whether it writes. Writers of one district wait for each other there, so
that what a writer has read of its district cannot change before it writes; a writer that names no district waits for
all of them, and they for it. Readers see one state from their first statement to the last, hold nobody up, and cannot
write.
Rule 3: a writer that names a district reads and writes rows of that district alone.
Rule 4: a database that cannot be used raises `StoreError` with the next step (`failures`).

`sqlite` and `postgresql` say how each engine keeps these rules; no other module, and no room above, asks which it is,
except where one engine can do the same faster (`roster`).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rostergate.store import sqlite
from rostergate.store.failures import store_errors
from rostergate.store.location import Server
from rostergate.store.scope import writes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.store.location import Location


def open(location: Location, *, worker: bool = False) -> AsyncEngine:  # noqa: A001 - called as `store.open`
    """Return the engine on the database at `location`, which `upgrade` has made. Connects on first use; dispose of it.

    `worker`: for a process that does nothing while its statements run. A missing database is not created: the first
    transaction raises `StoreError`.
    """
    if isinstance(location, Server):
        from rostergate.store import postgresql  # noqa: PLC0415 - its driver would slow down every command on SQLite

        return postgresql.open(location)
    return sqlite.open(location, worker=worker)


def open_blocking(location: Location) -> Engine:
    """Return an engine without an event loop, for `upgrade`: by the same rules, one connection at a time."""
    if isinstance(location, Server):
        from rostergate.store import postgresql  # noqa: PLC0415 - as above

        return postgresql.open_blocking(location)
    return sqlite.open_blocking(location)


def to_write(connection: Connection) -> Connection:
    """Return the connection with its next transaction marked as one that writes, in any district."""
    return connection.execution_options(**writes(None))


@asynccontextmanager
async def writing(engine: AsyncEngine, district: str | None = None) -> AsyncIterator[AsyncConnection]:
    """Give a transaction that may write, in `district` alone where one is named.

    It is committed at the end, or rolled back when the block raises. Raises `StoreError`.
    """
    with store_errors():
        async with engine.connect() as tx:
            await tx.execution_options(**writes(district))
            async with tx.begin():
                yield tx


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give a transaction that sees one state of the database and cannot write. Raises `StoreError`."""
    with store_errors():
        async with engine.connect() as tx, tx.begin():
            yield tx
