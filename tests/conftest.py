"""What every room's tests share: how generated cases are chosen, a private PostgreSQL, a database on either engine.

Cases are new ones at a desk, always the same ones in CI: a landing must not fail for a case that has nothing to do with
it; whoever works on the code finds the new cases.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import databases
import servers
from rostergate import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of the whole daemon, which take longest: at the end one worker alone would be busy."""
    items.sort(key=lambda item: "whole" not in item.path.parts)


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a SQLite database with every table and no rows."""
    path = tmp_path / "rostergate.db"
    databases.make(path)
    return path


@pytest.fixture
def server(request: pytest.FixtureRequest) -> store.Server:
    """Return the location of a PostgreSQL database with every table and no rows."""
    found: store.Server = request.getfixturevalue("postgresql").server(request.getfixturevalue("server_database"))
    return found


@pytest.fixture(params=servers.ENGINES)
def location(request: pytest.FixtureRequest) -> store.Location:
    """Return the location of a database with every table and no rows, on one engine and on the other."""
    found: store.Location = request.getfixturevalue("path" if request.param == "sqlite" else "server")
    return found


@pytest.fixture
async def engine(location: store.Location) -> AsyncIterator[AsyncEngine]:
    """Give the engine on that database."""
    engine = store.open(location)
    yield engine
    await engine.dispose()
