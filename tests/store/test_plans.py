from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from rostergate import store
from rostergate.core.plan import counted
from rostergate.core.plan_state import State
from rostergate.core.roster import empty
from rostergate.errors import NotFound, Refused
from rostergate.store import deciding, roster, standing, verdicts
from rostergate.store import plans as stored
from store.making import AT, HOLD, LATER, WANTED, accepted, both_held, concluded, plans, sealed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.plan import Plan


async def test_a_plan_is_kept_whole(tx: AsyncConnection) -> None:
    """State, counts, holds and changes come back as the verdict had them."""
    wanted = plans(empty(), WANTED, held="B")
    delivery = await concluded(tx, accepted(wanted))
    one, other = await stored.of(tx, delivery)
    assert (one.school_id, one.state, one.holds, one.closed_at) == ("A", State.APPLIED, (), AT)
    assert (other.school_id, other.state, other.holds, other.closed_at) == ("B", State.HELD, (HOLD,), None)
    assert (other.name, other.hash, other.plan) == ("School B", wanted[1].hash, wanted[1].hash[:12])
    assert other.counts == counted(wanted[1].changes)
    found = await stored.changes(tx, delivery)
    assert found.keys() == {"A", "B"}
    for told in wanted:
        assert {name: frame.sort(frame.columns).rows() for name, frame in found[told.school_id].items()} == {
            name: frame.sort(frame.columns).rows() for name, frame in told.changes.items()
        }


async def test_held_plans_are_listed_by_district(tx: AsyncConnection) -> None:
    """Only what waits for a person is listed, of one district or of all."""
    await concluded(tx, accepted(plans(empty(), WANTED, held="B")))
    await concluded(tx, accepted(plans(empty(), WANTED, held="AB")), "east")
    assert [(one.district, one.school_id) for one in await stored.held(tx)] == [
        ("lincoln", "B"),
        ("east", "A"),
        ("east", "B"),
    ]
    assert [one.school_id for one in await stored.held(tx, "lincoln")] == ["B"]


@pytest.mark.parametrize("location", ["sqlite"], indirect=True)
async def test_what_waits_is_found_without_reading_all_there_ever_was(engine: AsyncEngine) -> None:
    """There is a plan for each school on each day: nothing that asks for those on hold goes through the whole table."""
    asked: list[tuple[str, tuple[object, ...]]] = []
    async with store.reading(engine) as tx:
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *it: asked.append((it[2], it[3])))
        await stored.held(tx)
        await stored.waits(tx)
        await standing.held(tx)
        for statement, given in [*asked]:
            steps = (await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)).mappings()
            assert not [step for step in steps if step["detail"].startswith("SCAN")], statement
    assert asked


async def test_a_school_waits_from_the_first_plan_that_was_held(tx: AsyncConnection) -> None:
    """Each delivery replaces its plan; a person's decision, and a delivery that nothing holds, begin anew."""

    async def waits(decided: tuple[Plan, ...], days: int) -> dict[str, tuple[int, int]]:
        """Conclude a delivery so many days later; return since which day, and in how many deliveries, schools wait."""
        delivery, at = await sealed(tx), AT + timedelta(days=days)
        await verdicts.conclude(tx, delivery, accepted(decided), ground=await roster.ground(tx, "lincoln"), at=at)
        found = await stored.waits(tx, "lincoln")
        assert found == await stored.waits(tx)
        told = {one.school_id: found[one.id] for one in await stored.held(tx)}
        return {school: ((one.since - AT).days, one.deliveries) for school, one in told.items()}

    both, one = plans(empty(), WANTED, held="AB"), plans(empty(), WANTED, held="B")
    assert await waits(both, 0) == {"A": (0, 1), "B": (0, 1)}
    assert await waits(both, 1) == {"A": (0, 2), "B": (0, 2)}
    assert await waits(one, 4) == {"B": (0, 3)}
    assert await waits(both, 5) == {"A": (5, 1), "B": (0, 4)}
    (plan,) = [plan for plan in await stored.held(tx) if plan.school_id == "B"]
    await deciding.discard(tx, [plan.plan], "Kim", "checked", LATER)
    assert await waits(both, 6) == {"A": (5, 2), "B": (6, 1)}
    await concluded(tx, accepted(plans(empty(), WANTED, held="AB")), "east")
    assert len(await stored.waits(tx)) == 4
    assert len(await stored.waits(tx, "east")) == 2


@pytest.mark.parametrize("ref", ["", "zz", "0" * 64, "lincoln-00009:", "%", "lincoln-00009:a"])
async def test_an_unknown_plan_is_not_found(tx: AsyncConnection, ref: str) -> None:
    """What names no plan says so."""
    await both_held(tx)
    with pytest.raises(NotFound):
        await stored.find(tx, ref)


async def test_a_plan_is_found_by_the_beginning_of_its_hash(tx: AsyncConnection) -> None:
    """Short or whole, in either case, with or without its delivery."""
    one, _ = await both_held(tx)
    for ref in (one.hash, one.plan, one.plan.upper(), f" {one.plan} ", f"{one.delivery}:{one.plan}"):
        assert await stored.find(tx, ref) == one


async def test_an_ambiguous_beginning_is_refused(tx: AsyncConnection) -> None:
    """When two open plans could be meant, the answer says how to name one."""
    await concluded(tx, accepted(plans(empty(), WANTED, held="A")))
    await concluded(tx, accepted(plans(empty(), WANTED, held="A")), "east")
    (one,) = await stored.held(tx, "east")
    with pytest.raises(Refused, match=f"for example {one.delivery}:{one.plan}"):
        await deciding.release(tx, [one.plan], "Kim", "checked", LATER)
    (released,) = await deciding.release(tx, [f"{one.delivery}:{one.plan}"], "Kim", "checked", LATER)
    assert released.id == one.id


async def test_the_same_changes_again_mean_the_plan_that_waits(tx: AsyncConnection) -> None:
    """Held yesterday and again today, the same hash means today's plan."""
    await concluded(tx, accepted(plans(empty(), WANTED, held="AB")))
    today = await concluded(tx, accepted(plans(empty(), WANTED, held="AB")))
    one, _ = await stored.of(tx, today)
    assert await stored.find(tx, one.plan) == one


async def test_the_same_changes_of_days_that_have_passed_are_one_plan(tx: AsyncConnection) -> None:
    """Held for two days and changed since, the hash of those days names a plan that does not wait any more."""
    (old,) = plans(empty(), WANTED, held="A")[:1]
    for changed in (old, old, replace(old, hash="f" * 64)):
        latest = await concluded(tx, accepted([changed]))
    with pytest.raises(Refused, match=f"Plan {old.hash[:12]} cannot be released: a newer delivery"):
        await deciding.release(tx, [old.hash], "Kim", "checked", LATER)
    assert [one.delivery for one in await stored.held(tx)] == [latest]
