from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from core.rosters import diff, frames, same
from rostergate import store
from rostergate.core import concerned
from rostergate.core.delivery import State as DeliveryState
from rostergate.core.matching import Decision
from rostergate.core.plan_state import OPEN, State
from rostergate.core.roster import empty
from rostergate.core.snapshot import Snapshot
from rostergate.errors import NotFound, Refused
from rostergate.store import deciding, deliveries, feed, roster, schools, turns
from rostergate.store import plans as stored
from rostergate.store.schema import plans as table
from store.making import AT, HOLD, LATER, WANTED, accepted, both_held, concluded, plan, plans, sealed
from store.replaying import told

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.plan import Hold, Plan
    from rostergate.core.roster import Frames

CALLS = {"release": deciding.release, "discard": deciding.discard}


async def test_a_release_applies_exactly_what_was_held(tx: AsyncConnection) -> None:
    """The stored changes are in the roster, and who released them, why and when is kept."""
    one, other = await both_held(tx)
    assert same(await roster.load(tx, "lincoln"), empty())
    (released,) = await deciding.release(tx, [other.plan], " Kim ", " checked by phone ", LATER)
    assert (released.state, released.closed_by, released.reason, released.closed_at) == (
        State.APPLIED,
        "Kim",
        "checked by phone",
        LATER,
    )
    only_b = frames(
        schools=[("B", "Baker")], students=[("s1", "Ann"), ("s2", "Bo")], student_schools=[("B", "s1"), ("B", "s2")]
    )
    assert same(await roster.load(tx, "lincoln"), only_b)
    assert (await deliveries.get(tx, one.delivery)).state is DeliveryState.PLANNED


async def test_the_last_plan_settles_the_delivery(tx: AsyncConnection) -> None:
    """Releasing and discarding both ask for a new report, and the last of them settles the delivery."""
    one, other = await both_held(tx)
    await deciding.discard(tx, [one.hash], "Kim", "a mistake", AT)
    first = await deliveries.get(tx, one.delivery)
    assert (first.state, first.reported_at, first.closed_at) == (DeliveryState.PLANNED, None, None)
    await deliveries.reported(tx, one.delivery, AT)
    await deciding.release(tx, [other.hash], "Kim", "checked", LATER)
    last = await deliveries.get(tx, one.delivery)
    assert (last.state, last.reported_at, last.closed_at) == (DeliveryState.SETTLED, None, LATER)


async def test_a_discard_changes_no_row(tx: AsyncConnection) -> None:
    """What is discarded is not applied, and who dropped it, why and when is kept."""
    one, _ = await both_held(tx)
    (dropped,) = await deciding.discard(tx, [one.plan], "Kim", "a mistake", LATER)
    assert (dropped.state, dropped.closed_by, dropped.reason, dropped.closed_at) == (
        State.DISCARDED,
        "Kim",
        "a mistake",
        LATER,
    )
    assert same(await roster.load(tx, "lincoln"), empty())
    assert await roster.ground(tx, "lincoln") == 0


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("state", [state for state in State if state is not State.HELD])
async def test_only_a_held_plan_can_be_closed(tx: AsyncConnection, state: State, call: str) -> None:
    """In every other state a person gets a reason why not, and nothing changes."""
    one, _ = await both_held(tx)
    await tx.execute(table.update().where(table.c.id == one.id).values(state=state.value))
    with pytest.raises(Refused, match=f"Plan {one.plan} cannot be {call}"):
        await CALLS[call](tx, [one.hash], "Kim", "checked", LATER)
    again = (await stored.of(tx, one.delivery))[0]
    assert (again.state, again.closed_by, again.closed_at) == (state, None, None)
    assert same(await roster.load(tx, "lincoln"), empty())


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("by", "reason"), [("", "checked"), ("Kim", " ")])
async def test_nobody_closes_a_plan_for_no_reason(tx: AsyncConnection, call: str, by: str, reason: str) -> None:
    """A name and a reason are asked for."""
    one, _ = await both_held(tx)
    with pytest.raises(Refused, match="give both"):
        await CALLS[call](tx, [one.plan], by, reason, LATER)


@pytest.mark.parametrize("call", CALLS)
async def test_a_superseded_plan_is_never_applied(tx: AsyncConnection, call: str) -> None:
    """Once a newer delivery was accepted, yesterday's hash closes nothing."""
    one, _ = await both_held(tx)
    newer = await concluded(tx, accepted())
    assert [plan.state for plan in await stored.of(tx, one.delivery)] == [State.SUPERSEDED] * 2
    with pytest.raises(Refused, match="a newer delivery, an undo or an erasure ended it"):
        await CALLS[call](tx, [one.plan], "Kim", "checked", LATER)
    assert (await deliveries.get(tx, one.delivery)).state is DeliveryState.SUPERSEDED
    assert (await deliveries.get(tx, newer)).state is DeliveryState.SETTLED


async def test_a_plan_whose_ground_moved_is_not_applied(tx: AsyncConnection) -> None:
    """When the school's rows changed after the plan was worked out, a release is refused; a discard is not."""
    one, other = await both_held(tx)
    await _moved(tx, "B")
    with pytest.raises(Refused, match="roster of school B has changed"):
        await deciding.release(tx, [other.plan], "Kim", "checked", LATER)
    (released,) = await deciding.release(tx, [one.plan], "Kim", "checked", LATER)
    (dropped,) = await deciding.discard(tx, [other.plan], "Kim", "out of date", LATER)
    assert (released.state, dropped.state) == (State.APPLIED, State.DISCARDED)


async def _moved(tx: AsyncConnection, school: str) -> None:
    """Give a school another name, as an undo could have done."""
    changes = diff(empty(), Snapshot(frames(schools=[(school, "Another")]), {})).values()
    await roster.apply(tx, "lincoln", changes, await sealed(tx), AT)


async def _again(tx: AsyncConnection, one: stored.StoredPlan, state: State = State.CLEAR) -> Plan:
    """Work a plan out once more, against the roster as it is."""
    changes = diff(await roster.load(tx, "lincoln"), Snapshot(WANTED, {}))[one.school_id]
    return plan(one.school_id, changes, state)


async def test_a_plan_that_is_put_again_waits_for_somebody_to_look(tx: AsyncConnection) -> None:
    """It has its own hash and the ground as it is; crossing no limit any more, it is held all the same and says so."""
    _, other = await both_held(tx)
    await _moved(tx, "B")
    put = await deciding.put_again(tx, other, again := await _again(tx, other))
    assert (put.id, put.state, put.hash, put.hash != other.hash) == (other.id, State.HELD, again.hash, True)
    assert put.ground == await roster.ground(tx, "lincoln", "B") == other.ground + 1
    assert [(hold.code, hold.message) for hold in put.holds] == [(HOLD.code, deciding.NO_LIMIT_CROSSED)]
    assert put.counts["schools"].updated == 1
    assert put.delivery in {one.id for one in await deliveries.unreported(tx)}
    await deciding.release(tx, [put.plan], "Kim", "checked", LATER)
    assert (await roster.load(tx, "lincoln"))["schools"].filter(school_id="B")["name"].to_list() == ["Baker"]


async def test_a_plan_that_is_put_again_has_its_own_reasons(tx: AsyncConnection) -> None:
    """What stops it now is told in place of what stopped the old one."""
    _, other = await both_held(tx)
    await _moved(tx, "B")
    again = await _again(tx, other)
    now = replace(HOLD, code="too-many-updates", rows=concerned.NOTHING)
    put = await deciding.put_again(tx, other, replace(again, state=State.HELD, holds=(now,)))
    assert [hold.code for hold in put.holds] == ["too-many-updates"]
    assert [hold.rows is not None for hold in await stored.concerned_rows(tx, put)] == [True]


async def test_nothing_is_put_in_the_place_of_a_plan_that_does_not_wait(tx: AsyncConnection) -> None:
    """Neither where somebody has closed it, nor where a newer delivery's plan waits now."""
    one, other = await both_held(tx)
    await _moved(tx, "B")
    again = await _again(tx, other)
    await deciding.discard(tx, [one.plan], "Kim", "wrong", LATER)
    with pytest.raises(Refused, match="does not wait any more"):
        await deciding.put_again(tx, one, await _again(tx, one))
    newer = await concluded(tx, accepted(plans(await roster.load(tx, "lincoln"), WANTED, held="AB")))
    with pytest.raises(Refused, match="does not wait any more"):
        await deciding.put_again(tx, other, again)
    waits = await stored.open_of(tx, "lincoln", "B")
    assert waits is not None
    assert (waits.delivery, waits.holds) == (newer, (HOLD,))


async def test_nothing_is_put_in_the_place_of_what_waits_there_by_now(tx: AsyncConnection) -> None:
    """Somebody has put the plan again meanwhile; or a newer delivery has brought the very same changes."""
    one, other = await both_held(tx)
    await _moved(tx, "B")
    again = await _again(tx, other)
    put = await deciding.put_again(tx, other, again)
    with pytest.raises(Refused, match="does not wait any more"):
        await deciding.put_again(tx, other, again)
    await concluded(tx, accepted([plan("A", (await stored.changes(tx, one.delivery))["A"], State.HELD)]))
    waits = await stored.open_of(tx, "lincoln", "A")
    assert waits is not None
    assert (waits.hash, waits.delivery != one.delivery) == (one.hash, True)
    before = await stored.of(tx, one.delivery)
    with pytest.raises(Refused, match="does not wait any more"):
        await deciding.put_again(tx, one, await _again(tx, one))
    assert await stored.of(tx, one.delivery) == before
    assert [plan.hash for plan in before] == [one.hash, put.hash]


async def test_several_are_released_together(tx: AsyncConnection) -> None:
    """They are one turn, each keeps who and why, one named twice is released once; the delivery is settled."""
    one, other = await both_held(tx)
    before = await turns.last(tx)
    released = await deciding.release(tx, [other.plan, one.hash, other.hash], "Kim", "checked", LATER)
    assert [(plan.id, plan.state, plan.closed_by, plan.reason) for plan in released] == [
        (one.id, State.APPLIED, "Kim", "checked"),
        (other.id, State.APPLIED, "Kim", "checked"),
    ]
    assert same(await roster.load(tx, "lincoln"), WANTED)
    assert await turns.last(tx) == before + 1
    assert (await deliveries.get(tx, one.delivery)).state is DeliveryState.SETTLED


@pytest.mark.parametrize("fault", ["moved", "superseded", "unknown"])
async def test_several_are_released_all_or_none(engine: AsyncEngine, fault: str) -> None:
    """When one of several cannot be released, none is: neither of its delivery nor of another district."""
    async with store.writing(engine) as tx:
        one, other = await both_held(tx)
        await concluded(tx, accepted(plans(empty(), WANTED, held="A")), "east")
        (third,) = await stored.held(tx, "east")
        refs = [f"{third.delivery}:{third.hash}", f"{one.delivery}:{one.hash}", f"{other.delivery}:{other.hash}"]
        if fault == "moved":
            await _moved(tx, "B")
        elif fault == "superseded":
            await concluded(tx, accepted())
        else:
            refs.append("0" * 64)
        before = [await roster.load(tx, district) for district in ("lincoln", "east")]
        stood = [await stored.of(tx, delivery) for delivery in (one.delivery, third.delivery)]
    with pytest.raises((Refused, NotFound)):
        async with store.writing(engine) as tx:
            await deciding.release(tx, refs, "Kim", "checked", LATER)
    async with store.reading(engine) as tx:
        assert [await stored.of(tx, delivery) for delivery in (one.delivery, third.delivery)] == stood
        for district, roster_before in zip(("lincoln", "east"), before, strict=True):
            assert same(await roster.load(tx, district), roster_before)


def _many(number: int) -> Frames:
    schools = [f"S{one:03}" for one in range(number)]
    students = [(f"s-{one}", "Ann") for one in schools]
    ties = [(one, f"s-{one}") for one in schools]
    return frames(schools=[(one, one) for one in schools], students=students, student_schools=ties)


async def _statements(engine: AsyncEngine, number: int, work: str) -> int:
    """Close that many held plans in one transaction; return how many statements that took."""
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    district, wanted = f"d{number}-{work}", _many(number)
    async with store.writing(engine) as tx:
        held = wanted["schools"]["school_id"].to_list()
        delivery = await concluded(tx, accepted(plans(empty(), wanted, held)), district)
        refs = [f"{delivery}:{one.hash}" for one in await stored.held(tx, district)]
        assert len(refs) == number
        event.listen(engine.sync_engine, "before_cursor_execute", count)
        try:
            if work == "superseded":
                assert await deciding.supersede_older(tx, district, "none", AT) == number
            else:
                close = deciding.release if work == "applied" else deciding.discard
                assert len(await close(tx, refs, "Kim", "checked", LATER)) == number
        finally:
            event.remove(engine.sync_engine, "before_cursor_execute", count)
        assert {one.state.value for one in await stored.of(tx, delivery)} == {work}
    return counted


@pytest.mark.parametrize(("work", "each"), [("superseded", 0), ("discarded", 4), ("applied", 5)])
async def test_closing_many_takes_little_for_each(engine: AsyncEngine, work: str, each: int) -> None:
    """What takes their place closes all at once; a person's plans are looked up, and their ground, one by one."""
    assert await _statements(engine, 30, work) == await _statements(engine, 5, work) + 25 * each


async def test_a_held_plan_can_be_matched_anew(tx: AsyncConnection) -> None:
    """Its release brings no older match back, and nothing else of it has changed."""
    one, _ = await both_held(tx)
    again = await deciding.matched_anew(tx, one, "p2")
    assert again == replace(one, platform_school="p2")
    assert [due.id for due in await deliveries.unreported(tx)] == [one.delivery]
    await deciding.release(tx, [one.plan], "Kim", "checked", LATER)
    assert (await schools.decisions(tx, "lincoln"))["A"].platform_school == "p2"


async def test_a_release_that_changes_no_row_tells_where_its_school_stands(tx: AsyncConnection) -> None:
    """It is a turn all the same: who follows the feed has taken the one before, and would miss what that told."""
    adams = frames(schools=[("A", "Adams")])
    await concluded(tx, accepted(plans(empty(), adams)))
    await concluded(tx, accepted([replace(plan("A", {}, State.HELD), platform_school="p2")]))
    (held,) = await stored.held(tx, "lincoln")
    await concluded(tx, accepted(), "east")  # another's turn is the last one
    taken = await feed.end(tx)
    await deciding.release(tx, [held.plan], "Kim", "checked", LATER)
    (line,) = await told(tx, after=taken)
    assert (line["delivery"], line["action"], line["stands"]) == (held.delivery, "stands", {"platform_school": "p2"})


async def test_a_school_that_a_release_removes_keeps_no_place(tx: AsyncConnection) -> None:
    """Neither is its match remembered, nor does it stand in the way of the school that has its place by now."""
    adams = frames(schools=[("A", "Adams")])
    await concluded(tx, accepted(plans(empty(), adams)))
    (gone,) = plans(adams, empty(), held="A")
    await concluded(tx, accepted([replace(gone, platform_school="p1")]))
    (held,) = await stored.held(tx, "lincoln")
    await schools.decide(tx, "lincoln", "B", Decision.MATCHED, platform_school="p1", by="Kim", at=LATER)
    await deciding.release(tx, [held.plan], "Kim", "it has closed", LATER)
    assert await roster.schools(tx, "lincoln") == frozenset()
    assert list(await schools.decisions(tx, "lincoln")) == ["B"]


@pytest.mark.parametrize("holds", [(), (HOLD,)], ids=["clear", "held"])
async def test_a_matched_school_goes_on_unless_a_hold_stops_it(tx: AsyncConnection, holds: tuple[Hold, ...]) -> None:
    """Nothing of it is written before; what a hold stops still waits for its release."""
    (unmatched,) = plans(empty(), frames(schools=[("A", "Adams")]))
    waits = replace(unmatched, state=State.UNMATCHED, holds=holds)
    (one,) = await stored.of(tx, await concluded(tx, accepted([waits])))
    assert (one.state, await roster.schools(tx, "lincoln")) == (State.UNMATCHED, frozenset())
    await deliveries.reported(tx, one.delivery, AT)
    matched = await deciding.matched(tx, one, "p1", "Kim", "it is that one", LATER)
    assert (matched.state, matched.platform_school) == (State.HELD if holds else State.APPLIED, "p1")
    assert await roster.schools(tx, "lincoln") == (frozenset() if holds else {"A"})
    assert [due.id for due in await deliveries.unreported(tx)] == [one.delivery]
    if holds:
        await deciding.release(tx, [one.plan], "Kim", "checked", LATER)
    assert (await roster.schools(tx, "lincoln"), (await schools.decisions(tx, "lincoln"))["A"].platform_school) == (
        {"A"},
        "p1",
    )


@pytest.mark.parametrize(
    ("state", "closed"), [(State.HELD, State.DISCARDED), (State.UNMATCHED, State.DESELECTED)], ids=str
)
async def test_the_plan_of_a_school_that_is_deselected_is_closed(
    tx: AsyncConnection, state: State, closed: State
) -> None:
    """Nothing of it is written, and who deselected the school closed its plan."""
    (waits,) = plans(empty(), frames(schools=[("A", "Adams")]), held="A")
    (one,) = await stored.of(tx, await concluded(tx, accepted([replace(waits, state=state)])))
    after = await deciding.deselected(tx, one, "Kim", "not rostered", LATER)
    assert (after.state, after.closed_by, await roster.schools(tx, "lincoln")) == (closed, "Kim", frozenset())
    assert (await deliveries.get(tx, one.delivery)).state is DeliveryState.SETTLED


@pytest.mark.parametrize("state", sorted(OPEN - {State.CLEAR}))
async def test_what_is_open_gives_way_to_what_is_newer(tx: AsyncConnection, state: State) -> None:
    """Held and unmatched plans are superseded by the next accepted delivery of the district, and of no other."""
    older = await concluded(tx, accepted([plan("A", {}, state), plan("B", {})]))
    await concluded(tx, accepted(), "east")
    assert [one.state for one in await stored.of(tx, older)] == [state, State.APPLIED]
    await concluded(tx, accepted())
    assert [one.state for one in await stored.of(tx, older)] == [State.SUPERSEDED, State.APPLIED]
    assert [one.closed_at for one in await stored.of(tx, older)] == [AT, AT]
