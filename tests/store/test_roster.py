from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.rosters import diff, frames, rosters, same
from rostergate import store
from rostergate.core.diff import apply
from rostergate.core.plan import ACTION, Action
from rostergate.core.roster import TABLES, empty, schema
from rostergate.core.snapshot import Snapshot
from rostergate.errors import NotFound
from rostergate.store import roster, turns
from rostergate.store.schema import roster as versions
from store.making import AT, sealed

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.roster import Frames

_numbers = count()

ONE_STUDENT = {
    "schools": [("A", "Adams")],
    "students": [("s1", "Ann")],
    "student_schools": [("A", "s1")],
}


async def _make(tx: AsyncConnection, wanted: Frames, district: str = "lincoln") -> int:
    """Make `wanted` of a district's roster as its next delivery; return how many versions that took."""
    changes = diff(await roster.load(tx, district), Snapshot(wanted, {}))
    return await roster.apply(tx, district, changes.values(), await sealed(tx, district), AT)


async def _versions(tx: AsyncConnection, name: str, column: str) -> list[tuple[object, ...]]:
    """Return (value, since, until) of all versions in a table, oldest first."""
    made = versions[name]
    query = sa.select(made.c[column], made.c.since_delivery, made.c.until_delivery).order_by(made.c.id)
    return [tuple(row) for row in await tx.execute(query)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rosters, st.lists(st.tuples(rosters, st.sets(st.sampled_from("ABC")), st.randoms()), min_size=1, max_size=4))
async def test_the_store_does_what_the_core_does(
    engine: AsyncEngine, first: Frames, following: list[tuple[Frames, set[str], object]]
) -> None:
    """After any snapshots with any schools left out, together or one by one, store and core have the same roster."""
    district = f"d{next(_numbers)}"
    model = empty()
    async with store.writing(engine) as tx:
        for wanted, left_out, random in [(first, set(), None), *following]:
            changes = diff(model, Snapshot(wanted, {}))
            chosen = [changes[school] for school in changes if school not in left_out]
            groups = [chosen] if random is None else [[one] for one in chosen]
            delivery = await sealed(tx, district)
            before = await roster.ground(tx, district)
            written = sum([await roster.apply(tx, district, group, delivery, AT) for group in groups])
            after = apply(model, chosen)
            assert same(await roster.load(tx, district), after)
            assert bool(written) == (await roster.ground(tx, district) > before)
            assert written or same(after, model)
            model = after
        assert await roster.counts(tx, district) == {name: frame.height for name, frame in model.items()}


async def test_what_is_written_in_parts_is_one_turn(tx: AsyncConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are put in order a few at a time make the same roster, and are counted together."""
    monkeypatch.setattr(roster, "_ROWS_SORTED", 2)
    pupils = [(f"s{number}", "Ann") for number in range(5)]
    first = frames(schools=[("A", "Adams")], students=pupils, student_schools=[("A", one) for one, _ in pupils])
    second = frames(
        schools=[("A", "Adams")],
        students=[("s0", "Bo"), *pupils[1:4], ("s9", "Cy")],
        student_schools=[("A", one) for one in ("s0", "s1", "s2", "s3", "s9")],
    )
    for wanted in (first, second):
        await _make(tx, wanted)
        assert same(await roster.load(tx, "lincoln"), wanted)
    made, changed = await turns.following(tx, 0, district="lincoln")
    old, new = made.rows["students"], changed.rows["students"]
    assert [(one.made, one.ended) for one in (old, new)] == [(5, 0), (2, 2)]
    assert old.first < old.last < new.first < new.last


async def test_an_empty_roster_has_every_table(tx: AsyncConnection) -> None:
    """A district without anything has every canonical table, typed, without rows."""
    assert {name: frame.schema for name, frame in (await roster.load(tx, "lincoln")).items()} == {
        name: schema(table) for name, table in TABLES.items()
    }
    assert await roster.counts(tx, "lincoln") == dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "O'Brien",
        'say "x"',
        "back\\slash",
        "a\nb\tc",
        "\x1f\x7f",
        "é",
        "😀",
        "\ufeff",
        "\u2028",
        "null",
        "[]",
    ],
    ids=ascii,
)
async def test_any_text_comes_back_as_it_was(tx: AsyncConnection, value: str) -> None:
    """Every character survives the way into the database and back, also an absent cell next to it."""
    wanted = frames(
        schools=[("A", value), ("B", None)], students=[(f"s{value}", None)], student_schools=[("A", f"s{value}")]
    )
    await _make(tx, wanted)
    assert same(await roster.load(tx, "lincoln"), wanted)


async def test_unchanged_rows_are_not_written(tx: AsyncConnection) -> None:
    """An update ends one version and makes one; what is unchanged keeps the delivery that made it."""
    await _make(
        tx,
        frames(
            schools=[("A", "Adams")], students=[("s1", "Ann"), ("s2", "Bo")], student_schools=[("A", "s1"), ("A", "s2")]
        ),
    )
    changed = frames(
        schools=[("A", "Adams")], students=[("s1", "Anna"), ("s2", "Bo")], student_schools=[("A", "s1"), ("A", "s2")]
    )
    assert await _make(tx, changed) == 2
    assert await _versions(tx, "students", "first_name") == [("Ann", 1, 2), ("Bo", 1, None), ("Anna", 2, None)]
    assert await _versions(tx, "student_schools", "student_id") == [("s1", 1, None), ("s2", 1, None)]
    assert await _make(tx, changed) == 0


async def test_a_row_that_returns_is_a_new_version(tx: AsyncConnection) -> None:
    """A person who is archived and comes back has the same id and both lives on file."""
    await _make(tx, frames(**ONE_STUDENT))
    await _make(tx, frames(schools=[("A", "Adams")]))
    assert (await roster.counts(tx, "lincoln"))["students"] == 0
    await _make(tx, frames(**ONE_STUDENT))
    assert await _versions(tx, "students", "student_id") == [("s1", 1, 2), ("s1", 3, None)]


async def test_applying_twice_is_applying_once(tx: AsyncConnection) -> None:
    """The same changes a second time write nothing and leave the ground where it is."""
    changes = list(diff(empty(), Snapshot(frames(**ONE_STUDENT), {})).values())
    delivery = await sealed(tx)
    assert await roster.apply(tx, "lincoln", changes, delivery, AT) == 3
    ground = await roster.ground(tx, "lincoln")
    assert await roster.apply(tx, "lincoln", changes, delivery, AT) == 0
    assert await roster.ground(tx, "lincoln") == ground


async def test_a_kept_person_is_made_again_only_when_archived(tx: AsyncConnection) -> None:
    """A kept row never overwrites what is there, and brings back who was archived meanwhile."""
    await _make(tx, frames(**ONE_STUDENT))
    kept = frames(students=[("s1", "Older")])["students"].with_columns(action=pl.lit(Action.KEPT.value, ACTION))
    tie = frames(student_schools=[("B", "s1")])["student_schools"].with_columns(
        action=pl.lit(Action.ADDED.value, ACTION)
    )
    changes = {"students": kept, "student_schools": tie}
    await roster.apply(tx, "lincoln", [changes], await sealed(tx), AT)
    assert (await roster.load(tx, "lincoln"))["students"]["first_name"].to_list() == ["Ann"]
    await _make(tx, frames(schools=[("A", "Adams")]))
    await roster.apply(tx, "lincoln", [changes], await sealed(tx), AT)
    assert (await roster.load(tx, "lincoln"))["students"]["first_name"].to_list() == ["Older"]


async def test_districts_do_not_touch_each_other(tx: AsyncConnection) -> None:
    """The same ids in two districts are two people."""
    await _make(tx, frames(**ONE_STUDENT), "lincoln")
    await _make(tx, frames(**ONE_STUDENT), "east")
    await _make(tx, frames(), "east")
    assert same(await roster.load(tx, "lincoln"), frames(**ONE_STUDENT))
    assert same(await roster.load(tx, "east"), empty())


async def test_the_ground_moves_where_rows_change(tx: AsyncConnection) -> None:
    """Every change moves the district's ground, and that of the schools whose own rows changed."""
    both = [("A", "Adams"), ("B", "Baker")]
    await _make(tx, frames(schools=both, students=[("s1", "Ann")], student_schools=[("A", "s1")]))
    assert await roster.grounds_of_schools(tx, "lincoln") == {"A": 1, "B": 1}
    await _make(tx, frames(schools=both, students=[("s1", "Ann")], student_schools=[("A", "s1"), ("B", "s1")]))
    assert await roster.grounds_of_schools(tx, "lincoln") == {"A": 1, "B": 2}
    await _make(tx, frames(schools=both, students=[("s1", "Anna")], student_schools=[("A", "s1"), ("B", "s1")]))
    assert await roster.grounds_of_schools(tx, "lincoln") == {"A": 1, "B": 2}
    assert await roster.ground(tx, "lincoln") == 3
    assert await roster.ground(tx, "lincoln", "B") == 2
    assert await roster.ground(tx, "east") == 0


async def test_changes_belong_to_a_delivery_of_the_district(tx: AsyncConnection) -> None:
    """Nothing is applied in the name of a delivery that the district does not have."""
    delivery = await sealed(tx, "east")
    with pytest.raises(NotFound):
        await roster.apply(tx, "lincoln", [], delivery, AT)


async def test_more_rows_than_one_statement_takes(tx: AsyncConnection) -> None:
    """A table longer than one statement or one call takes is written, changed and removed whole."""
    many = [f"s{number:05d}" for number in range(11_003)]
    ties = [("A", one) for one in many]
    wanted = frames(schools=[("A", None)], students=[(one, "Ann") for one in many], student_schools=ties)
    assert await _make(tx, wanted) == 22_007
    changed = frames(schools=[("A", None)], students=[(one, "Bo") for one in many], student_schools=ties)
    assert await _make(tx, changed) == 22_006
    assert same(await roster.load(tx, "lincoln"), changed)
    assert await _make(tx, frames(schools=[("A", None)])) == 22_006
    assert await roster.counts(tx, "lincoln") == {**dict.fromkeys(TABLES, 0), "schools": 1}
