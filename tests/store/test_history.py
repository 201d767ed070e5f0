from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.rosters import frames, rosters, same
from rostergate import store
from rostergate.core.diff import apply
from rostergate.core.plan_state import State
from rostergate.core.roster import TABLES, empty
from rostergate.errors import NotFound, Refused
from rostergate.store import deciding, history, turns
from rostergate.store import plans as stored
from store.making import AT, REJECTED, accepted, concluded, plans, sealed
from store.replaying import Platform, told

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.roster import Frames

_numbers = count()

ANN = frames(schools=[("A", "Adams")], students=[("s1", "Ann")], student_schools=[("A", "s1")])
BOTH = frames(
    schools=[("A", "Adams"), ("B", "Baker")],
    students=[("s1", "Ann"), ("s2", "Bo")],
    student_schools=[("A", "s1"), ("B", "s2")],
)


async def _as_of(tx: AsyncConnection, delivery: str, district: str = "lincoln") -> Frames:
    return await history.load(tx, district, (await turns.span(tx, delivery)).after)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(rosters, st.sets(st.sampled_from("ABC")), st.sets(st.sampled_from("ABC"))), max_size=5))
async def test_any_delivery_can_be_looked_back_to(
    engine: AsyncEngine, days: list[tuple[Frames, set[str], set[str]]]
) -> None:
    """After any deliveries, with schools held and released later, each is as it left the roster, and so is the feed."""
    district = f"d{next(_numbers)}"
    model, seen, platform = empty(), [], Platform()
    async with store.writing(engine) as tx:
        for wanted, held, released in days:
            before = model
            decided = plans(model, wanted, held)
            delivery = await concluded(tx, accepted(decided), district)
            model = apply(model, [one.changes for one in decided if one.state is State.CLEAR])
            for one in await stored.of(tx, delivery):
                if one.state is State.HELD and one.school_id in released:
                    model = apply(model, [(await stored.changes(tx, delivery))[one.school_id]])
                    await deciding.release(tx, [f"{delivery}:{one.plan}"], "Kim", "checked", AT)
            seen.append((delivery, before, model))
        for delivery, before, after in seen:
            span = await turns.span(tx, delivery)
            assert same(await history.load(tx, district, span.before), before)
            assert same(await history.load(tx, district, span.after), after)
            counts = await history.counts(tx, district, span.after)
            assert counts == {name: frame.height for name, frame in after.items()}
            assert await _parts(tx, district, span) == {name: _in_order(after, name) for name in TABLES}
            platform.take(line for line in await told(tx, district) if line["delivery"] == delivery)
            assert same(platform.roster(), after)
        assert await _parts(tx, district, None) == {name: _in_order(model, name) for name in TABLES}


async def _parts(
    tx: AsyncConnection, district: str, span: turns.Span | None
) -> dict[str, list[tuple[str | None, ...]]]:
    found: dict[str, list[tuple[str | None, ...]]] = {name: [] for name in TABLES}
    for name, table in TABLES.items():
        async for part in history.rows(tx, district, table, span):
            found[name] += part.select(table.columns).rows()
    return found


def _in_order(tables: Frames, name: str) -> list[tuple[str | None, ...]]:
    order = {"teacher_schools": (1, 0), "student_schools": (1, 0), "guardianships": (2, 0, 1)}
    places = order.get(name, tuple(range(len(TABLES[name].key))))
    return sorted(tables[name].rows(), key=lambda row: [row[place] for place in places])


async def test_what_is_gone_and_what_was_made_tell_two_grounds_apart(tx: AsyncConnection) -> None:
    """The rows that a later delivery changed are found without reading those that it left alone."""
    first = await concluded(tx, accepted(plans(empty(), BOTH)))
    changed = frames(
        schools=[("A", "Adams"), ("B", "Baker Street")],
        students=[("s1", "Ann"), ("s3", "Cy")],
        student_schools=[("A", "s1"), ("B", "s3")],
    )
    second = await concluded(tx, accepted(plans(BOTH, changed)))
    before, after = (await turns.span(tx, first)).after, (await turns.span(tx, second)).after
    gone, made = await history.gone(tx, "lincoln", before), await history.made(tx, "lincoln", before, after)
    assert {name: frame.rows() for name, frame in gone.items() if frame.height} == {
        "schools": [("B", "Baker")],
        "students": [("s2", "Bo", None, None, None, None, None)],
        "student_schools": [("B", "s2")],
    }
    assert {name: frame.rows() for name, frame in made.items() if frame.height} == {
        "schools": [("B", "Baker Street")],
        "students": [("s3", "Cy", None, None, None, None, None)],
        "student_schools": [("B", "s3")],
    }


async def test_a_delivery_without_changes_is_the_roster_as_it_found_it(tx: AsyncConnection) -> None:
    """As of a refused delivery, and of one that waits as a whole, the roster is what it was before."""
    await concluded(tx, accepted(plans(empty(), ANN)))
    refused = await concluded(tx, REJECTED)
    held = await concluded(tx, accepted(plans(ANN, BOTH, held="B")))
    assert same(await _as_of(tx, refused), ANN)
    assert same(await _as_of(tx, held), ANN)
    (waits,) = [one for one in await stored.of(tx, held) if one.state is State.HELD]
    await deciding.release(tx, [waits.plan], "Kim", "checked", AT)
    assert same(await _as_of(tx, held), BOTH), "what was released later belongs to its delivery"
    assert same(await _as_of(tx, refused), ANN)


async def test_a_release_after_a_refused_delivery_belongs_to_its_own(tx: AsyncConnection) -> None:
    """A refused delivery in between takes nothing over: as of it, the plan was not released yet."""
    held = await concluded(tx, accepted(plans(empty(), BOTH, held="B")))
    refused = await concluded(tx, REJECTED)
    await deciding.release(tx, [(await stored.held(tx))[0].plan], "Kim", "checked", AT)
    assert same(await _as_of(tx, held), BOTH)
    assert same(await _as_of(tx, refused), frames(**{name: ANN[name].rows() for name in TABLES}))


async def test_what_was_never_decided_left_no_roster(tx: AsyncConnection) -> None:
    """A delivery that still waits, and one that does not exist, are refused with the reason."""
    waiting = await sealed(tx)
    with pytest.raises(Refused, match="sealed and was never decided"):
        await turns.span(tx, waiting)
    with pytest.raises(NotFound, match="no delivery lincoln-00007"):
        await turns.span(tx, "lincoln-00007")


async def test_parts_are_bounded_and_of_one_state(tx: AsyncConnection) -> None:
    """A table that is larger than one part comes in several, each row once, in the order of the keys."""
    many = [f"s{number:05d}" for number in range(history.ROWS_AT_ONCE + 5)]
    wanted = frames(
        schools=[("A", None)], students=[(one, "Ann") for one in many], student_schools=[("A", one) for one in many]
    )
    delivery = await concluded(tx, accepted(plans(empty(), wanted)))
    for span in (None, await turns.span(tx, delivery)):
        parts = [part async for part in history.rows(tx, "lincoln", TABLES["students"], span)]
        assert [part.height for part in parts] == [history.ROWS_AT_ONCE, 5]
        assert [one for part in parts for one in part["student_id"]] == many
