from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from core.rosters import frames, same
from rostergate.core import concerned
from rostergate.core.roster import TABLES, empty
from rostergate.errors import Refused
from rostergate.store import accounts, feed, floors, history, roster, turns, verdicts
from rostergate.store import plans as stored
from rostergate.store.accounts import PlatformAccount
from rostergate.store.feed import Cursor
from rostergate.store.schema import accounts as accounts_table
from rostergate.store.schema import held_rows
from rostergate.store.schema import roster as versions
from store.making import AT, HOLD, accepted, concluded, plans, sealed
from store.replaying import Platform, told

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames

DAY = timedelta(days=1)


def school(*students: tuple[str, str]) -> Frames:
    """Return a roster of one school with these students, by id and first name."""
    return frames(
        schools=[("A", "Adams")],
        students=[(one, name, None, None, None, f"{one}@home.example") for one, name in students],
        student_schools=[("A", one) for one, _ in students],
    )


DAYS = (school(("s1", "Ann"), ("s2", "Bo")), school(("s1", "Anna")), school(("s1", "Anne"), ("s3", "Cy")))


async def delivered(
    tx: AsyncConnection,
    days: Collection[Frames] = DAYS,
    held: str = "",
    *,
    district: str = "lincoln",
    start: datetime = AT,
) -> list[str]:
    """Deliver a roster a day from `start` on; return the deliveries."""
    before, found = empty(), []
    for number, wanted in enumerate(days):
        at = start + number * DAY
        delivery = await sealed(tx, district, at=at)
        decided = accepted(plans(before, wanted, held if number == len(days) - 1 else ""))
        await verdicts.conclude(tx, delivery, decided, ground=await roster.ground(tx, district), at=at)
        found.append(delivery)
        before = wanted
    return found


async def purged(tx: AsyncConnection, floor: floors.Floor, rows_max: int = 2) -> int:
    """Purge below a floor, a few rows at a time; return how many that were."""
    await floors.rise(tx, floor)
    total = 0
    while some := await floors.purge_some(tx, floor, rows_max):
        assert some <= rows_max
        total += some
    return total


async def test_above_the_floor_everything_stays_as_it_was(tx: AsyncConnection) -> None:
    """The roster as of the floor and later is whole, what ended before is gone, and asking for it says so."""
    first, second, third = await delivered(tx)
    floor = await floors.following(tx, "lincoln", AT + 2 * DAY)
    assert floor == floors.Floor("lincoln", 2, 2, AT + DAY)
    assert await floors.below(tx, floor) == 3
    assert await purged(tx, floor) == 3
    for delivery, wanted in ((second, DAYS[1]), (third, DAYS[2])):
        assert same(await history.load(tx, "lincoln", (await turns.span(tx, delivery)).after), wanted)
    for ask in (history.load, history.counts, history.gone):
        with pytest.raises(Refused, match=r"history of lincoln reaches back to 2026-09-02.*retention\.history_days"):
            await ask(tx, "lincoln", (await turns.span(tx, first)).after)
    with pytest.raises(Refused, match="reaches back"):
        await anext(history.rows(tx, "lincoln", TABLES["students"], turns.Span(0, 1, 1)))
    assert await floors.following(tx, "lincoln", AT + 2 * DAY) is None


async def test_what_an_undo_of_the_newest_change_needs_stays(tx: AsyncConnection) -> None:
    """However old everything is, the roster before the newest change can be told, and so it can be undone."""
    *_, second, third = await delivered(tx)
    floor = await floors.following(tx, "lincoln", AT + 900 * DAY)
    assert floor is not None
    await purged(tx, floor)
    span = await turns.span(tx, third)
    assert same(await history.load(tx, "lincoln", span.before), DAYS[1])
    assert (await history.gone(tx, "lincoln", span.before))["students"]["first_name"].to_list() == ["Anna"]
    assert floor.ground == (await turns.span(tx, second)).after


async def test_a_floor_only_rises(tx: AsyncConnection) -> None:
    """A purge that was told before the district was forgotten, and is carried out after it, brings no cursor back."""
    await delivered(tx)
    told_before = await floors.following(tx, "lincoln", AT + 2 * DAY)
    newest = await turns.newest(tx, "lincoln")
    assert told_before is not None
    assert newest is not None
    last = floors.Floor("lincoln", newest.ground, newest.position, newest.at)
    for floor in (told_before, last, told_before):
        await floors.rise(tx, floor)
    assert await floors.of(tx, "lincoln") == last


async def test_a_floor_is_of_its_own_district(tx: AsyncConnection) -> None:
    """What is old elsewhere purges nothing here; who follows all districts is sent behind the last of the floors."""
    first, *_ = await delivered(tx)
    await delivered(tx, district="east", start=AT - 10 * DAY)
    here, there = [await floors.following(tx, district, AT + DAY) for district in ("lincoln", "east")]
    assert here == floors.Floor("lincoln", 1, 1, AT)
    assert there == floors.Floor("east", 2, 5, AT - 9 * DAY)
    assert await floors.plans_below(tx, here) == [one.id for one in await stored.of(tx, first)]
    for floor in (there, here):
        await floors.rise(tx, floor)
    with pytest.raises(Refused, match=r"Changes of east .* --after 5\."):
        await feed.assert_given(tx, Cursor())


async def test_a_district_without_a_roster_has_no_floor(tx: AsyncConnection) -> None:
    """There is nothing to purge where nothing was ever applied, or only once."""
    assert await floors.following(tx, "lincoln", AT + 900 * DAY) is None
    await delivered(tx, DAYS[:1])
    assert await floors.following(tx, "lincoln", AT + 900 * DAY) is None


async def test_a_feed_with_gaps_is_refused_and_goes_on_after_them(tx: AsyncConnection) -> None:
    """Who follows from before the floor is told where to go on from; others notice nothing."""
    _, second, third = await delivered(tx)
    later = await told(tx, after=Cursor(3, 0))
    floor = await floors.following(tx, "lincoln", AT + 2 * DAY)
    assert floor is not None
    await purged(tx, floor)
    for gap in (Cursor(), Cursor(1, 2), Cursor(2, 0), Cursor(2, 1)):
        with pytest.raises(Refused, match=r"--after 2\.4\.") as refused:
            await feed.assert_given(tx, gap)
        assert "changes of lincoln up to 2026-09-02" in str(refused.value).lower()
    await feed.assert_given(tx, Cursor(), "washington")
    for good in (Cursor(2, 4), Cursor(3, 1)):
        await feed.assert_given(tx, good)
    assert await told(tx, after=Cursor(2, 4)) == later
    platform = Platform()
    for name, frame in (await history.load(tx, "lincoln", (await turns.span(tx, second)).after)).items():
        keys = len(TABLES[name].key)
        platform.tables[name] = {
            row[:keys]: dict(zip(TABLES[name].values, row[keys:], strict=True)) for row in frame.rows()
        }
    platform.take(line for line in later if line["delivery"] == third)
    assert same(platform.roster(), DAYS[2])


async def test_rows_of_closed_plans_go_and_those_that_wait_stay(tx: AsyncConnection) -> None:
    """Below the floor a plan keeps its counts and decisions alone; one on hold keeps everything."""
    first, second, third, fourth = await delivered(tx, (*DAYS, school()), held="A")
    floor = await floors.following(tx, "lincoln", AT + 900 * DAY)
    assert floor is not None
    closed = await floors.plans_below(tx, floor)
    await floors.empty_plans(tx, closed)
    left = {one: await stored.changes(tx, one) for one in (first, second, third, fourth)}
    assert [bool(changes) for changes in left.values()] == [False, False, True, True]
    assert (await stored.of(tx, first))[0].counts["students"].added == 2
    assert await floors.plans_below(tx, floor) == []


async def test_the_rows_that_a_hold_named_go_as_well(tx: AsyncConnection) -> None:
    """Though nobody closed the plan: a newer delivery took its place."""
    (held,) = plans(empty(), DAYS[0], held="A")
    await concluded(tx, accepted([replace(held, holds=(replace(HOLD, rows=concerned.NOTHING),))]))
    await delivered(tx)
    floor = await floors.following(tx, "lincoln", AT + 900 * DAY)
    assert floor is not None
    await floors.empty_plans(tx, await floors.plans_below(tx, floor))
    assert list(await tx.scalars(sa.select(held_rows.c.plan))) == []


async def test_the_account_of_who_has_left_goes_with_the_last_trace(tx: AsyncConnection) -> None:
    """Somebody who is still in the roster, or above the floor, keeps the account."""
    days = (
        school(("s1", "Ann"), ("s2", "Bo"), ("s4", "Di")),
        school(("s1", "Anna"), ("s4", "Dina")),
        school(("s1", "Anna"), ("s3", "Cy")),
    )
    loaded = [PlatformAccount(f"p{n}", None, f"s{n}@home.example", None) for n in (1, 2, 4)]
    await accounts.load(tx, "lincoln", loaded, AT)
    await delivered(tx, days)
    assert len((await tx.execute(sa.select(accounts_table.c.person_id))).all()) == 3
    floor = await floors.following(tx, "lincoln", AT + 900 * DAY)
    assert floor is not None
    await purged(tx, floor)
    assert set(await tx.scalars(sa.select(accounts_table.c.person_id))) == {"s1", "s4"}
    made = versions["students"]
    assert set(await tx.scalars(sa.select(made.c.student_id))) == {"s1", "s3", "s4"}
