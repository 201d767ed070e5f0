from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core.rosters import frames, same
from rostergate import store
from rostergate.core.roster import empty
from rostergate.errors import Refused
from rostergate.store import deciding, feed, floors, roster, turns
from rostergate.store import plans as stored
from rostergate.store.feed import Cursor
from rostergate.store.schema import metadata
from rostergate.store.schema import turns as turns_table
from store.making import AT, REJECTED, accepted, concluded, plans
from store.replaying import Platform, told

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.roster import Frames

ADAMS = frames(
    schools=[("A", "Adams")],
    students=[("s1", "Ann"), ("s2", "Bo")],
    classes=[("A", "c1", "Art")],
    student_schools=[("A", "s1"), ("A", "s2")],
    enrollments=[("A", "c1", "s1")],
)
LESS = frames(
    schools=[("A", "Adams")], students=[("s1", "Anna")], classes=[("A", "c1", "Art")], student_schools=[("A", "s1")]
)
BAKER = frames(schools=[("B", "Baker")], students=[("s9", "Di")], student_schools=[("B", "s9")])


async def test_a_line_says_what_happened_to_one_row(tx: AsyncConnection) -> None:
    """Added, updated and removed rows come with key and values, in an order that leaves no tie to nothing."""
    first = await concluded(tx, accepted(plans(empty(), ADAMS)))
    second = await concluded(tx, accepted(plans(ADAMS, LESS)))
    lines = await told(tx)
    assert {line["action"] for line in lines if line["delivery"] == first} == {"added"}
    later = [line for line in lines if line["delivery"] == second]
    assert [(line["table"], line["action"], *line["key"].values()) for line in later] == [
        ("students", "updated", "s1"),
        ("enrollments", "removed", "A", "c1", "s1"),
        ("student_schools", "removed", "A", "s2"),
        ("students", "removed", "s2"),
    ]
    nothing = dict.fromkeys(("last_name", "grade", "birth_date", "email", "phone"))
    assert later[0] == {
        "cursor": "2.1",
        "district": "lincoln",
        "delivery": second,
        "at": AT.isoformat(),
        "school": None,
        "table": "students",
        "action": "updated",
        "key": {"student_id": "s1"},
        "before": {"first_name": "Ann", **nothing},
        "after": {"first_name": "Anna", **nothing},
        "stands": {"account_state": "offered", "account": None},
    }
    assert (later[2]["school"], later[2]["before"], later[2]["after"]) == ("A", {}, None)


async def test_a_platform_can_stop_anywhere_and_go_on(tx: AsyncConnection) -> None:
    """From each cursor on, exactly the lines after it come, and cursors are never the same twice."""
    await concluded(tx, accepted(plans(empty(), ADAMS)))
    await concluded(tx, REJECTED)
    await concluded(tx, accepted(plans(ADAMS, LESS)))
    lines = await told(tx)
    cursors = [Cursor.parse(line["cursor"]) for line in lines]
    assert cursors == sorted(set(cursors))
    for place, cursor in enumerate(cursors):
        await feed.assert_given(tx, cursor)
        assert await told(tx, after=cursor) == lines[place + 1 :]


async def test_nothing_of_another_district_is_told(tx: AsyncConnection) -> None:
    """On the same ground, and with its rows among this one's: on PostgreSQL districts write side by side."""
    for before, after in ((empty(), ADAMS), (ADAMS, LESS)):
        await concluded(tx, accepted(plans(before, after)))
    alone = await told(tx)
    for before, after in ((empty(), ADAMS), (ADAMS, LESS)):
        await concluded(tx, accepted(plans(before, after)), "east")
    assert await told(tx, "lincoln") == alone
    for turn in await turns.following(tx, 0, district="lincoln"):
        among = {name: replace(rows, first=0, last=1 << 60) for name, rows in turn.rows.items()}
        lines = [line async for line in feed.lines(tx, replace(turn, rows=among))]
        assert lines == [line async for line in feed.lines(tx, turn)]


async def test_a_release_comes_after_what_was_applied_before_it(tx: AsyncConnection) -> None:
    """A plan that is released after other districts' newer deliveries is at the end of the feed, not skipped."""
    held = await concluded(tx, accepted(plans(empty(), ADAMS, held="A")))
    newer = await concluded(tx, accepted(plans(empty(), BAKER)), "east")
    last = Cursor.parse((await told(tx))[-1]["cursor"])
    await deciding.release(tx, [(await stored.held(tx))[0].plan], "Kim", "checked", AT)
    following = await told(tx, after=last)
    assert {line["delivery"] for line in following} == {held}
    assert [line["delivery"] for line in await told(tx, "east")] == [newer] * 3
    platform = Platform()
    platform.take(await told(tx, "lincoln"))
    assert same(platform.roster(), ADAMS)
    assert await feed.end(tx, held) == Cursor.parse(following[-1]["cursor"])


async def test_what_is_not_committed_has_no_place(engine: AsyncEngine) -> None:
    """A transaction that ends in an error leaves neither a turn nor a gap."""
    async with store.writing(engine) as tx:
        await concluded(tx, accepted(plans(empty(), ADAMS)))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the transaction is part of it
        async with store.writing(engine) as tx:
            await concluded(tx, accepted(plans(ADAMS, LESS)))
            raise ZeroDivisionError
    async with store.writing(engine) as tx:
        assert await turns.last(tx) == 1
        await concluded(tx, accepted(plans(ADAMS, LESS)))
        assert [turn.position for turn in await turns.following(tx, 0)] == [1, 2]


@pytest.mark.parametrize("cursor", ["", "1", "1.", "-1.2", "1.2.3", "01.2", "a.b", "1.\u0662", "9" * 30 + ".1"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    """Anything but a cursor that was given out says so."""
    with pytest.raises(Refused, match="is no cursor"):
        Cursor.parse(cursor)


@pytest.mark.parametrize("cursor", ["2.0", "2.1", "1.9", "0.1"])
async def test_a_cursor_of_another_database_is_refused(tx: AsyncConnection, cursor: str) -> None:
    """A cursor beyond what this database ever applied is refused: changes would be left out in silence."""
    await concluded(tx, accepted(plans(empty(), ADAMS)))
    with pytest.raises(Refused, match="restored from a backup"):
        await feed.assert_given(tx, Cursor.parse(cursor))


async def test_what_is_purged_meanwhile_is_not_left_out_in_silence(tx: AsyncConnection) -> None:
    """Whoever began before, and is not there yet, is refused as who begins now; later turns are told as ever."""
    for before, after in ((empty(), ADAMS), (ADAMS, LESS), (LESS, ADAMS)):
        await concluded(tx, accepted(plans(before, after)))
    *gone, last = await turns.following(tx, 0)
    later = [line async for line in feed.lines(tx, last)]
    floor = floors.Floor("lincoln", gone[-1].ground, gone[-1].position, AT)
    await floors.rise(tx, floor)
    assert await floors.purge_some(tx, floor, 10) > 0
    for turn in gone:
        with pytest.raises(Refused, match=f"have been purged .* --after 2.{gone[-1].lines_max}"):
            await anext(feed.lines(tx, turn))
    assert [line async for line in feed.lines(tx, gone[-1], Cursor(2, gone[-1].lines_max))] == []
    assert [line async for line in feed.lines(tx, last)] == later


async def test_unchanged_rows_cost_nothing(engine: AsyncEngine) -> None:
    """A delivery that changes one row of a thousand writes two versions; one that changes nothing writes none."""
    many = [f"s{number:04d}" for number in range(1_000)]

    def school(first: str) -> Frames:
        named = [(many[0], first), *((one, "Ann") for one in many[1:])]
        return frames(schools=[("A", "Adams")], students=named, student_schools=[("A", one) for one in many])

    tables = [metadata.tables[name] for name in roster.versions]
    async with store.writing(engine) as tx:
        await concluded(tx, accepted(plans(empty(), school("Ann"))))
        for after, versions_more in ((school("Anna"), 1), (school("Anna"), 0)):
            now = await roster.load(tx, "lincoln")
            before, written = await _versions(tx, tables), await _changed_rows(tx)
            await concluded(tx, accepted(plans(now, after)))
            assert await _versions(tx, tables) - before == versions_more
            (turn,) = await turns.following(tx, await turns.last(tx) - 1)
            assert {name: (one.made, one.ended) for name, one in turn.rows.items()} == (
                {"students": (1, 1)} if versions_more else {}
            )
            # What a delivery itself writes, whatever its size, and what it changes: SQLite counts every row.
            assert await _changed_rows(tx) - written < 20 + 2 * versions_more


async def _versions(tx: AsyncConnection, tables: list[sa.Table]) -> int:
    return sum([int(await tx.scalar(sa.select(sa.func.count()).select_from(one)) or 0) for one in tables])


async def _changed_rows(tx: AsyncConnection) -> int:
    """Return how many rows this connection has inserted, updated and deleted so far."""
    if tx.dialect.name != "sqlite":
        return 0
    return int(await tx.scalar(sa.text("SELECT total_changes()")) or 0)


async def test_a_turn_that_changed_nothing_is_noted(tx: AsyncConnection) -> None:
    """Each conclusion is a turn, also of a delivery that was refused, so that the line is complete."""
    await concluded(tx, accepted(plans(empty(), ADAMS)))
    refused = await concluded(tx, REJECTED)
    (turn,) = await turns.of(tx, refused)
    assert (turn.position, turn.ground, turn.rows) == (2, 1, {})
    assert await tx.scalar(sa.select(sa.func.count()).select_from(turns_table)) == 2
