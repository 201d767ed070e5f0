from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a database with every table and no rows."""
    path = tmp_path / "rostergate.db"
    store.upgrade(path)
    return path


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[AsyncEngine]:
    """Give the engine on that database."""
    engine = store.open(path)
    yield engine
    await engine.dispose()


@pytest.fixture
async def tx(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give one writing transaction for the whole test."""
    async with store.writing(engine) as tx:
        yield tx
