"""PostgreSQL: how a database is reached, and how its transactions begin.

A reader is REPEATABLE READ and READ ONLY: one snapshot from its first statement on. A writer is READ COMMITTED, and its
first statement takes an advisory lock of the transaction: of its district, or of all of them. While it has that lock
nobody else writes there, so each of its statements sees the same committed state; and since each takes a snapshot of
its own, it sees what the writer before it has committed. (With one snapshot for all of them, that would be taken before
the lock is had: PostgreSQL's manual, 13.4.) No other lock is waited for, so writers cannot lock each other out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from rostergate.store.scope import BUSY_SECONDS_MAX, CONNECTIONS_MAX, EVERY_DISTRICT, scope_of

if TYPE_CHECKING:
    from rostergate.store.location import Server

_DRIVER: Final = "postgresql+psycopg://"
_CONNECT_SECONDS_MAX: Final = 10
_SILENT_SECONDS_MAX: Final = 60
"""Seconds after which a client whose machine has gone is asked for a sign of life; it holds locks until then."""
_PARAMETERS: Final = {
    "application_name": "rostergate",
    "client_encoding": "UTF8",
    "connect_timeout": _CONNECT_SECONDS_MAX,
    "options": " ".join(
        f"-c {name}={value}"
        for name, value in {
            "synchronous_commit": "on",  # what is committed survives a power cut
            "lock_timeout": BUSY_SECONDS_MAX * 1000,
            "TimeZone": "UTC",
            "tcp_keepalives_idle": _SILENT_SECONDS_MAX,
            "tcp_keepalives_interval": 10,
            "tcp_keepalives_count": 6,
        }.items()
    ),
}

# Classes of advisory locks: numbers that no other program on the database uses. The second number says what is locked.
WRITERS: Final = 0x52470001
_DISTRICTS: Final = 0x52470002
TURNS: Final = 0x52470003

_BEGIN_READING: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LOCK_EVERY_DISTRICT: Final = f"SELECT pg_advisory_xact_lock({WRITERS}, 0)"
# In this order, each waited for before the next is asked for: whoever writes everywhere waits for both.
_LOCK_DISTRICT: Final = (
    f"SELECT pg_advisory_xact_lock_shared({WRITERS}, 0)",
    f"SELECT pg_advisory_xact_lock({_DISTRICTS}, hashtext(%(district)s))",
)


def open(server: Server) -> AsyncEngine:  # noqa: A001 - called as `postgresql.open`
    """Return the engine on a server's database."""
    engine = create_async_engine(
        _DRIVER,
        async_creator=partial(psycopg.AsyncConnection.connect, server.url, **_parameters(server)),
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
        creator=partial(psycopg.connect, server.url, **_parameters(server)),
        use_native_hstore=False,
        poolclass=NullPool,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin)
    return engine


def _parameters(server: Server) -> dict[str, Any]:
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
