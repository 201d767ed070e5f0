from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import event

from core.rosters import frames
from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.core.roster import empty
from rostergate.core.school_status import Status
from rostergate.store import deciding, erasing, roster, schools, undos, verdicts, whereabouts
from rostergate.store import plans as stored
from store.making import AT, LATER, accepted, concluded, plan, plans

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

BOTH = frames(schools=[("A", "Adams"), ("B", "Baker")], students=[("s1", "Ann")], student_schools=[("A", "s1")])


async def _stand(tx: AsyncConnection) -> dict[str, Status]:
    """Return where the schools stand, by id, in the order in which they are listed."""
    return {one.school_id: one.status for one in await whereabouts.of(tx, "lincoln")}


async def test_nothing_is_known_of_a_new_district(tx: AsyncConnection) -> None:
    """Before its first delivery a district has no schools."""
    assert await _stand(tx) == {}


async def test_the_most_urgent_comes_first(tx: AsyncConnection) -> None:
    """A school on hold stands before one that is connected, whatever their names; the plan is named."""
    await concluded(tx, accepted(plans(empty(), BOTH, held="B")))
    assert list((await _stand(tx)).items()) == [("B", Status.ON_HOLD), ("A", Status.CONNECTED)]
    held, clear = await whereabouts.of(tx, "lincoln")
    assert (held.name, held.decision, held.left_out) == ("School B", None, 0)
    assert held.plan
    assert clear.plan
    assert held.plan != clear.plan


async def test_a_school_that_left_the_files_is_still_listed(tx: AsyncConnection) -> None:
    """What the roster had once stays in the list, under the name that it had."""
    await concluded(tx, accepted(plans(empty(), BOTH)))
    await concluded(tx, accepted([plan("A", {})]))
    assert await _stand(tx) == {"A": Status.CONNECTED, "B": Status.NOT_IN_FILES}
    gone = (await whereabouts.of(tx, "lincoln"))[1]
    assert (gone.name, gone.plan) == ("Baker", None)


async def test_a_plan_that_waits_for_a_match(tx: AsyncConnection) -> None:
    """A school without a match waits, until somebody has said which one of the platform it is."""
    await concluded(tx, accepted([plan("A", {}, State.UNMATCHED)]))
    assert await _stand(tx) == {"A": Status.WAITING}
    await schools.decide(tx, "lincoln", "A", Decision.MATCHED, platform_school="p-1", by="Ann", at=LATER)
    (matched,) = await whereabouts.of(tx, "lincoln")
    assert (matched.platform_school, matched.decided_by, matched.decided_at) == ("p-1", "Ann", LATER)


async def test_a_school_that_was_taken_out(tx: AsyncConnection) -> None:
    """Deselected counts at once, before the next delivery; a school on hold is still shown as that."""
    await concluded(tx, accepted(plans(empty(), BOTH, held="B")))
    for one in ("A", "B", "C"):
        await schools.decide(tx, "lincoln", one, Decision.DESELECTED, by="Ann", at=AT)
    assert await _stand(tx) == {"B": Status.ON_HOLD, "A": Status.DESELECTED, "C": Status.DESELECTED}


async def test_districts_do_not_mix(tx: AsyncConnection) -> None:
    """A school of another district is not seen."""
    await concluded(tx, accepted(plans(empty(), BOTH)), district="east")
    assert await _stand(tx) == {}


async def test_an_undo_that_waits_is_seen(tx: AsyncConnection) -> None:
    """An undo has no files, so it is not the last delivery; what it lets wait is open nevertheless."""
    await concluded(tx, accepted(plans(empty(), BOTH)))
    only_a = frames(schools=[("A", "Adams")], students=[("s1", "Ann")], student_schools=[("A", "s1")])
    await concluded(tx, accepted([plan("A", {}), *plans(BOTH, only_a)]))
    undo = await undos.begin(tx, "lincoln-00002", school_id=None, by="Kim", reason="too early", at=AT)
    back = tuple(replace(one, state=State.UNMATCHED) for one in plans(only_a, BOTH))
    await verdicts.conclude(tx, undo.id, accepted(back), ground=await roster.ground(tx, "lincoln"), at=AT)
    assert await _stand(tx) == {"B": Status.WAITING, "A": Status.CONNECTED}


async def test_a_new_school_that_was_discarded_is_not_connected(tx: AsyncConnection) -> None:
    """Nothing of it is in the roster; the delivery's own word for it is the same."""
    delivery = await concluded(tx, accepted(plans(empty(), BOTH, held="B")))
    waiting = next(one for one in await stored.of(tx, delivery) if one.school_id == "B")
    await deciding.discard(tx, [waiting.hash], "Kim", "no school of ours", LATER)
    assert await _stand(tx) == {"A": Status.CONNECTED, "B": Status.NOT_IN_FILES}
    told = {one["school_id"]: one["status"] for one in (await verdicts.load(tx, delivery))["schools"]}
    assert told == await _stand(tx)


async def test_a_school_that_waited_when_its_plan_was_superseded_waits_still(tx: AsyncConnection) -> None:
    """An erasure takes its plan, not the question which school it is; one on hold has nothing to decide any more."""
    new = [replace(one, state=State.UNMATCHED) for one in plans(empty(), BOTH) if one.school_id == "A"]
    held = [one for one in plans(empty(), BOTH, held="B") if one.school_id == "B"]
    await concluded(tx, accepted([*new, *held]))
    await erasing.supersede(tx, "lincoln", LATER)
    assert await _stand(tx) == {"A": Status.WAITING, "B": Status.NOT_IN_FILES}
    await schools.decide(tx, "lincoln", "A", Decision.MADE, by="Ann", at=LATER)
    assert await _stand(tx) == {"A": Status.NOT_IN_FILES, "B": Status.NOT_IN_FILES}


async def test_a_school_that_an_undo_took_away_is_not_connected(tx: AsyncConnection) -> None:
    """The last delivery with files brought it, and the roster does not have it any more."""
    await concluded(tx, accepted(plans(empty(), BOTH)))
    undo = await undos.begin(tx, "lincoln-00001", school_id=None, by="Kim", reason="too early", at=AT)
    gone = accepted(plans(BOTH, empty()))
    await verdicts.conclude(tx, undo.id, gone, ground=await roster.ground(tx, "lincoln"), at=AT)
    assert await _stand(tx) == {"A": Status.NOT_IN_FILES, "B": Status.NOT_IN_FILES}


async def test_a_school_that_left_long_ago_keeps_its_name(tx: AsyncConnection) -> None:
    """No plan of the last delivery knows it any more; the roster's past does."""
    await concluded(tx, accepted(plans(empty(), BOTH)))
    alone = frames(schools=[("A", "Adams")], students=[("s1", "Ann")], student_schools=[("A", "s1")])
    await concluded(tx, accepted(plans(BOTH, alone)))
    await concluded(tx, accepted([plan("A", {})]))
    told = [(one.school_id, one.name, one.status) for one in await whereabouts.of(tx, "lincoln")]
    assert told == [("A", "School A", Status.CONNECTED), ("B", "Baker", Status.NOT_IN_FILES)]


async def test_many_districts_are_looked_at_together(
    engine: AsyncEngine, tx: AsyncConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts, each with a few statements; every district stands as it does alone."""
    slugs = [f"d{number}" for number in range(7)]
    for number, slug in enumerate(slugs[:-1]):
        await concluded(tx, accepted(plans(empty(), BOTH, held="AB"[number % 2])), slug)
        if number > 3:
            await schools.decide(tx, slug, "C", Decision.DESELECTED, by="Kim", at=LATER)
        if number == 2:
            await concluded(tx, accepted(plans(await roster.load(tx, slug), BOTH)), slug)
    alone = {slug: found for slug in slugs if (found := await whereabouts.of(tx, slug))}
    assert {len(found) for found in alone.values()} == {2, 3}
    asked: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", count)
    try:
        assert await whereabouts.of_each(tx, slugs) == alone
        together = len(asked)
        monkeypatch.setattr(whereabouts, "_DISTRICTS_AT_ONCE", 3)
        assert await whereabouts.of_each(tx, slugs) == alone
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", count)
    assert len(asked) == together + 3 * together
