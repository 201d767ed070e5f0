from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.rosters import frames, rosters, same
from rostergate import store
from rostergate.core import diff
from rostergate.core.delivery import State
from rostergate.core.plan_state import State as PlanState
from rostergate.core.roster import TABLES, empty
from rostergate.core.states import IllegalTransition
from rostergate.core.verdict import Outcome
from rostergate.errors import NotFound, StoreError
from rostergate.store import deciding, deliveries, roster, slots, verdicts
from rostergate.store import plans as stored
from store.making import AT, DAY, FINDING, LATER, REJECTED, accepted, concluded, plan, plans, sealed

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.roster import Frames

_numbers = count()

WANTED = frames(
    schools=[("A", "Adams"), ("B", "Baker")],
    students=[("s1", "Ann"), ("s2", "Bo")],
    student_schools=[("A", "s1"), ("B", "s2")],
)
ONLY_A = frames(schools=[("A", "Adams")], students=[("s1", "Ann")], student_schools=[("A", "s1")])


async def test_clear_plans_are_applied_and_the_delivery_settles(tx: AsyncConnection) -> None:
    """Without a hold everything is in the roster at once, and nothing is open."""
    delivery = await sealed(tx)
    done = await verdicts.conclude(tx, delivery, accepted(plans(empty(), WANTED)), ground=0, at=LATER)
    assert done == verdicts.Concluded(State.SETTLED, held=0)
    assert same(await roster.load(tx, "lincoln"), WANTED)
    about = await deliveries.get(tx, delivery)
    assert (about.state, about.decided_at, about.closed_at, about.reported_at) == (State.SETTLED, LATER, LATER, None)
    assert (about.format, about.outcome) == ("direct", Outcome.ACCEPTED)


async def test_a_held_school_waits_while_the_others_go_on(tx: AsyncConnection) -> None:
    """A hold stops one school, and keeps the delivery open."""
    delivery = await sealed(tx)
    done = await verdicts.conclude(tx, delivery, accepted(plans(empty(), WANTED, held="B")), ground=0, at=LATER)
    assert done == verdicts.Concluded(State.PLANNED, held=1)
    assert same(await roster.load(tx, "lincoln"), ONLY_A)
    assert (await deliveries.get(tx, delivery)).closed_at is None


@pytest.mark.parametrize(
    ("state", "following", "of_delivery"),
    [
        (PlanState.UNMATCHED, PlanState.UNMATCHED, State.PLANNED),
        (PlanState.DESELECTED, PlanState.DESELECTED, State.SETTLED),
        (PlanState.CLEAR, PlanState.APPLIED, State.SETTLED),
        (PlanState.HELD, PlanState.HELD, State.PLANNED),
    ],
)
async def test_every_state_that_a_verdict_gives_a_plan(
    tx: AsyncConnection, state: PlanState, following: PlanState, of_delivery: State
) -> None:
    """Only a clear plan is applied; what is open keeps the delivery open."""
    (one,) = plans(empty(), ONLY_A)
    delivery = await concluded(tx, accepted([replace(one, state=state)]))
    assert [plan.state for plan in await stored.of(tx, delivery)] == [following]
    assert (await deliveries.get(tx, delivery)).state is of_delivery
    assert same(await roster.load(tx, "lincoln"), ONLY_A if state is PlanState.CLEAR else empty())


async def test_a_school_without_changes_has_a_plan(tx: AsyncConnection) -> None:
    """Nothing to change is applied at once, and leaves the ground where it is."""
    delivery = await sealed(tx)
    verdict = replace(accepted([plan("A", {})]), findings=())
    done = await verdicts.conclude(tx, delivery, verdict, ground=0, at=LATER)
    assert done == verdicts.Concluded(State.SETTLED, held=0)
    assert [one.state for one in await stored.of(tx, delivery)] == [PlanState.APPLIED]
    assert await roster.ground(tx, "lincoln") == 0
    assert await verdicts.findings(tx, delivery) == ()


async def test_a_rejected_delivery_changes_nothing_but_itself(tx: AsyncConnection) -> None:
    """A refusal keeps its findings, gives the slot back and leaves what is open open."""
    held = await concluded(tx, accepted(plans(empty(), WANTED, held="AB")))
    used = await slots.used(tx, "lincoln", DAY)
    delivery = await sealed(tx)
    done = await verdicts.conclude(tx, delivery, REJECTED, ground=0, at=LATER)
    assert done == verdicts.Concluded(State.REJECTED, held=0)
    assert await verdicts.findings(tx, delivery) == (FINDING,)
    assert (await deliveries.get(tx, delivery)).closed_at == LATER
    assert (await deliveries.get(tx, held)).state is State.PLANNED
    assert len(await stored.held(tx)) == 2
    assert await slots.used(tx, "lincoln", DAY) == used


async def test_an_accepted_delivery_takes_the_place_of_older_ones(tx: AsyncConnection) -> None:
    """Older deliveries that are not finished, and their open plans, are superseded and reported again."""
    held = await concluded(tx, accepted(plans(empty(), WANTED, held="AB")))
    await deliveries.reported(tx, held, AT)
    waiting = await sealed(tx)
    elsewhere = await concluded(tx, accepted(plans(empty(), WANTED, held="AB")), "east")
    newest = await sealed(tx)
    await verdicts.conclude(tx, newest, accepted(plans(empty(), ONLY_A)), ground=0, at=LATER)
    for older in (held, waiting):
        about = await deliveries.get(tx, older)
        assert (about.state, about.closed_at, about.reported_at) == (State.SUPERSEDED, LATER, None)
    assert (await deliveries.get(tx, elsewhere)).state is State.PLANNED
    assert [one.district for one in await stored.held(tx)] == ["east", "east"]
    with pytest.raises(IllegalTransition):
        await verdicts.conclude(tx, waiting, accepted(), ground=await roster.ground(tx, "lincoln"), at=LATER)


async def test_a_delivery_is_concluded_once(engine: AsyncEngine) -> None:
    """Of two conclusions at the same time, one is written and the other raises."""
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)

    async def conclude() -> verdicts.Concluded:
        async with store.writing(engine) as tx:
            ground = await roster.ground(tx, "lincoln")
            return await verdicts.conclude(tx, delivery, accepted(plans(empty(), WANTED)), ground=ground, at=LATER)

    outcomes = await asyncio.gather(conclude(), conclude(), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["Concluded", "IllegalTransition"]
    async with store.reading(engine) as tx:
        assert len(await stored.of(tx, delivery)) == 2
        assert await roster.ground(tx, "lincoln") == 1
        assert len(await verdicts.findings(tx, delivery)) == 1


async def test_a_verdict_on_ground_that_moved_is_not_written(engine: AsyncEngine) -> None:
    """When the roster changed after it was read, the verdict raises and leaves the delivery sealed."""
    async with store.writing(engine) as tx:
        held = await concluded(tx, accepted(plans(empty(), WANTED, held="AB")))
        ground = await roster.ground(tx, "lincoln")
        delivery = await sealed(tx)
        await deciding.release(tx, [(await stored.of(tx, held))[0].hash], "Kim", "checked", AT)

    async def conclude() -> None:
        async with store.writing(engine) as tx:
            await verdicts.conclude(tx, delivery, accepted(plans(empty(), WANTED)), ground=ground, at=LATER)

    with pytest.raises(verdicts.GroundMoved):
        await conclude()
    async with store.reading(engine) as tx:
        assert [one.id for one in await deliveries.due(tx)] == [delivery]
        assert await verdicts.findings(tx, delivery) == ()
        assert (await deliveries.get(tx, held)).state is State.PLANNED
        assert same(await roster.load(tx, "lincoln"), ONLY_A)


async def test_an_incomplete_set_never_gets_here(tx: AsyncConnection) -> None:
    """Nothing was decided about an incomplete set: to conclude it is a fault of the program."""
    delivery = await sealed(tx)
    with pytest.raises(AssertionError, match="incomplete"):
        await verdicts.conclude(tx, delivery, replace(REJECTED, outcome=Outcome.INCOMPLETE), ground=0, at=LATER)
    assert (await deliveries.get(tx, delivery)).state is State.SEALED


async def test_a_verdict_is_read_as_it_was_published(tx: AsyncConnection) -> None:
    """What is loaded has every key and value of `Verdict.as_json`, with what became of the plans since."""
    verdict = accepted(plans(empty(), WANTED, held="AB"))
    delivery = await concluded(tx, verdict)
    loaded = await verdicts.load(tx, delivery)
    published = json.loads(json.dumps(verdict.as_json()))
    del published["recognised"]  # not kept: it can be worked out from the files again
    schools = {one["school_id"]: one for one in published["schools"]}
    told = {one["school_id"]: {key: one[key] for key in schools["A"]} for one in loaded["schools"]}
    assert told == schools
    assert {key: loaded[key] for key in published} | {"schools": published["schools"]} == published
    assert json.loads(json.dumps(loaded)) == loaded
    assert (loaded["delivery"], loaded["district"], loaded["state"]) == (delivery, "lincoln", "planned")
    assert (loaded["day"], loaded["received_at"]) == ("2026-09-01", AT.isoformat())

    one = loaded["schools"][0]
    assert (one["plan"], one["closed_by"], one["reason"], one["closed_at"]) == (one["hash"][:12], None, None, None)
    await deciding.discard(tx, [one["plan"]], "Kim", "a mistake", LATER)
    schools_now = (await verdicts.load(tx, delivery))["schools"]
    assert [one["status"] for one in schools_now] == ["on hold", "not in the files"], "most urgent first"
    one = schools_now[1]
    assert (one["state"], one["closed_by"], one["reason"], one["closed_at"]) == (
        "discarded",
        "Kim",
        "a mistake",
        LATER.isoformat(),
    )


async def test_what_is_not_decided_can_be_read_as_well(tx: AsyncConnection) -> None:
    """Before the verdict the same keys are there, and empty."""
    begun = await deliveries.begin(tx, "lincoln", AT)
    early = await verdicts.load(tx, begun.id)
    assert (early["state"], early["day"], early["received_at"], early["files"]) == ("receiving", None, None, [])
    delivery = await sealed(tx)
    loaded = await verdicts.load(tx, delivery)
    assert {key: loaded[key] for key in ("format", "verdict", "findings", "schools", "totals")} == {
        "format": None,
        "verdict": None,
        "findings": [],
        "schools": [],
        "totals": {},
    }
    assert [one["name"] for one in loaded["files"]] == ["students.csv"]
    assert set(loaded) == set(await verdicts.load(tx, await concluded(tx, REJECTED)))
    with pytest.raises(NotFound):
        await verdicts.load(tx, "lincoln-00099")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(rosters, st.sets(st.sampled_from("ABC")), st.randoms()), min_size=1, max_size=4))
async def test_any_days_with_any_holds_end_where_the_core_says(
    engine: AsyncEngine, days: list[tuple[Frames, set[str], object]]
) -> None:
    """Day by day, with schools held, released, discarded or left open, the roster is what the core makes of it."""
    district, model = f"d{next(_numbers)}", empty()
    async with store.writing(engine) as tx:
        for wanted, held, random in days:
            decided = plans(model, wanted, held)
            await concluded(tx, accepted(decided), district)
            model = diff.apply(model, [one.changes for one in decided if one.state is PlanState.CLEAR])
            assert same(await roster.load(tx, district), model)
            for one in await stored.held(tx, district):
                chosen = random.choice(("release", "discard", "leave"))  # type: ignore[attr-defined]
                ref = f"{one.delivery}:{one.hash}"
                if chosen == "release":
                    await deciding.release(tx, [ref], "Kim", "checked", LATER)
                    model = diff.apply(model, [next(it.changes for it in decided if it.school_id == one.school_id)])
                elif chosen == "discard":
                    await deciding.discard(tx, [ref], "Kim", "a mistake", LATER)
                assert same(await roster.load(tx, district), model)
            last = await deliveries.latest(tx, district)
            assert last is not None
            assert (last.state is State.SETTLED) == (not await stored.held(tx, district))
        assert await roster.counts(tx, district) == {name: model[name].height for name in TABLES}


async def test_a_disk_that_fills_up_amid_a_verdict(path: Path) -> None:
    """It is told as a failure of the database, which trying again can help, and nothing of the verdict is there."""
    many = frames(
        schools=[("A", "Adams")],
        students=[(f"s{number}", "Ann") for number in range(2_000)],
        student_schools=[("A", f"s{number}") for number in range(2_000)],
    )
    engine = store.open(path)
    async with store.writing(engine) as tx:
        delivery = await sealed(tx)

    async def conclude() -> None:
        async with store.writing(engine) as tx:
            pages = (await tx.exec_driver_sql("PRAGMA page_count")).scalar_one()
            await tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 10}")
            await verdicts.conclude(tx, delivery, accepted(plans(empty(), many)), ground=0, at=LATER)

    with pytest.raises(StoreError, match="disk is full") as failed:
        await conclude()
    assert not failed.value.permanent
    async with store.reading(engine) as tx:
        assert (await deliveries.get(tx, delivery)).state is State.SEALED
        assert same(await roster.load(tx, "lincoln"), empty())
    await engine.dispose()
