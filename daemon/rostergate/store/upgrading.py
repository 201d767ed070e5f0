"""Upgrading: the database file is made, or brought to this program's schema, when the daemon starts.

Rule 1: an upgrade is one transaction. A stop in the middle leaves the schema as it was.
Rule 2: a database that a newer program has upgraded is left alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rostergate.errors import StoreError
from rostergate.store.engine import immediate, open_blocking, store_errors

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


def upgrade(path: Path) -> None:
    """Make the database at `path` if it is not there, for its owner alone, and bring its schema up to date.

    Blocks; calling it again changes nothing. Raises `StoreError` when the database cannot be made or used, is damaged,
    or is newer than this program.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The database {path} cannot be opened ({error.strerror}). "
            "Check that the state folder exists and belongs to the user who runs rostergate."
        ) from error
    with store_errors(), open_blocking(path).connect() as connection, immediate(connection).begin():
        _upgrade(connection, path)


def _upgrade(connection: Connection, path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", "rostergate.store:migrations")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    newer = set(MigrationContext.configure(connection).get_current_heads()) - known
    if newer:
        raise StoreError(
            f"The database {path} was written by a newer rostergate (schema {', '.join(sorted(newer))}). "
            "Install that version again, or restore the backup that was made before its upgrade."
        )
    command.upgrade(config, "head")
