"""The scope of a transaction: whether it writes, and if so, in one district or in any.

It is told to a connection as an execution option, and each engine makes of it what its transactions begin with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection

BUSY_SECONDS_MAX: Final = 60
"""How long a writer waits for another one. Writing the first load of a very large district takes half of that."""

CONNECTIONS_MAX: Final = 16
"""Connections at a time of one engine; half of them are kept open."""

EVERY_DISTRICT: Final = ""
"""The scope of a writer that does not say which district it writes in; no district has an empty name."""

_WRITES: Final = "rostergate_writes"


def writes(district: str | None) -> dict[str, str]:
    """Return the execution option of a transaction that writes in one district, or in any."""
    return {_WRITES: EVERY_DISTRICT if district is None else district}


def scope_of(connection: Connection) -> str | None:
    """Return the district that the next transaction writes in, or `EVERY_DISTRICT`; None when it only reads."""
    found: str | None = connection.get_execution_options().get(_WRITES)
    return found
