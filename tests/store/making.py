"""What the store's tests are made of: deliveries, plans and verdicts in a line each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import sqlalchemy as sa

from core.rosters import diff, frames
from rostergate.core.findings import Finding, Severity
from rostergate.core.plan import Hold, Plan, counted, digest
from rostergate.core.plan_state import State
from rostergate.core.roster import TABLES, Frames, empty
from rostergate.core.snapshot import Snapshot
from rostergate.core.verdict import FileFacts, Outcome, Totals, Verdict
from rostergate.store import deliveries, roster, verdicts
from rostergate.store import plans as stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

AT = datetime(2026, 9, 1, 12, 30, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)
DAY = date(2026, 9, 1)
FILES = (FileFacts("students.csv", 3, 120, "ab" * 32),)
HOLD = Hold("too-many-removals", "30 of 100 students would go", {"table": "students", "removed": 30, "percent": 30.0})
WANTED = frames(
    schools=[("A", "Adams"), ("B", "Baker")],
    students=[("s1", "Ann"), ("s2", "Bo")],
    student_schools=[("A", "s1"), ("B", "s1"), ("B", "s2")],
)
FINDING = Finding("name-missing", Severity.ERROR, "students.csv", "first", 2, (4, 9), "A name is missing.", "Add it.")


def plan(school_id: str, changes: Frames, state: State = State.CLEAR) -> Plan:
    """Return a plan of a school; a held one says why."""
    return Plan(
        school_id,
        f"School {school_id}",
        state,
        changes,
        counted(changes),
        holds=(HOLD,) if state is State.HELD else (),
        hash=digest(school_id, changes),
    )


def plans(now: Frames, tables: Frames, held: Collection[str] = ()) -> tuple[Plan, ...]:
    """Return the plans that make `tables` of `now`, those of the given schools held."""
    return tuple(
        plan(school, changes, State.HELD if school in held else State.CLEAR)
        for school, changes in sorted(diff(now, Snapshot(tables, {})).items())
    )


def accepted(decided: Iterable[Plan] = ()) -> Verdict:
    """Return the verdict of a delivery that was understood."""
    totals = {name: Totals(unchanged=1) for name in TABLES}
    return Verdict("direct", Outcome.ACCEPTED, FILES, (FINDING,), tuple(decided), totals)


REJECTED = Verdict("direct", Outcome.REJECTED, FILES, (FINDING,))


async def sealed(tx: AsyncConnection, district: str = "lincoln", day: date = DAY, at: datetime = AT) -> str:
    """Begin and seal a district's next delivery, and return its id."""
    one = await deliveries.begin(tx, district, at)
    return (await deliveries.seal(tx, one.id, day=day, files=FILES, content_hash="cd" * 32, at=at)).id


async def concluded(tx: AsyncConnection, verdict: Verdict, district: str = "lincoln") -> str:
    """Seal a district's next delivery, conclude it on the ground as it is, and return its id."""
    delivery = await sealed(tx, district)
    await verdicts.conclude(tx, delivery, verdict, ground=await roster.ground(tx, district), at=AT)
    return delivery


async def fill(tx: AsyncConnection) -> None:
    """Write what there is no room for."""
    if tx.dialect.name == "sqlite":
        await tx.execute(sa.text("PRAGMA max_page_count=1"))  # no more than there are now
        await tx.execute(sa.text("CREATE TABLE full (text TEXT)"))
    else:
        await tx.execute(sa.text("DO $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$"))


async def both_held(tx: AsyncConnection) -> list[stored.StoredPlan]:
    """Return the plans of a first delivery whose two schools are both held, its report written."""
    delivery = await concluded(tx, accepted(plans(empty(), WANTED, held="AB")))
    await deliveries.reported(tx, delivery, AT)
    return await stored.of(tx, delivery)
