"""Undos in the store: deliveries without files, that take back what another delivery changed.

Rule 1: an undo has a number of its own in its district's line and is concluded like any delivery, in the transaction
that begins it. It can be released, discarded, looked back to and undone itself.
Rule 2: who asked for it, and why, is kept.
Rule 3: an undo takes the place of plans that wait, but never of files that do: a delivery that is coming in, or that is
sealed, has its turn after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.core.delivery import State
from rostergate.errors import Refused
from rostergate.store import deliveries
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.store.schema import undos

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.store.deliveries import Delivery


@dataclass(frozen=True, slots=True)
class Undo:
    """What an undo takes back, for whom and why."""

    delivery: str
    undone: str
    school_id: str | None
    """None: the whole district."""
    asked_by: str
    reason: str


async def begin(
    tx: AsyncConnection, undone: str, *, school_id: str | None, by: str, reason: str, at: datetime
) -> Delivery:
    """Begin the undo of a delivery as the next one of its district, sealed, to be concluded in this transaction.

    Raises `NotFound`; raises `Refused` without a name and a reason.
    """
    if not by.strip() or not reason.strip():
        raise Refused("A delivery is undone by somebody, for a reason: give both.")
    district = (await deliveries.get(tx, undone)).district
    delivery, number = await deliveries.following(tx, district)
    await tx.execute(
        deliveries_table.insert().values(
            id=delivery,
            district=district,
            number=number,
            state=State.SEALED.value,
            began_at=at,
            sealed_at=at,
            attempts=1,
            files=[],
        )
    )
    await tx.execute(
        undos.insert().values(
            delivery=delivery, undone=undone, school_id=school_id, asked_by=by.strip(), reason=reason.strip()
        )
    )
    await deliveries.ask_for_report(tx, undone)
    return await deliveries.get(tx, delivery)


async def of(tx: AsyncConnection, delivery: str) -> Undo | None:
    """Return what a delivery undoes; None when it is no undo."""
    row = (await tx.execute(sa.select(undos).where(undos.c.delivery == delivery))).one_or_none()
    return None if row is None else Undo(*row)


async def undone_by_each(tx: AsyncConnection, chosen: Collection[str]) -> dict[str, str]:
    """Return what each of some deliveries undoes; those that are no undos are left out."""
    query = sa.select(undos.c.delivery, undos.c.undone).where(undos.c.delivery.in_(chosen))
    return {row.delivery: row.undone for row in await tx.execute(query)}


async def undoing(tx: AsyncConnection, delivery: str) -> list[str]:
    """Return the deliveries that undo this one, oldest first."""
    query = sa.select(undos.c.delivery).join(deliveries_table, deliveries_table.c.id == undos.c.delivery)
    return list(await tx.scalars(query.where(undos.c.undone == delivery).order_by(deliveries_table.c.number)))
