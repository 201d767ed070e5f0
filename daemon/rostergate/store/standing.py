"""How much is waiting, for the metrics: counts only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.core.delivery import State
from rostergate.store.outbox import State as MailState
from rostergate.store.plans import is_held
from rostergate.store.schema import deliveries, outbox, plans

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


async def held(tx: AsyncConnection) -> int:
    """Return how many plans wait for a person because of a hold."""
    query = sa.select(sa.func.count()).select_from(plans).where(is_held(plans))
    return (await tx.scalar(query)) or 0


async def stuck(tx: AsyncConnection) -> int:
    """Return with how many districts' uploads the server cannot go on."""
    receiving = deliveries.c.state == State.RECEIVING.value
    query = sa.select(sa.func.count()).where(receiving, deliveries.c.error.is_not(None))
    return (await tx.scalar(query)) or 0


async def queue(tx: AsyncConnection) -> tuple[int, datetime | None]:
    """Return how many sealed deliveries wait to be decided, and when the oldest of them was sealed."""
    oldest = sa.type_coerce(sa.func.min(deliveries.c.sealed_at), deliveries.c.sealed_at.type)
    query = sa.select(sa.func.count(), oldest).where(deliveries.c.state == State.SEALED.value)
    count, sealed_at = (await tx.execute(query)).one()
    return count, sealed_at


async def mail(tx: AsyncConnection) -> tuple[int, datetime | None]:
    """Return how much mail waits to be sent, and when the oldest of it was written."""
    oldest = sa.type_coerce(sa.func.min(outbox.c.written_at), outbox.c.written_at.type)
    query = sa.select(sa.func.count(), oldest).where(outbox.c.state == MailState.WAITING.value)
    count, written_at = (await tx.execute(query)).one()
    return count, written_at
