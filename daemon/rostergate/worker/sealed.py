"""Sealed on disk, then sealed in the database: the second step, taken once by the receiver or by recovery."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.core.calendar import day_of
from rostergate.core.notices import Kind
from rostergate.core.verdict import FileFacts
from rostergate.store import deliveries, outbox

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District, Settings
    from rostergate.spool.sealing import Manifest


async def enter(engine: AsyncEngine, district: District, manifest: Manifest, settings: Settings) -> None:
    """Record a delivery as sealed, for the day on which its first upload began, and write mail that it was received.

    That mail waits for `mail.received_after_minutes`; a verdict before that takes it back.

    Raises `StoreError`; raises `IllegalTransition` when it is not being received.
    """
    sealed_at = datetime.fromisoformat(manifest.sealed_at)
    async with store.writing(engine, district.slug) as tx:
        await deliveries.seal(
            tx,
            manifest.delivery,
            day=day_of(manifest.began_at, district.zone),
            files=[FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files],
            content_hash=manifest.content_hash,
            at=sealed_at,
        )
        told, about = district.audience(settings).of(Kind.RECEIVED), manifest.delivery
        after = settings.mail.received_after
        await outbox.write(
            tx, Kind.RECEIVED, about, told, sealed_at, district=district.slug, delivery=about, after=after
        )
