"""Failures of the database, as `StoreError` with the next step.

Rule 1: a statement that is wrong is a fault of the program and raises what it raises; so does a broken constraint.
Rule 2: what a server says is repeated only where it speaks of itself, of locks or of access. What it says of a
statement's values may hold a cell's value.
Rule 3: another transaction in the way is no fault: `StoreError` is not permanent, and trying again can help.
Rule 4: where there is no room, what was to be done is not to blame: `FullDatabaseError`. For want of memory it may be.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError, TimeoutError  # noqa: A004 - as SQLAlchemy calls it

from rostergate.errors import FullDatabaseError, StoreError
from rostergate.store.scope import CONNECTIONS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator

_IN_THE_WAY: Final = (
    "A very large delivery is being recorded, or another program writes for too long. Try again; where that does not "
    "help, find that program and stop it."
)
_FILE_STEPS: Final = (
    ("no such table", "It was never set up: run `rostergate db upgrade` on this state folder once."),
    ("no such column", "It belongs to another version: run `rostergate db upgrade` of this version once."),
    ("locked", _IN_THE_WAY),
    ("disk is full", "Free space on its disk, then try again."),
    ("malformed", "It is damaged: stop the daemon and restore the last backup."),
    ("not a database", "It is damaged or another kind of file: stop the daemon and restore the last backup."),
    ("unable to open", "Check that the state folder exists and belongs to the user who runs rostergate."),
    ("readonly", "Check that the file and its folder belong to the user who runs rostergate."),
    # Also said where there is no room for the file that its users share.
    ("disk i/o", "Its disk is full, or fails: then look at the system's journal, and restore onto a sound disk."),
)
"""What SQLite says -> the next step."""

_TO_THE_PRIMARY: Final = "Connect to the primary server, not to a standby or one that is set to be read-only."

# By the beginning of the SQLSTATE (PostgreSQL's manual, appendix A), the longer one first.
_SERVER_STEPS: Final = (
    ("42P01", "It was never set up: run `rostergate db upgrade` once."),
    ("42703", "It belongs to another version: run `rostergate db upgrade` of this version once."),
    ("42501", "The database and its tables have to belong to the user in the address: README.md says how it is made."),
    ("3F", "Let the search_path of the database's user name a schema that is there; `public` is made with a database."),
    ("25006", f"The transaction cannot write. {_TO_THE_PRIMARY}"),
    ("25", "Try again."),
    ("28", "Check user and password in the address, and the server's pg_hba.conf."),
    ("3D", "Make the database: README.md says how."),
    ("40", "Another program changed the same rows at the same time. Try again."),
    ("53100", "Free space on the server's disk, then try again."),
    ("53300", "Raise max_connections on the server, or close other programs' connections, then try again."),
    ("53", "The server is short of something: look at its log, then try again."),
    ("55", _IN_THE_WAY),
    ("57", "The server stopped it or is stopping itself: look at its log, then try again."),
    ("58", "The server's disk or system fails: look at its log."),
    ("08", "Check that the server runs and can be reached, then try again."),
    ("XX", "The server found its data damaged: look at its log, and restore the last backup."),
)

# A connection that could not be made has no SQLSTATE; libpq tells in words, the server's and its own.
_CONNECTING_STEPS: Final = (
    ("invalid", "Correct the address that database.url or database.url_file gives."),
    ("certificate", "Check sslmode and sslrootcert in the address: README.md says what they name."),
    ("support ssl", "Let the server speak TLS, or change sslmode in the address."),
    ("password", "Check user and password in the address that database.url or database.url_file gives."),
    ("pg_hba", "Let the user in by the server's pg_hba.conf, or change the address in database.url."),
    ("does not exist", "Make the database and its user: README.md says how."),
    ("session is read-only", _TO_THE_PRIMARY),
    ("permission denied", "Grant the database's user CONNECT on the database."),
    (
        "slots are reserved",
        "Raise max_connections on the server, or close other programs' connections, then try again.",
    ),
    ("too many", "Raise max_connections on the server, or close other programs' connections, then try again."),
)

_FULL_STATES: Final = ("53100", "53300")
_FULL_SIGNS: Final = ("disk is full", "slots are reserved", "too many")
"""In what is said without a state: by SQLite, and of a connection that could not be made."""


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn a failure of the database into `StoreError`; a wrong statement stays what it is."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        explained = explain(error)
        if explained is None:
            raise
        raise (FullDatabaseError if _is_full(error) else StoreError)(explained) from error
    except TimeoutError as error:
        raise StoreError(
            f"All {CONNECTIONS_MAX} connections to the database were in use for too long. Try again."
        ) from error


def explain(error: DBAPIError) -> str | None:
    """Return what happened and the next step; None when the statement is at fault, not the database."""
    if hasattr(error.orig, "sqlstate"):
        return _explained_by_server(error)
    if isinstance(error, ProgrammingError):
        return None
    reason = str(error.orig)
    return f"The database cannot be used ({reason}). {next_step(reason)}"


def _is_full(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in _FULL_STATES if state else any(sign in str(error.orig).lower() for sign in _FULL_SIGNS)


def next_step(reason: str) -> str:
    """Return what to do about what SQLite says."""
    return _step(reason.lower(), _FILE_STEPS) or "Look at the system's journal, then try again."


def _explained_by_server(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        if not isinstance(error, OperationalError):
            return None
        said = " ".join(str(error.orig).split())
        step = (
            _step(said.lower(), _CONNECTING_STEPS) or "Check that the server runs and can be reached, then try again."
        )
        return f"The database cannot be used ({said}). {step}"
    found = next((step for beginning, step in _SERVER_STEPS if state.startswith(beginning)), None)
    if found is None:
        return None
    said = getattr(getattr(error.orig, "diag", None), "message_primary", None) or f"SQLSTATE {state}"
    return f"The database cannot be used ({said}). {found}"


def _step(said: str, steps: tuple[tuple[str, str], ...]) -> str | None:
    return next((step for sign, step in steps if sign in said), None)
