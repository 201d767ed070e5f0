from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@pytest.fixture
async def tx(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Give one writing transaction for the whole test, which runs on every engine unless it asks for one by name."""
    async with store.writing(engine) as tx:
        yield tx
