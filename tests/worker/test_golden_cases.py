"""Golden deliveries of the hard cases, taken down the whole road: spool, decision, database, report of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.rosters import same
from golden.cases import FOLDER, Case, contents, load, rows
from rostergate.core.diff import apply
from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.store import deciding, plans, roster, schools
from store.replaying import Platform, told
from worker.delivering import AT, SLUG

if TYPE_CHECKING:
    from rostergate.core.roster import Frames
    from worker.delivering import District

CASES = (
    "class-id-in-two-schools",
    "deselected-new-school",
    "deselected-school-and-people-of-two",
    "deselected-school-of-the-roster",
    "guardian-of-children-in-a-held-and-a-free-school",
    "guardian-of-children-in-two-schools",
    "guardians-absent-later",
    "guardians-six-already-released",
    "ids-reissued",
    "older-plan-still-held",
    "older-plan-still-held-sent-again",
    "review-of-a-school-that-would-be-held",
    "review-of-new-schools",
    "row-with-an-error-removes-nothing",
    "same-set-twice",
    "school-vanished-holds-the-district",
    "school-vanished-large",
    "school-vanished-small",
    "student-moves-from-a-held-school",
    "student-moves-to-a-held-school",
    "teacher-of-two-schools-of-which-one-is-held",
    "teacher-of-two-schools-renamed-while-one-is-held",
)
STORED = {"clear": "applied"}
"""State in a verdict -> state in the store, where that is another one."""


async def _roster(district: District) -> Frames:
    async with district.reading() as tx:
        return await roster.load(tx, SLUG)


async def _delivered(district: District, case: Case) -> str:
    """Deliver what the case has, one after the other; return the last one."""
    delivery = ""
    for name, policy in {**case.earlier(), "files": case.policy()}.items():
        delivery = await district.deliver(contents(case.folder / name), policy)
        if name == "before":
            await _close_all(district, delivery)
    return delivery


async def _close_all(district: District, delivery: str) -> None:
    """Release what is held, and let the platform make what waits for a match."""
    async with district.writing() as tx:
        waits = {state: [one for one in await plans.of(tx, delivery) if one.state is state] for state in State}
        refs = [f"{delivery}:{one.hash}" for one in waits[State.HELD]]
        await deciding.release(tx, refs, "Kim", "checked", AT)
        for one in waits[State.UNMATCHED]:
            await schools.decide(tx, SLUG, one.school_id, Decision.MADE, by="Kim", at=AT)
            made = await deciding.matched(tx, one, None, "Kim", "made", AT)
            if made.state is State.HELD:
                await deciding.release(tx, [f"{delivery}:{made.hash}"], "Kim", "checked", AT)


@pytest.mark.parametrize("name", CASES)
async def test_what_is_decided_is_what_is_kept(district: District, name: str) -> None:
    """Roster, plans and feed are those of the verdict, before and after people decide; sent again, nothing changes."""
    case = load(FOLDER / name)
    before = case.before()
    verdict, expected = case.delivered(before), case.expected()
    delivery = await _delivered(district, case)
    shown = await district.shown(delivery)
    assert {one["school_id"]: one["state"] for one in shown["schools"]} == {
        one["school_id"]: STORED.get(one["state"], one["state"]) for one in expected["schools"]
    }
    found = await _roster(district)
    assert same(found, apply(before, [plan.changes for plan in verdict.plans if plan.state is State.CLEAR]))
    if "roster" in expected:
        assert {table: rows(frame) for table, frame in found.items()} == expected["roster"]
    await _close_all(district, delivery)
    assert (await district.shown(delivery))["state"] == "settled"
    found = await _roster(district)
    assert same(found, apply(before, [plan.changes for plan in verdict.plans]))
    again = await district.shown(await district.deliver(contents(case.folder / "files"), case.policy()))
    assert {one["state"] for one in again["schools"]} <= {"applied", "deselected"}
    assert same(await _roster(district), found)
    async with district.reading() as tx:
        for number in range(1, int(delivery[-5:])):
            older = await plans.of(tx, f"{SLUG}-{number:05d}")
            assert {one.state for one in older} <= {State.APPLIED, State.SUPERSEDED}
        follower, exported = Platform(), Platform()
        follower.take(await told(tx))
        await exported.export(tx, SLUG)
    assert same(follower.roster(), found)
    assert (follower.tables, follower.stands) == (exported.tables, exported.stands)
