from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rostergate.core.delivery import TRANSITIONS, Event, State
from rostergate.core.plan_state import State as PlanState
from rostergate.core.states import IllegalTransition
from rostergate.core.verdict import Outcome
from rostergate.errors import NotFound, Refused
from rostergate.store import deliveries, slots
from rostergate.store.schema import deliveries as table
from store.making import AT, DAY, FILES, LATER, REJECTED, accepted, concluded, plan, sealed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def _in(tx: AsyncConnection, state: State) -> str:
    """Return a delivery that is put into a state by hand."""
    delivery = (await deliveries.begin(tx, "lincoln", AT)).id
    await tx.execute(table.update().where(table.c.id == delivery).values(state=state.value))
    return delivery


async def test_a_delivery_begins_with_the_next_number(tx: AsyncConnection) -> None:
    """Deliveries are numbered by district, and an unfinished one is found again instead of a second one begun."""
    first = await deliveries.begin(tx, "lincoln", AT)
    assert (first.id, first.number, first.state, first.began_at) == ("lincoln-00001", 1, State.RECEIVING, AT)
    assert await deliveries.begin(tx, "lincoln", LATER) == first
    assert await deliveries.receiving(tx, "lincoln") == first
    assert (await deliveries.begin(tx, "east-side", AT)).id == "east-side-00001"
    await deliveries.seal(tx, first.id, day=DAY, files=FILES, content_hash="cd", at=LATER)
    assert await deliveries.receiving(tx, "lincoln") is None
    assert (await deliveries.begin(tx, "lincoln", AT)).id == "lincoln-00002"


async def test_sealing_notes_what_was_frozen(tx: AsyncConnection) -> None:
    """A sealed delivery knows its day, its files and their hash."""
    begun = await deliveries.begin(tx, "lincoln", AT)
    one = await deliveries.seal(tx, begun.id, day=DAY, files=FILES, content_hash="cd", at=LATER)
    assert (one.state, one.day, one.files, one.content_hash, one.sealed_at) == (State.SEALED, DAY, FILES, "cd", LATER)
    assert await deliveries.get(tx, one.id) == one


async def test_sealing_twice_is_illegal_and_changes_nothing(tx: AsyncConnection) -> None:
    """What is sealed stays as it was sealed."""
    delivery = await sealed(tx)
    before = await deliveries.get(tx, delivery)
    with pytest.raises(IllegalTransition):
        await deliveries.seal(tx, delivery, day=DAY + timedelta(1), files=(), content_hash="", at=LATER)
    assert await deliveries.get(tx, delivery) == before


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
async def test_every_event_in_every_state_follows_the_table(tx: AsyncConnection, state: State, event: Event) -> None:
    """A legal event leads to the state that the table has; an illegal one raises and changes nothing."""
    delivery = await _in(tx, state)
    if (state, event) in TRANSITIONS:
        assert await deliveries.step(tx, delivery, event) is TRANSITIONS[state, event]
        assert (await deliveries.get(tx, delivery)).state is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransition):
            await deliveries.step(tx, delivery, event, error="never written")
        after = await deliveries.get(tx, delivery)
        assert (after.state, after.error) == (state, None)


async def test_due_are_the_sealed_ones_oldest_first(tx: AsyncConnection) -> None:
    """What waits to be decided comes in the order in which it was sealed."""
    await deliveries.begin(tx, "north", AT)
    later = await sealed(tx, "lincoln", at=LATER)
    earlier = await sealed(tx, "east", at=AT)
    await concluded(tx, REJECTED, "west")
    assert [one.id for one in await deliveries.due(tx)] == [earlier, later]


async def test_attempts_are_counted_while_sealed(tx: AsyncConnection) -> None:
    """Each attempt counts one; a delivery that is not sealed is refused with its state."""
    delivery = await sealed(tx)
    assert [await deliveries.count_attempt(tx, delivery) for _ in range(3)] == [1, 2, 3]
    await deliveries.uncount_attempt(tx, delivery)
    assert await deliveries.count_attempt(tx, delivery) == 3
    await deliveries.give_up(tx, delivery, "the worker was killed", LATER)
    with pytest.raises(Refused, match="is failed"):
        await deliveries.count_attempt(tx, delivery)
    with pytest.raises(NotFound):
        await deliveries.count_attempt(tx, "lincoln-00009")


async def test_a_failed_delivery_can_be_retried(tx: AsyncConnection) -> None:
    """Giving up says why and gives the slot back; a retry starts counting anew."""
    delivery = await sealed(tx)
    await deliveries.count_attempt(tx, delivery)
    failed = await deliveries.give_up(tx, delivery, "the worker was killed", LATER)
    assert (failed.state, failed.error, failed.closed_at) == (State.FAILED, "the worker was killed", LATER)
    assert await slots.used(tx, "lincoln", DAY) == 0
    again = await deliveries.retry(tx, delivery)
    assert (again.state, again.error, again.closed_at, again.attempts) == (State.SEALED, None, None, 0)
    with pytest.raises(IllegalTransition):
        await deliveries.retry(tx, delivery)


async def test_a_failed_delivery_that_is_out_of_date_is_not_retried(tx: AsyncConnection) -> None:
    """Once a newer delivery was accepted, an older one never comes back over it; a rejected one does not matter."""
    delivery = await sealed(tx)
    await deliveries.give_up(tx, delivery, "the worker was killed", LATER)
    await concluded(tx, REJECTED)
    await concluded(tx, accepted(), "east")
    await deliveries.retry(tx, delivery)
    await deliveries.give_up(tx, delivery, "the worker was killed", LATER)
    newer = await concluded(tx, accepted())
    with pytest.raises(Refused, match=newer):
        await deliveries.retry(tx, delivery)


async def test_what_is_not_there_is_not_found(tx: AsyncConnection) -> None:
    """Every function that names a delivery says so when there is none."""
    for call in (
        deliveries.get(tx, "x-00001"),
        deliveries.retry(tx, "x-00001"),
        deliveries.give_up(tx, "x-00001", "", AT),
        deliveries.reported(tx, "x-00001", AT),
    ):
        with pytest.raises(NotFound):
            await call


async def test_the_latest_is_the_newest_that_was_sealed(tx: AsyncConnection) -> None:
    """A delivery that is still coming in is not the latest; a rejected one may be."""
    assert await deliveries.latest(tx, "lincoln") is None
    await concluded(tx, accepted())
    second = await concluded(tx, REJECTED)
    await deliveries.begin(tx, "lincoln", LATER)
    latest = await deliveries.latest(tx, "lincoln")
    assert latest is not None
    assert (latest.id, latest.outcome) == (second, Outcome.REJECTED)


async def test_deliveries_are_listed_newest_first(tx: AsyncConnection) -> None:
    """The list can be of one district, and is bounded."""
    old = await sealed(tx, "lincoln", at=AT)
    new = await sealed(tx, "lincoln", at=LATER + timedelta(1))
    other = await sealed(tx, "east", at=LATER)
    assert [one.id for one in await deliveries.listed(tx)] == [new, other, old]
    assert [one.id for one in await deliveries.listed(tx, "lincoln")] == [new, old]
    assert [one.id for one in await deliveries.listed(tx, limit=1)] == [new]


async def test_what_was_decided_waits_for_its_report(tx: AsyncConnection) -> None:
    """Decided and failed deliveries are unreported until their report is written, oldest first."""
    await sealed(tx, "north")
    first = await concluded(tx, accepted())
    second = await concluded(tx, REJECTED)
    failed = await sealed(tx, "west")
    await deliveries.give_up(tx, failed, "the worker was killed", LATER)
    assert [one.id for one in await deliveries.unreported(tx)] == [first, second, failed]
    await deliveries.reported(tx, first, LATER)
    assert [one.id for one in await deliveries.unreported(tx)] == [second, failed]
    assert (await deliveries.get(tx, first)).reported_at == LATER


async def test_the_overview_has_each_district_once(tx: AsyncConnection) -> None:
    """Per district: its newest delivery, and the plans that wait for a person."""
    await concluded(tx, accepted([plan("A", {}, PlanState.HELD), plan("B", {}, PlanState.HELD)]))
    await concluded(tx, REJECTED)
    open_one = await deliveries.begin(tx, "lincoln", LATER)
    await concluded(tx, REJECTED, "east")
    east, lincoln = await deliveries.overview(tx)
    assert (east.district, east.open_holds) == ("east", 0)
    assert (lincoln.district, lincoln.last, lincoln.open_holds) == ("lincoln", open_one, 2)
