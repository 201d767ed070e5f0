"""Databases for the store's tests: each test runs on every engine, unless it asks for one of them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

ENGINES = ("sqlite", "postgresql")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a SQLite database with every table and no rows."""
    path = tmp_path / "rostergate.db"
    store.upgrade(path)
    return path


@pytest.fixture
def server(request: pytest.FixtureRequest) -> store.Server:
    """Return the location of a PostgreSQL database with every table and no rows."""
    found: store.Server = request.getfixturevalue("postgresql").server(request.getfixturevalue("server_database"))
    return found


@pytest.fixture(params=ENGINES)
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


@pytest.fixture
async def tx(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give one writing transaction for the whole test."""
    async with store.writing(engine) as tx:
        yield tx
