from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rostergate.core.delivery import State
from rostergate.store import slots
from rostergate.store.schema import deliveries as table
from store.making import AT, DAY, sealed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


@pytest.mark.parametrize("state", State)
async def test_a_slot_is_used_by_what_was_not_refused(tx: AsyncConnection, state: State) -> None:
    """A refused or failed delivery gives its slot back; one that is still coming in has not used it."""
    delivery = await sealed(tx)
    await tx.execute(table.update().where(table.c.id == delivery).values(state=state.value))
    free = state in {State.RECEIVING, State.REJECTED, State.FAILED}
    assert await slots.used(tx, "lincoln", DAY) == (0 if free else 1)


async def test_a_slot_belongs_to_one_district_and_day(tx: AsyncConnection) -> None:
    """Neither another day nor another district's delivery counts."""
    await sealed(tx, "lincoln", DAY)
    await sealed(tx, "lincoln", DAY + timedelta(1))
    await sealed(tx, "east", DAY)
    assert await slots.used(tx, "lincoln", DAY) == 1
    assert await slots.used(tx, "lincoln", DAY + timedelta(2)) == 0


async def test_grants_add_up(tx: AsyncConnection) -> None:
    """Every grant is one more upload, for that district and day."""
    assert await slots.granted(tx, "lincoln", DAY) == 0
    assert [await slots.grant(tx, "lincoln", DAY, AT) for _ in range(2)] == [1, 2]
    assert await slots.granted(tx, "lincoln", DAY) == 2
    assert await slots.granted(tx, "lincoln", DAY + timedelta(1)) == 0
    assert await slots.granted(tx, "east", DAY) == 0
