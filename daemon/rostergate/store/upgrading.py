"""Upgrading: the database is made, or brought to this program's schema, when the daemon starts.

Rule 1: an upgrade is one transaction. A stop in the middle leaves the schema as it was.
Rule 2: a database that a newer program has upgraded is left alone.
Rule 3: an upgrade is a writer: of two programs that start at once one upgrades, and the other finds it done. Whether
there is anything to do is only read: nobody waits for a writer to see that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from rostergate.errors import StoreError, UnfitDatabaseError
from rostergate.store.engine import open_blocking, to_write
from rostergate.store.failures import store_errors
from rostergate.store.location import Server

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rostergate.store.location import Location

MIGRATIONS: Final = Path(__file__).with_name("migrations")
"""Alembic's folder. Each file in its `versions` is named after its revision: `0001_first_tables.py`."""
CREATE_DATABASE = "createdb --encoding=UTF8 --locale=C --template=template0 --owner=OWNER NAME"


def upgrade(location: Location, revision: str = "head") -> None:
    """Bring the schema of the database at `location` up to date; make a file that is not there, for its owner alone.

    Blocks; calling it again changes nothing. `revision` is an older one in tests. Raises `StoreError` when the database
    cannot be made or used, is damaged, or is newer than this program.
    """
    if not isinstance(location, Server):
        _make(location)
    wanted = revision_known() if revision == "head" else revision
    with store_errors():
        engine = open_blocking(location)
        with engine.connect() as connection, connection.begin():
            if revision_fit(connection, location) == wanted:
                return
        with engine.connect() as connection, to_write(connection).begin():
            if revision_fit(connection, location) != wanted:
                _upgrade(connection, revision)


def revision_known() -> str:
    """Return the schema's revision that this program works with."""
    return max(revisions())


def revisions() -> frozenset[str]:
    """Return every revision of the schema that this program knows."""
    return frozenset(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision_found(connection: Connection) -> str | None:
    """Return the schema's revision that a database has; None when it was never set up."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def revision_fit(connection: Connection, location: Location) -> str | None:
    """Return the same of a database that this program can work with; raise `UnfitDatabaseError` where it cannot."""
    if isinstance(location, Server):
        _assert_byte_order(connection, location)
    found = revision_found(connection)
    if found is not None and found not in revisions():
        raise UnfitDatabaseError(
            f"The database {location} was written by a newer rostergate (schema {found}). "
            "Install that version again, or restore the backup that was made before its upgrade."
        )
    return found


def _make(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be opened ({error.strerror}). "
            "Check that the state folder exists and belongs to the user who runs rostergate."
        ) from error


def _assert_byte_order(connection: Connection, location: Server) -> None:
    """Refuse a database that would sort text by a language's rules, or that cannot hold every name.

    SQLite sorts by bytes, and both must give the same answers; besides, a language's rules change with the system's
    libraries, and its indexes would break with them.
    """
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    by_bytes = connection.exec_driver_sql("SELECT 'B' < 'a' AND 'a-c' < 'ab'").scalar_one()
    if encoding != "UTF8" or not by_bytes:
        raise UnfitDatabaseError(
            f"The database {location} does not keep text as UTF-8 in the order of its bytes. "
            f"Make it anew, as its server's administrator: {CREATE_DATABASE}"
        )


def _upgrade(connection: Connection, revision: str) -> None:
    from alembic import command, config  # noqa: PLC0415 - it would slow down every command, and few have to upgrade

    asked = config.Config()
    asked.set_main_option("script_location", str(MIGRATIONS))
    asked.attributes["connection"] = connection
    command.upgrade(asked, revision)
