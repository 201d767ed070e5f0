"""What every room's tests share: how generated cases are chosen, and a private PostgreSQL.

Cases are new ones at a desk, always the same ones in CI: a landing must not fail for a case that has nothing to do with
it; whoever works on the code finds the new cases.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[servers.PostgreSQL]:
    """Run a private PostgreSQL for this process's tests; leave a test out by name where its programs are missing."""
    _leave_out_without_programs()
    with servers.private() as server:
        yield server


@pytest.fixture
def own_postgresql() -> Iterator[servers.PostgreSQL]:
    """Run a private PostgreSQL for one test alone, which may stop and start it."""
    _leave_out_without_programs()
    with servers.private() as server:
        yield server


def _leave_out_without_programs() -> None:
    if servers.programs() is None:
        pytest.skip("left out: PostgreSQL's server (initdb, postgres) is not installed")


@pytest.fixture
def server_database(postgresql: servers.PostgreSQL) -> Iterator[str]:
    """Give the name of a database of that server, with every table and no rows."""
    with postgresql.database() as name:
        yield name
