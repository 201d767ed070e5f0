"""PostgreSQL: how a database is reached, and how its transactions begin.

A reader is REPEATABLE READ and READ ONLY: one snapshot from its first statement on. A writer is READ COMMITTED, and its
first statement takes an advisory lock of the transaction: of its district, or of all of them. While it has that lock
nobody else writes there, so each of its statements sees the same committed state; and since each takes a snapshot of
its own, it sees what the writer before it has committed. (With one snapshot for all of them, that would be taken before
the lock is had: PostgreSQL's manual, 13.4.)

Writers cannot lock each other out, because they wait in one order: for the lock of all districts, for that of their
own, and then for the end of the line of turns (`turns`), a row that is kept until the commit. Who has it waits for
nobody any more: all other rows that a writer changes belong to its district.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from rostergate.store.scope import BUSY_SECONDS_MAX, CONNECTIONS_MAX, EVERY_DISTRICT, scope_of

if TYPE_CHECKING:
    from rostergate.store.location import Server

_DRIVER: Final = "postgresql+psycopg://"
_CONNECT_SECONDS_MAX: Final = 10
_SILENT_SECONDS_MAX: Final = 60
"""Seconds after which a side that says nothing is asked for a sign of life. A client whose machine has gone holds locks
until it is missed, and one whose server has gone waits for an answer."""
_UNHEARD_MILLISECONDS_MAX: Final = 120_000
"""How long what one side sends may stay without the other's receipt. The system's limit is a quarter of an hour, and
no sign of life is asked for meanwhile."""
_PARAMETERS: Final = {
    "application_name": "rostergate",
    "client_encoding": "UTF8",
    "connect_timeout": _CONNECT_SECONDS_MAX,
    "target_session_attrs": "read-write",  # a standby is as good as away: the daemon is not ready, and waits
    "keepalives_idle": _SILENT_SECONDS_MAX,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": _UNHEARD_MILLISECONDS_MAX,
    "options": " ".join(
        f"-c {name}={value}"
        for name, value in {
            "synchronous_commit": "on",  # what is committed survives a power cut
            "default_transaction_isolation": r"read\ committed",
            "lock_timeout": BUSY_SECONDS_MAX * 1000,
            # A large district's statements take minutes, and its files are read within a transaction.
            "statement_timeout": 0,
            "idle_in_transaction_session_timeout": 0,
            "TimeZone": "UTC",
            "DateStyle": "ISO",  # the driver reads no other
            "tcp_keepalives_idle": _SILENT_SECONDS_MAX,
            "tcp_keepalives_interval": 10,
            "tcp_keepalives_count": 6,
            "tcp_user_timeout": _UNHEARD_MILLISECONDS_MAX,
        }.items()
    ),
}

# Classes of advisory locks: numbers that no other program on the database uses. The second number says what is locked.
_WRITERS: Final = 0x52470001
_DISTRICTS: Final = 0x52470002
_TAKERS: Final = 0x52470003
_DAEMON: Final = 0x52470004

_BEGIN_READING: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LOCK_EVERY_DISTRICT: Final = f"SELECT pg_advisory_xact_lock({_WRITERS}, 0)"
# In this order, each waited for before the next is asked for: whoever writes everywhere waits for both.
_LOCK_DISTRICT: Final = (
    f"SELECT pg_advisory_xact_lock_shared({_WRITERS}, 0)",
    f"SELECT pg_advisory_xact_lock({_DISTRICTS}, hashtext(%(district)s))",
)


def open(server: Server) -> AsyncEngine:  # noqa: A001 - called as `postgresql.open`
    """Return the engine on a server's database."""
    engine = create_async_engine(
        _DRIVER,
        async_creator=partial(psycopg.AsyncConnection.connect, server.url, **parameters(server)),
        use_native_hstore=False,  # would ask for its type on every connection
        pool_size=CONNECTIONS_MAX // 2,
        max_overflow=CONNECTIONS_MAX // 2,
        pool_timeout=BUSY_SECONDS_MAX,
        pool_pre_ping=True,  # a server that was started again leaves dead connections in the pool
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def open_blocking(server: Server) -> Engine:
    """Return an engine without an event loop on a server's database, one connection at a time."""
    engine = create_engine(
        _DRIVER,
        creator=partial(psycopg.connect, server.url, **parameters(server)),
        use_native_hstore=False,
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


class Session:
    """A connection of its own, outside the pool and outside transactions, for locks that last as long as it does."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, server: Server) -> Self:
        """Begin a session. Raises `OperationalError`."""
        try:
            return cls(await psycopg.AsyncConnection.connect(server.url, autocommit=True, **parameters(server)))
        except psycopg.Error as error:
            raise OperationalError("connecting", None, error) from error

    async def lock(self, district: str | None, seconds: float) -> bool:
        """Take a district's lock, or the daemon's; return False when it is not free in time.

        Raises `OperationalError`.
        """
        which = "%s, hashtext(%s)" if district is not None else "%s, 0"
        given = (_DAEMON,) if district is None else (_TAKERS, district)
        milliseconds = max(1, int(seconds * 1000))  # 0 would be for ever
        try:
            await self._connection.execute(f"SET lock_timeout = {milliseconds}".encode())
            await self._connection.execute(f"SELECT pg_advisory_lock({which})".encode(), given)
        except psycopg.errors.LockNotAvailable:
            return False
        except psycopg.Error as error:
            raise OperationalError("locking", None, error) from error
        return True

    async def assert_alive(self) -> None:
        """Raise `OperationalError` when the session has ended."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS_MAX):
                await self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise OperationalError("looking", None, error) from error
        except TimeoutError as late:
            silent = psycopg.OperationalError(f"it has not answered for {_CONNECT_SECONDS_MAX} seconds")
            raise OperationalError("looking", None, silent) from late

    async def close(self) -> None:
        """End the session and its locks."""
        with suppress(psycopg.Error, TimeoutError):  # a session that is lost has no locks any more
            async with asyncio.timeout(_CONNECT_SECONDS_MAX):
                # At once: the server sees a little later that a connection was closed.
                await self._connection.execute("SELECT pg_advisory_unlock_all()")
        await self._connection.close()


def parameters(server: Server) -> dict[str, Any]:
    """Return what is set for every connection; what the address itself says about reaching the server stays."""
    said = psycopg.conninfo.conninfo_to_dict(server.url)
    options = f"{_PARAMETERS['options']} {said.get('options') or ''}".strip()
    return {**{name: value for name, value in _PARAMETERS.items() if name not in said}, "options": options}


def _begin(connection: Connection) -> None:
    scope = scope_of(connection)
    if scope is None:
        connection.exec_driver_sql(_BEGIN_READING)
    elif scope == EVERY_DISTRICT:
        connection.exec_driver_sql(_LOCK_EVERY_DISTRICT)
    else:
        shared, own = _LOCK_DISTRICT
        connection.exec_driver_sql(shared)
        connection.exec_driver_sql(own, {"district": scope})
