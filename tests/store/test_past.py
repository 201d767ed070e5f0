from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.delivery import State
from rostergate.core.roster import empty
from rostergate.store import deliveries, leaving, past, undos
from store.making import AT, REJECTED, accepted, concluded, plans, sealed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def test_the_last_deliveries_are_told_oldest_first(tx: AsyncConnection) -> None:
    """Accepted ones with their rows and changes, others without; each with how often something was wrong."""
    await concluded(tx, accepted())
    await concluded(tx, REJECTED)
    await concluded(tx, accepted())
    await concluded(tx, accepted(), "adams")
    told = await past.up_to(tx, "lincoln", 3, 10)
    assert [(one.delivery, one.state, one.rows, one.changes, one.faults) for one in told] == [
        ("lincoln-00001", State.SETTLED, 3, 0, 2),
        ("lincoln-00002", State.REJECTED, None, None, 2),
        ("lincoln-00003", State.SETTLED, 3, 0, 2),
    ]
    assert {one.received_at for one in told} == {AT}


async def test_no_later_one_no_undo_and_nothing_unfinished_is_told(tx: AsyncConnection) -> None:
    """The history ends with the delivery that is asked about, and has only what was uploaded and decided."""
    first = await concluded(tx, accepted(plans(empty(), empty())))
    undo = await undos.begin(tx, first, school_id=None, by="Jo", reason="Wrong year", at=AT)
    await sealed(tx)
    await concluded(tx, REJECTED)
    assert [one.delivery for one in await past.up_to(tx, "lincoln", undo.number, 10)] == [first]
    assert [one.delivery for one in await past.up_to(tx, "lincoln", 9, 10)] == [first, "lincoln-00004"]
    assert (await deliveries.get(tx, "lincoln-00003")).state is State.SEALED


async def test_no_more_are_told_than_asked_for(tx: AsyncConnection) -> None:
    """Of many deliveries the newest are told."""
    for _ in range(4):
        await concluded(tx, REJECTED)
    assert [one.delivery for one in await past.up_to(tx, "lincoln", 4, 2)] == ["lincoln-00003", "lincoln-00004"]


async def test_what_is_forgotten_is_not_told(tx: AsyncConnection) -> None:
    """A district that was removed with its history, and comes back, begins anew."""
    await concluded(tx, accepted())
    await leaving.forget(tx, "lincoln")
    again = await concluded(tx, accepted())
    assert [one.delivery for one in await past.up_to(tx, "lincoln", 2, 10)] == [again]
