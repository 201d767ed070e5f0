"""Where rows stand with the platform: told by the feed and by exports, each from where the other one stops."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.rosters import frames
from rostergate.core.matching import Decision
from rostergate.core.roster import STUDENTS, empty
from rostergate.store import accounts, erasing, feed, schools, turns
from rostergate.store import plans as stored
from rostergate.store.accounts import PlatformAccount
from rostergate.store.feed import Cursor
from store.making import AT, LATER, accepted, concluded, plans
from store.replaying import Platform, told

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

WANTED = frames(
    schools=[("A", "Adams")],
    teachers=[("t1", "Ada", "Moss", "t1@x.example")],
    students=[("s1", "Ann", None, None, None, "s1@x.example")],
    classes=[("A", "c1", "Art"), ("A", "c2", "Biology")],
    teacher_schools=[("A", "t1")],
    student_schools=[("A", "s1")],
    class_teachers=[("A", "c1", "t1")],
)
ACCOUNTS = [PlatformAccount("p1", None, "s1@x.example", None)]


def _stands(lines: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what of some lines tells where rows stand: action, key and values."""
    return [(one["action"], *one["key"].values(), *one["stands"].values()) for one in lines if one["stands"]]


async def _deliver(tx: AsyncConnection, now: Frames, wanted: Frames, platform_school: str | None = None) -> str:
    decided = [replace(one, platform_school=platform_school) for one in plans(now, wanted)]
    return await concluded(tx, accepted(decided))


async def test_a_row_is_told_with_where_it_stands(tx: AsyncConnection) -> None:
    """What its own delivery brings about, by names and addresses, is in the line of the row."""
    await accounts.load(tx, "lincoln", ACCOUNTS, AT)
    await _deliver(tx, empty(), WANTED, "x1")
    assert _stands(await told(tx)) == [
        ("added", "A", "x1"),
        ("added", "t1", "offered", None),
        ("added", "s1", "linked", "p1"),
        ("added", "A", "c1", "pending"),
        ("added", "A", "c2", "pending"),
    ]


async def test_what_stands_otherwise_without_a_change_has_its_own_line(tx: AsyncConnection) -> None:
    """A claim, accounts that are loaded later and another match are told of no delivery, and only of what they are."""
    await _deliver(tx, empty(), WANTED, "x1")
    before = await feed.end(tx)
    await accounts.claim(tx, "lincoln", "t1", LATER)
    await accounts.load(tx, "lincoln", ACCOUNTS, LATER)
    await schools.decide(tx, "lincoln", "A", Decision.MATCHED, platform_school="x2", by="Kim", at=LATER)
    await schools.decide(tx, "lincoln", "A", Decision.DESELECTED, by="Kim", at=LATER)
    await schools.decide(tx, "lincoln", "Z", Decision.MATCHED, platform_school="x9", by="Kim", at=LATER)
    lines = await told(tx, after=before)
    assert _stands(lines) == [
        ("stands", "t1", "claimed", None),
        ("stands", "A", "c1", "live"),
        ("stands", "s1", "linked", "p1"),
        ("stands", "A", "x2"),
    ]
    assert lines[1] == {
        "cursor": "2.2",
        "district": "lincoln",
        "delivery": None,
        "at": LATER.isoformat(),
        "school": "A",
        "table": "classes",
        "action": "stands",
        "key": {"school_id": "A", "class_id": "c1"},
        "before": None,
        "after": None,
        "stands": {"class_state": "live"},
    }
    assert _stands(await told(tx))[:5] == [
        ("added", "A", "x1"),
        ("added", "t1", "offered", None),
        ("added", "s1", "offered", None),
        ("added", "A", "c1", "pending"),
        ("added", "A", "c2", "pending"),
    ], "the same cursor always means the same line"


async def test_what_is_said_again_is_told_once(tx: AsyncConnection) -> None:
    """A decision that leaves a school where it stands has no line; one that was forgotten counts again as it comes."""
    await _deliver(tx, empty(), WANTED)
    await schools.decide(tx, "lincoln", "A", Decision.MADE, by="Kim", at=LATER)
    await schools.decide(tx, "lincoln", "A", Decision.MATCHED, platform_school="x1", by="Kim", at=LATER)
    first = await turns.last(tx)
    await schools.decide(tx, "lincoln", "A", Decision.MATCHED, platform_school="x1", by="Lee", at=LATER)
    await schools.decide(tx, "lincoln", "A", Decision.SELECTED, by="Lee", at=LATER)
    (again,) = plans(empty(), WANTED)
    unmoved = replace(again, changes={}, counts={name: stored.Counts() for name in WANTED}, platform_school="x1")
    await concluded(tx, accepted([unmoved]))
    await schools.decide(tx, "lincoln", "A", Decision.SELECTED, by="Lee", at=LATER)
    await concluded(tx, accepted([replace(unmoved, platform_school=None)]))
    assert _stands(await told(tx, after=Cursor(1, 9))) == [("stands", "A", "x1"), ("stands", "A", None)]
    assert await turns.last(tx) == first + 2, "only the deliveries had a turn"
    whole, exported = Platform(), Platform()
    whole.take(await told(tx))
    await exported.export(tx, "lincoln")
    assert (whole.tables, whole.stands) == (exported.tables, exported.stands)


async def test_a_delivery_that_changes_no_row_may_match_a_school(tx: AsyncConnection) -> None:
    """The match is told in the delivery's turn, which moves no ground: before and after it the roster is one."""
    first = await _deliver(tx, empty(), WANTED)
    (same_again,) = plans(empty(), WANTED)
    unmoved = replace(same_again, changes={}, counts={name: stored.Counts() for name in WANTED}, platform_school="x1")
    second = await concluded(tx, accepted([unmoved]))
    assert _stands(await told(tx, after=await feed.end(tx, first))) == [("stands", "A", "x1")]
    assert (await turns.span(tx, second)) == turns.Span(before=1, after=1, position=2)


async def test_who_returns_stands_where_they_stood(tx: AsyncConnection) -> None:
    """A person, a class and a school that were archived come back with account, state and match, and are told so."""
    await accounts.load(tx, "lincoln", ACCOUNTS, AT)
    await _deliver(tx, empty(), WANTED, "x1")
    await accounts.claim(tx, "lincoln", "t1", AT)
    gone = await _deliver(tx, WANTED, empty())
    assert {one["stands"] for one in await told(tx, after=Cursor(3, 9)) if one["delivery"] == gone} == {None}
    after = await feed.end(tx)
    await _deliver(tx, empty(), WANTED, "x1")
    assert _stands(await told(tx, after=after)) == [
        ("added", "A", "x1"),
        ("added", "t1", "claimed", None),
        ("added", "s1", "linked", "p1"),
        ("added", "A", "c1", "live"),
        ("added", "A", "c2", "pending"),
    ]


async def test_the_feed_goes_on_where_an_export_stops(tx: AsyncConnection) -> None:
    """Whoever begins with the roster as of any delivery, or now, has what everybody has who follows from the start."""
    await accounts.load(tx, "lincoln", ACCOUNTS, AT)
    less = frames(**{name: WANTED[name].rows() for name in ("schools", "teachers", "teacher_schools")})
    made = [await _deliver(tx, empty(), WANTED, "x1")]
    await accounts.claim(tx, "lincoln", "t1", AT)
    made.append(await _deliver(tx, WANTED, less, "x2"))
    await concluded(tx, accepted(plans(empty(), WANTED)), "east")
    made.append(await _deliver(tx, less, WANTED, "x2"))
    await accounts.load(tx, "lincoln", [PlatformAccount("p2", None, "t1@x.example", None)], LATER)
    await schools.decide(tx, "lincoln", "A", Decision.MADE, by="Kim", at=LATER)
    whole = Platform()
    whole.take(await told(tx, "lincoln"))
    for delivery in (*made, None):
        platform = Platform()
        await platform.export(tx, "lincoln", await turns.span(tx, delivery) if delivery else None)
        cursor = await feed.end(tx, delivery)
        await feed.assert_given(tx, cursor)
        rest = await told(tx, "lincoln", cursor)
        assert bool(rest) == (delivery is not None)
        platform.take(rest)
        assert (platform.tables, platform.stands) == (whole.tables, whole.stands)
    assert whole.stands["schools"] == {("A",): {"platform_school": None}}


async def test_what_stands_otherwise_adds_up(tx: AsyncConnection) -> None:
    """What a turn is told to tell, bit by bit, it has room for as a whole."""
    position = await turns.take_alone(tx, "lincoln", AT)
    for counts in ({"schools": 1}, {"schools": 2, "classes": 3}, {"classes": 0}):
        await turns.stood(tx, position, counts)
    turn = await turns.at(tx, position)
    assert turn is not None
    assert ({name: rows.stood for name, rows in turn.rows.items()}, turn.lines_max) == ({"schools": 3, "classes": 3}, 6)


@pytest.mark.parametrize("line", [0, 1])
async def test_a_turn_that_loses_the_line_of_an_erased_person_is_told_again(tx: AsyncConnection, line: int) -> None:
    """Whoever stopped at or before the line misses nothing that is left of the turn."""
    both = frames(
        schools=[("A", "Adams")],
        students=[(f"s{one}", "Ann", None, None, None, f"s{one}@x.example") for one in (1, 2)],
        student_schools=[("A", "s1"), ("A", "s2")],
    )
    await _deliver(tx, empty(), both)
    two = [*ACCOUNTS, PlatformAccount("p2", None, "s2@x.example", None)]
    await accounts.load(tx, "lincoln", two, AT)
    assert _stands(await told(tx, after=Cursor(2, 0))) == [
        ("stands", "s1", "linked", "p1"),
        ("stands", "s2", "linked", "p2"),
    ]
    await erasing.erase(tx, erasing.Person("lincoln", STUDENTS, "s1"), LATER, "5a17")
    left = [one for one in await told(tx, after=Cursor(2, line)) if one["cursor"].startswith("2.")]
    assert _stands(left) == [("stands", "s2", "linked", "p2")]


@pytest.mark.parametrize("location", ["postgresql"], indirect=True)
async def test_accounts_that_were_loaded_a_moment_ago_are_known_to_the_planner(tx: AsyncConnection) -> None:
    """Before they are compared with the roster the server looks at them: it would read all of them for each person."""
    many = [PlatformAccount(f"p{one}", None, f"{one}@x.example", None) for one in range(20_000)]
    await accounts.load(tx, "lincoln", many, AT)
    known = sa.text("SELECT reltuples FROM pg_class WHERE relname = 'platform_accounts'")
    assert await tx.scalar(known) == len(many)
