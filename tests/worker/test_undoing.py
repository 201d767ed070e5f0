from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.rosters import frames, same
from rostergate import store
from rostergate.core.delivery import State as DeliveryState
from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.core.policy import Policy
from rostergate.core.roster import empty
from rostergate.errors import NotFound, Refused
from rostergate.store import conclusions, deciding, deliveries, history, plans, roster, schools, turns, undos, verdicts
from rostergate.store.checking import check
from rostergate.worker import undoing
from store.making import AT, LATER, REJECTED, accepted, concluded, sealed
from store.making import plans as making

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.core.roster import Frames

POLICY = Policy()
FIRST = frames(
    schools=[("A", "Adams"), ("B", "Baker")],
    students=[("s1", "Ann"), ("s2", "Bo")],
    student_schools=[("A", "s1"), ("B", "s2")],
)
SECOND = frames(
    schools=[("A", "Adams"), ("B", "Baker")],
    students=[("s1", "Anna"), ("s3", "Cy")],
    student_schools=[("A", "s1"), ("B", "s3")],
)


async def _deliver(engine: AsyncEngine, *wanted: Frames, held: str = "") -> list[str]:
    """Conclude deliveries one after the other, the last one's schools held as given; return their ids."""
    made = []
    for place, tables in enumerate(wanted, 1):
        async with store.writing(engine) as tx:
            now = await roster.load(tx, "lincoln")
            decided = making(now, tables, held if place == len(wanted) else "")
            made.append(await concluded(tx, accepted(decided)))
    return made


async def _undo(engine: AsyncEngine, delivery: str, school: str | None = None) -> str:
    outlook = await undoing.look(engine, delivery, school, POLICY)
    undone, _ = await undoing.carry_out(engine, outlook, by=" Kim ", reason="a wrong export", at=LATER)
    return undone


async def _roster(engine: AsyncEngine, as_of: str | None = None) -> Frames:
    async with store.reading(engine) as tx:
        if as_of is None:
            return await roster.load(tx, "lincoln")
        return await history.load(tx, "lincoln", (await turns.span(tx, as_of)).after)


async def test_an_undo_is_a_delivery_of_its_own(engine: AsyncEngine) -> None:
    """It has the next number, keeps who and why, and is told of on both sides; the roster is as it was."""
    _, second = await _deliver(engine, FIRST, SECOND)
    undone = await _undo(engine, second)
    assert undone == "lincoln-00003"
    assert same(await _roster(engine), FIRST)
    async with store.reading(engine) as tx:
        assert await undos.of(tx, undone) == undos.Undo(undone, second, None, "Kim", "a wrong export")
        assert (await deliveries.get(tx, undone)).state is DeliveryState.SETTLED
        assert (await verdicts.load(tx, second))["undone_by"] == [undone]
        assert (await verdicts.load(tx, undone))["undo"] == {
            "undone": second,
            "school_id": None,
            "asked_by": "Kim",
            "reason": "a wrong export",
        }
        assert {one.id for one in await deliveries.unreported(tx)} >= {second, undone}


async def test_an_undo_can_be_undone(engine: AsyncEngine) -> None:
    """Undoing the undo brings the delivery's changes back, and every delivery can still be looked back to."""
    first, second = await _deliver(engine, FIRST, SECOND)
    undone = await _undo(engine, second)
    again = await _undo(engine, undone)
    assert same(await _roster(engine), SECOND)
    for delivery, wanted in ((first, FIRST), (second, SECOND), (undone, FIRST), (again, SECOND)):
        assert same(await _roster(engine, delivery), wanted)


async def test_files_that_came_in_meanwhile_leave_a_sound_database(engine: AsyncEngine) -> None:
    """Their number is lower than the undo's, whose rows they end: the order is that of the turns."""
    _, second = await _deliver(engine, FIRST, SECOND)
    async with store.writing(engine) as tx:
        coming = (await deliveries.begin(tx, "lincoln", AT)).id
    assert await _undo(engine, second) > coming
    async with store.writing(engine) as tx:
        decided = accepted(making(await roster.load(tx, "lincoln"), SECOND))
        assert await concluded(tx, decided) == coming
    assert [one for one in await check(engine) if not one.ok] == []


async def test_an_older_delivery_is_undone_around_newer_ones(engine: AsyncEngine) -> None:
    """What came since stays: only rows that nobody changed again go back, and the others are counted."""
    newer = frames(
        schools=[("A", "Adams"), ("B", "Baker")],
        students=[("s1", "Annie"), ("s3", "Cy")],
        student_schools=[("A", "s1"), ("B", "s3")],
    )
    _, second, _ = await _deliver(engine, FIRST, SECOND, newer)
    outlook = await undoing.look(engine, second, None, POLICY)
    assert outlook.undo.left == {"students": 1}
    await _undo(engine, second)
    assert sorted((await _roster(engine))["students"]["first_name"]) == ["Annie", "Bo"]


async def test_what_a_later_delivery_removed_is_not_brought_back(engine: AsyncEngine) -> None:
    """The delivery that is undone had left it as it was; so it is not for its undo to say."""
    later = (
        SECOND
        | {name: SECOND[name].filter(school_id="A") for name in ("schools", "student_schools")}
        | {"students": SECOND["students"].filter(student_id="s1")}
    )
    _, second, _ = await _deliver(engine, FIRST, SECOND, later)
    await _undo(engine, second)
    now = await _roster(engine)
    assert now["schools"]["school_id"].to_list() == ["A"]
    assert now["students"].select("student_id", "first_name").rows() == [("s1", "Ann")]


async def test_one_school_is_undone_alone(engine: AsyncEngine) -> None:
    """The other schools stay as the delivery left them."""
    _, second = await _deliver(engine, FIRST, SECOND)
    undone = await _undo(engine, second, "B")
    async with store.reading(engine) as tx:
        assert await undos.of(tx, undone) == undos.Undo(undone, second, "B", "Kim", "a wrong export")
    assert sorted((await _roster(engine))["students"]["first_name"]) == ["Anna", "Bo"]
    with pytest.raises(NotFound, match="has no school Z"):
        await undoing.look(engine, second, "Z", POLICY)


async def test_an_undo_is_held_and_released_like_any_plan(engine: AsyncEngine) -> None:
    """An undo that takes a school's pupils away waits; until it is released nothing has changed."""
    many = [f"s{number}" for number in range(40)]
    few = frames(schools=[("A", None)], students=[("s0", "Ann")], student_schools=[("A", "s0")])
    full = frames(
        schools=[("A", None)], students=[(one, "Ann") for one in many], student_schools=[("A", one) for one in many]
    )
    _, second = await _deliver(engine, few, full)
    undone = await _undo(engine, second)
    assert same(await _roster(engine), full)
    async with store.writing(engine) as tx:
        (held,) = await plans.held(tx)
        assert (held.delivery, held.state) == (undone, State.HELD)
        await deciding.release(tx, [held.plan], "Kim", "checked", LATER)
    assert same(await _roster(engine), few)
    assert same(await _roster(engine, undone), few)


async def test_an_undo_takes_the_place_of_plans_that_wait_but_not_of_files(engine: AsyncEngine) -> None:
    """Held plans are superseded and told beforehand; a sealed delivery is decided after the undo, about its roster."""
    first, second = await _deliver(engine, FIRST, SECOND, held="B")
    async with store.writing(engine) as tx:
        waiting = await sealed(tx)
    outlook = await undoing.look(engine, first, "A", POLICY)
    assert [(one.delivery, one.school_id) for one in outlook.replaced] == [(second, "B")]
    assert outlook.coming == (waiting,)
    undone = await _undo(engine, first, "A")
    async with store.writing(engine) as tx:
        assert [one.state for one in await plans.of(tx, second)] == [State.APPLIED, State.SUPERSEDED]
        assert (await deliveries.get(tx, waiting)).state is DeliveryState.SEALED
        ground = await roster.ground(tx, "lincoln")
        decided = making(await roster.load(tx, "lincoln"), SECOND)
        await verdicts.conclude(tx, waiting, accepted(decided), ground=ground, at=LATER)
    assert same(await _roster(engine), SECOND), "the next delivery brings the changes again"
    assert same(await _roster(engine, waiting), SECOND)
    assert not same(await _roster(engine, undone), SECOND)


async def test_a_held_undo_gives_way_to_the_next_delivery(engine: AsyncEngine) -> None:
    """An undo that waits is superseded by a delivery that is decided later, although that one began before it."""
    first, second = await _deliver(engine, FIRST, SECOND)
    async with store.writing(engine) as tx:
        waiting = await sealed(tx)
    outlook = await undoing.look(engine, second, None, Policy(matching="review"))
    async with store.writing(engine) as tx:
        begun = await undos.begin(tx, second, school_id=None, by="Kim", reason="x", at=AT)
        held = accepted(making(SECOND, FIRST, "AB"))
        await verdicts.conclude(tx, begun.id, held, ground=outlook.ground, at=AT)
    async with store.writing(engine) as tx:
        ground = await roster.ground(tx, "lincoln")
        await verdicts.conclude(tx, waiting, accepted(), ground=ground, at=AT)
        assert (await deliveries.get(tx, begun.id)).state is DeliveryState.SUPERSEDED
    assert first


async def _decide(engine: AsyncEngine, school: str, decision: Decision) -> None:
    async with store.writing(engine) as tx:
        await schools.decide(tx, "lincoln", school, decision, by="Kim", at=LATER)


async def test_nothing_of_a_school_that_was_deselected_since_is_put_back(engine: AsyncEngine) -> None:
    """The decision counts as for any delivery, and what stays because of it is told; selected again, it is put back."""
    _, second = await _deliver(engine, FIRST, SECOND)
    await _decide(engine, "B", Decision.DESELECTED)
    outlook = await undoing.look(engine, second, None, POLICY)
    assert [plan.school_id for plan in outlook.undo.verdict.plans] == ["A"]
    assert outlook.undo.left == {"students": 2, "student_schools": 2}
    with pytest.raises(Refused, match="in school B is left to undo"):
        await undoing.look(engine, second, "B", POLICY)
    await _undo(engine, second)
    assert sorted((await _roster(engine))["students"]["first_name"]) == ["Ann", "Cy"]
    await _decide(engine, "B", Decision.SELECTED)
    await _undo(engine, second)
    assert same(await _roster(engine), FIRST)


async def test_a_school_that_waits_for_its_match_waits_with_the_undo(engine: AsyncEngine) -> None:
    """Where new schools are reviewed, one that the undo brings back is no exception, unless a person has matched it."""
    _, second = await _deliver(engine, FIRST, frames(schools=[("A", "Adams")]))
    review = Policy(matching="review")
    outlook = await undoing.look(engine, second, None, review)
    assert [(one.school_id, one.state) for one in outlook.undo.verdict.plans] == [
        ("A", State.CLEAR),
        ("B", State.UNMATCHED),
    ]
    await undoing.carry_out(engine, outlook, by="Kim", reason="a wrong export", at=LATER)
    assert (await _roster(engine))["schools"].rows() == [("A", "Adams")]
    async with store.writing(engine) as tx:
        waits = await plans.open_of(tx, "lincoln", "B")
        assert waits
        await deciding.matched(tx, waits, "p1", "Kim", "it is p1", LATER)
    assert same(await _roster(engine), FIRST)
    await _decide(engine, "B", Decision.MADE)
    third = (await _deliver(engine, frames(schools=[("A", "Adams")])))[0]
    outlook = await undoing.look(engine, third, "B", review)
    assert [one.state for one in outlook.undo.verdict.plans] == [State.CLEAR]


async def test_an_undo_is_not_recorded_when_a_school_was_decided_about_since(engine: AsyncEngine) -> None:
    """What was told beforehand would not be what is done: the undo is refused, whatever the decision was."""
    _, second = await _deliver(engine, FIRST, SECOND)
    for decision in (Decision.DESELECTED, Decision.SELECTED):
        outlook = await undoing.look(engine, second, None, POLICY)
        await _decide(engine, "B", decision)
        with pytest.raises(Refused, match="or the match of a school, has changed"):
            await undoing.carry_out(engine, outlook, by="Kim", reason="x", at=LATER)
    assert same(await _roster(engine), SECOND)


async def test_nothing_to_undo_is_refused(engine: AsyncEngine) -> None:
    """A delivery that changed nothing, was refused, never decided, or is undone already says which."""
    first, second = await _deliver(engine, FIRST, SECOND)
    async with store.writing(engine) as tx:
        refused = await concluded(tx, REJECTED)
        waiting = await sealed(tx)
    for delivery, why in ((refused, "changed nothing"), (waiting, "never decided"), ("lincoln-00099", "no delivery")):
        with pytest.raises((Refused, NotFound), match=why):
            await undoing.look(engine, delivery, None, POLICY)
    await _undo(engine, second)
    with pytest.raises(Refused, match="Nothing that lincoln-00002 changed is left"):
        await undoing.look(engine, second, None, POLICY)
    assert first


async def test_an_undo_on_moved_ground_is_not_recorded(engine: AsyncEngine) -> None:
    """When the roster changed after it was told, the undo is refused and leaves no delivery behind."""
    _, second = await _deliver(engine, FIRST, SECOND)
    outlook = await undoing.look(engine, second, None, POLICY)
    await _deliver(engine, empty())
    with pytest.raises(Refused, match="has changed since this was worked"):
        await undoing.carry_out(engine, outlook, by="Kim", reason="x", at=LATER)
    with pytest.raises(Refused, match="give both"):
        await undoing.carry_out(engine, outlook, by="Kim", reason=" ", at=LATER)
    async with store.reading(engine) as tx:
        assert [one.id for one in await deliveries.listed(tx)] == [f"lincoln-{number:05}" for number in (3, 2, 1)]


async def test_what_asks_for_the_newest_upload_passes_undos_over(engine: AsyncEngine) -> None:
    """The files that a district sees, and the last conclusion, are those of its newest upload; a retry is possible."""
    first, second = await _deliver(engine, FIRST, SECOND)
    async with store.writing(engine) as tx:
        failed = await sealed(tx)
        await deliveries.give_up(tx, failed, "x", AT)
    undone = await _undo(engine, second)
    async with store.writing(engine) as tx:
        newest, uploaded = await deliveries.latest(tx, "lincoln"), await deliveries.latest(tx, "lincoln", uploaded=True)
        assert newest
        assert uploaded
        assert (newest.id, uploaded.id) == (undone, failed)
        assert await conclusions.last(tx, "lincoln") is None, "made without one"
        assert (await deliveries.retry(tx, failed)).state is DeliveryState.SEALED
    assert first
