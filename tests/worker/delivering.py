"""A district for the tests of the whole road: its deliveries are sealed on disk, and walked one by one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from rostergate import store
from rostergate.core.policy import Policy
from rostergate.core.verdict import FileFacts
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries, plans, verdicts
from rostergate.worker import road

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

AT: Final = datetime(2026, 9, 1, 12, tzinfo=UTC)
SLUG: Final = "lincoln"


class District:
    """A district without deliveries, on a spool and a database that has every table."""

    def __init__(self, folder: Path, location: store.Location) -> None:
        self.spool = Spool(folder)
        self.spool.prepare()
        self.location = location

    async def sealed(self, files: Mapping[str, bytes]) -> str:
        """Begin and seal the next delivery; return its id."""
        inbox = self.spool.inbox(SLUG)
        inbox.mkdir(exist_ok=True)
        for name, data in files.items():
            (inbox / name).write_bytes(data)
        async with self.writing() as tx:
            begun = await deliveries.begin(tx, SLUG, AT)
            folder = sealing.gather(self.spool, SLUG, Area.UPLOAD, begun.id, files)
            manifest = sealing.freeze(self.spool, folder, now=AT)
            facts = [FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files]
            await deliveries.seal(tx, begun.id, day=AT.date(), files=facts, content_hash=manifest.content_hash, at=AT)
        return begun.id

    async def walk(self, delivery: str, policy: Policy | None = None, at: datetime = AT) -> road.Walked:
        """Take a sealed delivery down the road, as a worker process does."""
        return await asyncio.to_thread(road.walk, self.spool, self.location, delivery, policy or Policy(), at)

    async def deliver(self, files: Mapping[str, bytes], policy: Policy | None = None, at: datetime = AT) -> str:
        """Seal a delivery and take it down the road; return its id."""
        delivery = await self.sealed(files)
        await self.walk(delivery, policy, at)
        return delivery

    async def shown(self, delivery: str) -> dict[str, Any]:
        """Return the published shape of a delivery."""
        async with self.reading() as tx:
            return await verdicts.load(tx, delivery)

    async def close(self, what: Callable[..., Any]) -> None:
        """Release or discard the one plan that is held."""
        async with self.writing() as tx:
            (held,) = await plans.held(tx, SLUG)
            await what(tx, [held.hash], "Ann", "looked at it", AT)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that may write."""
        engine = store.open(self.location)
        async with store.writing(engine) as tx:
            yield tx
        await engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction that only reads."""
        engine = store.open(self.location)
        async with store.reading(engine) as tx:
            yield tx
        await engine.dispose()
