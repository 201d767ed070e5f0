"""SQLite databases for tests: each process brings one up to date, and the others are copies of it.

How a database is made and brought up to date is for the tests of `store.upgrade`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from rostergate import store


def make(path: Path) -> None:
    """Make a database with every table and no rows, for its owner alone."""
    path.touch(0o600)
    path.write_bytes(_template())


@cache
def _template() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "template.db")
        store.upgrade(path)
        return path.read_bytes()
