"""Taking: the one place where a sealed delivery is taken to be decided. Nothing above it knows who else takes any.

Rule 1: whoever takes a district's delivery has the district reserved until it is let go (`store.reserving`). On SQLite
the daemon is the only taker; on PostgreSQL there is one lock per district, whichever process asks for it.
Rule 2: what is taken is looked up once the reservation is had: the district's oldest sealed delivery as it stands then.
So a district's deliveries are decided one at a time and in their order, by one taker or by several.
Rule 3: which districts have something waiting is a hint: by the time one is taken, somebody else may have been there.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.store import deliveries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.store import Location
    from rostergate.store.deliveries import Delivery


class Taking:
    """Gives one taker the next delivery of a district."""

    def __init__(self, engine: AsyncEngine, database: Location) -> None:
        self._engine = engine
        self._database = database

    async def waiting(self) -> list[str]:
        """Return the districts that have a delivery to be decided, the one that waits longest first.

        Raises `StoreError`.
        """
        async with store.reading(self._engine) as tx:
            due = await deliveries.due(tx)
        return list(dict.fromkeys(one.district for one in due))

    @asynccontextmanager
    async def taken(self, district: str) -> AsyncIterator[Delivery | None]:
        """Take a district's next delivery until the end of the block.

        Gives None when somebody else has the district, or when nothing of it waits any more. Raises `StoreError`.
        """
        async with store.district_reserved(self._database, district) as reserved:
            yield await self._oldest(district) if reserved else None

    async def _oldest(self, district: str) -> Delivery | None:
        async with store.reading(self._engine) as tx:
            return await deliveries.next_due(tx, district)
