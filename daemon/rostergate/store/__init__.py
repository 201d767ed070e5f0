"""The store: the database, its tables, and every statement that is run on it.

Rule 1: the store is the truth. What is on disk elsewhere can be read again or is described here.
Rule 2: every function takes the transaction, `tx`, first; nothing here begins or commits one by itself, so that what
belongs together is written together.
Rule 3: time comes in as an argument, as an aware instant.
"""

from rostergate.store.engine import open, reading, writing  # noqa: A004 - read as `store.open`
from rostergate.store.location import Location, Server, locate, may_exist
from rostergate.store.reserving import daemon_reserved, district_reserved
from rostergate.store.upgrading import revision_known, upgrade

__all__ = [
    "Location",
    "Server",
    "daemon_reserved",
    "district_reserved",
    "locate",
    "may_exist",
    "open",
    "reading",
    "revision_known",
    "upgrade",
    "writing",
]
