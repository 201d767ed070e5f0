from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from core.rosters import frames
from rostergate.core import concerned
from rostergate.core.matching import Decision
from rostergate.core.notices import Kind
from rostergate.core.plan_state import State
from rostergate.core.policy import PlatformSchool
from rostergate.core.roster import empty
from rostergate.errors import Refused
from rostergate.store import (
    accounts,
    conclusions,
    credentials,
    deliveries,
    leaving,
    legacy,
    outbox,
    roster,
    schools,
    slots,
    undos,
    verdicts,
)
from rostergate.store import plans as stored
from rostergate.store.accounts import PlatformAccount
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.store.schema import metadata
from rostergate.store.schema import plans as plans_table
from store.making import AT, DAY, HOLD, LATER, accepted, concluded, plans

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

CANARY = "Quackenbush"
FIRST = frames(
    schools=[("A", CANARY)],
    teachers=[("t1", "Ada", CANARY, "t1@school.example")],
    students=[("s1", "Bo", CANARY), ("s2", "Cy", CANARY)],
    guardians=[("g1", "Otto", CANARY)],
    classes=[("A", "c1", CANARY)],
    teacher_schools=[("A", "t1")],
    student_schools=[("A", "s1"), ("A", "s2")],
    guardianships=[("A", "s1", "g1")],
    class_teachers=[("A", "c1", "t1")],
    enrollments=[("A", "c1", "s1")],
)
WITHOUT = FIRST | {
    "students": FIRST["students"].filter(student_id="s1"),
    "student_schools": FIRST["student_schools"].filter(student_id="s1"),
}
OF_THE_LINE = {"feed_end"}
"""What is of no district."""
STAYS = {"deliveries", "turns", "grounds", "floors", "conclusions", "undos"}
"""Written down here once more: what stays of a district that is forgotten, and names nobody."""


async def lived_in(tx: AsyncConnection, district: str) -> None:
    """Give a district something in every table, a plan that waits and an upload that has begun."""
    await schools.load(tx, district, [PlatformSchool("p1", CANARY)], AT)
    await accounts.load(tx, district, [PlatformAccount("a1", None, "t1@school.example", None)], AT)
    await concluded(tx, accepted(plans(empty(), FIRST)), district)
    await schools.decide(tx, district, "A", Decision.MATCHED, platform_school="p1", by=CANARY, at=AT)
    without = await concluded(tx, accepted(plans(FIRST, WITHOUT)), district)
    undo = await undos.begin(tx, without, school_id="A", by=CANARY, reason=CANARY, at=AT)
    ground = await roster.ground(tx, district)
    await verdicts.conclude(tx, undo.id, accepted(plans(WITHOUT, FIRST)), ground=ground, at=AT)
    await conclusions.write(tx, undo.id, await roster.ground(tx, district), "f")
    (held,) = plans(FIRST, empty(), held="A")
    held = replace(held, holds=(replace(HOLD, message=CANARY, rows=concerned.NOTHING),), left_out=2)
    waiting = await concluded(tx, accepted([held]), district)
    await accounts.claim(tx, district, "t1", AT)  # a turn of no delivery is the last one
    await tx.execute(deliveries_table.update().values(error=CANARY))
    await deliveries.begin(tx, district, AT)
    for kind in (Kind.FAILED, Kind.HELD):
        await outbox.write(tx, kind, waiting, [f"{CANARY}@school.example"], AT, district=district, delivery=waiting)
    sent = next(one for one in await outbox.about_delivery(tx, waiting) if one.kind is Kind.FAILED)
    await outbox.sent(tx, sent.id, AT)
    await credentials.set_password(tx, district, CANARY, AT)
    await legacy.note(tx, district, AT, client=CANARY, cipher="c", mac="m")
    await slots.grant(tx, district, DAY, AT)


async def rows_of(tx: AsyncConnection, district: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that each table has of a district."""
    found = {}
    for name, table in metadata.tables.items():
        if name in OF_THE_LINE:
            continue
        if "district" in table.c:
            chosen = table.c.district == district
        elif "delivery" in table.c:
            chosen = table.c.delivery.startswith(f"{district}-")
        else:
            chosen = table.c.plan.in_(sa.select(plans_table.c.id).where(plans_table.c.district == district))
        query = sa.select(table).where(chosen).order_by(*table.primary_key.columns)
        found[name] = [tuple(row) for row in await tx.execute(query)]
    return found


async def test_what_leaves_is_forgotten_and_no_other_district_is_touched(tx: AsyncConnection) -> None:
    """No table has anything that names somebody; the other district has every row in every table as it was."""
    for district in ("east", "lincoln"):
        await lived_in(tx, district)
    other, before = await rows_of(tx, "east"), await rows_of(tx, "lincoln")
    assert [name for name, rows in before.items() if not rows] == ["floors"]
    await leaving.leave(tx, "lincoln", LATER)
    assert await rows_of(tx, "east") == other
    removed = await leaving.forget(tx, "lincoln")
    assert await rows_of(tx, "east") == other
    after = await rows_of(tx, "lincoln")
    assert {name for name, rows in after.items() if rows} == STAYS
    assert removed == sum(len(before[name]) for name in FIRST)
    assert CANARY not in repr(after)


async def test_who_leaves_has_nothing_left_to_do(tx: AsyncConnection) -> None:
    """No plan waits, no report is due, no mail is sent, nobody logs in, and no upload has begun."""
    await lived_in(tx, "lincoln")
    assert await stored.held(tx, "lincoln") != []
    await leaving.leave(tx, "lincoln", LATER)
    left = await rows_of(tx, "lincoln")
    assert [one.state for one in await stored.of(tx, "lincoln-00004")] == [State.SUPERSEDED]
    assert (await deliveries.unreported(tx, "lincoln"), await outbox.due(tx, LATER, 9)) == ([], [])
    assert (left["credentials"], len(left["deliveries"]), len(left["outbox"])) == ([], 4, 1)


async def test_what_is_still_there_is_not_forgotten(tx: AsyncConnection) -> None:
    """Who follows the feed would never be told."""
    await lived_in(tx, "lincoln")
    before = await rows_of(tx, "lincoln")
    with pytest.raises(Refused, match="still in the roster"):
        await leaving.forget(tx, "lincoln")
    assert await rows_of(tx, "lincoln") == before
