"""Plans whose ground has moved, worked out again from their delivery's files."""

from __future__ import annotations

import asyncio
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from core.rosters import diff
from core.test_decide import deliver
from golden.cases import FOLDER, contents, load
from rostergate import store
from rostergate.core.decide import decide
from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.core.policy import HoldLimits, Policy
from rostergate.core.snapshot import Snapshot
from rostergate.errors import Refused, StoreError
from rostergate.spool import sealing
from rostergate.spool.folders import Spool
from rostergate.store import deciding, plans, roster, schools
from rostergate.worker.rework import TRIES_MAX, rework
from rostergate.worker.road import DeliveryDamagedError
from worker.delivering import AT, SLUG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rostergate.core.roster import Frames
    from worker.delivering import District

FEW = deliver(lambda school, number: school == "10" or number < 10)
"""A set in which two schools have lost so many students that they are held."""
STRICT = HoldLimits(removals_percent_max=0.0, removals_rows_min=1, district_removals_percent_max=100.0)


async def _roster(district: District) -> Frames:
    async with district.reading() as tx:
        return await roster.load(tx, SLUG)


async def _move(district: District, without: Mapping[str, str]) -> None:
    """Take rows out of the roster by the value of a column, as another delivery could have done."""
    now = await _roster(district)
    left = {
        name: frame.filter(*(frame[column] != value for column, value in without.items() if column in frame.columns))
        for name, frame in now.items()
    }
    async with district.writing() as tx:
        await roster.apply(tx, SLUG, diff(now, Snapshot(left, {})).values(), f"{SLUG}-00001", AT)


async def _again(district: District, school_id: str, policy: Policy, spool: Spool | None = None) -> plans.StoredPlan:
    async with district.reading() as tx:
        held = await plans.open_of(tx, SLUG, school_id)
    assert held is not None
    engine = store.open(district.location)
    try:
        return await rework(engine, spool or district.spool, held, policy)
    finally:
        await engine.dispose()


class _Restless(Spool):
    """A spool beside which a student of school 30 leaves the roster whenever somebody is about to read a delivery."""

    def __init__(self, district: District, leaving: Iterable[int]) -> None:
        super().__init__(district.spool.state)
        object.__setattr__(self, "_district", district)
        object.__setattr__(self, "_leaving", iter(leaving))

    def delivery(self, delivery: str) -> Path:
        """Return the folder of a delivery, once the roster has changed."""
        for number in islice(self._leaving, 1):  # type: ignore[attr-defined]
            move = _move(self._district, {"student_id": f"s30-{number}"})  # type: ignore[attr-defined]
            moving = Thread(target=asyncio.run, args=(move,))
            moving.start()
            moving.join()
        return super().delivery(delivery)


async def test_the_plan_of_the_school_is_worked_out_again_and_no_other(district: District) -> None:
    """It leads from the roster as it is to what the files say; the other school waits as it did."""
    await district.deliver(deliver())
    delivery = await district.deliver(FEW)
    async with district.reading() as tx:
        before = {one.school_id: one for one in await plans.of(tx, delivery)}
    await _move(district, {"student_id": "s30-59"})
    wanted = {one.school_id: one for one in decide(FEW, await _roster(district), Policy()).plans}
    put = await _again(district, "30", Policy())
    assert (put.hash, put.counts, put.state) == (wanted["30"].hash, wanted["30"].counts, State.HELD)
    assert put.hash != before["30"].hash
    async with district.reading() as tx:
        now = {one.school_id: one for one in await plans.of(tx, delivery)}
    assert {one: now[one] for one in ("10", "20")} == {one: before[one] for one in ("10", "20")}


async def test_what_was_worked_out_on_ground_that_moved_again_is_not_kept(district: District) -> None:
    """It is worked out once more, against the roster as it is by then; where that never stands still, nothing is."""
    policy = Policy(holds=STRICT)
    few = deliver(lambda school, number: number < (8 if school == "10" else 3))
    await district.deliver(deliver(lambda _school, number: number < 8))
    delivery = await district.deliver(few, policy)
    put = await _again(district, "30", policy, _Restless(district, [7]))
    wanted = {one.school_id: one for one in decide(few, await _roster(district), policy).plans}
    assert put.hash == wanted["30"].hash
    with pytest.raises(StoreError, match="kept changing"):
        await _again(district, "30", policy, _Restless(district, range(TRIES_MAX)))
    async with district.reading() as tx:
        assert put in await plans.of(tx, delivery)


async def test_a_school_that_has_gone_meanwhile_has_nothing_left_to_do(district: District) -> None:
    """The plan that would have removed it changes nothing any more, and still waits for somebody to see that."""
    await district.deliver(deliver())
    gone = {
        name: b"".join(line for line in data.splitlines(keepends=True) if b"30" not in line)
        for name, data in deliver().items()
    }
    await district.deliver(gone)
    await _move(district, {"school_id": "30"})
    put = await _again(district, "30", Policy())
    assert (put.state, {one.removed for one in put.counts.values()}) == (State.HELD, {0})
    async with district.writing() as tx:
        (released,) = await deciding.release(tx, [put.hash], "Kim", "seen", AT)
    assert released.state is State.APPLIED


async def test_what_was_decided_about_schools_counts(district: District) -> None:
    """A teacher who is still at a school that somebody has deselected is not archived by the plan of another one."""
    case = load(FOLDER / "deselected-school-and-people-of-two")
    await district.deliver(contents(case.folder / "before"))
    async with district.writing() as tx:
        await schools.decide(tx, SLUG, "20", Decision.DESELECTED, by="Kim", at=AT)
    files = contents(case.folder / "files")
    for name in ("teachers.csv", "classes.csv", "enrollments.csv"):
        files[name] = b"".join(
            one for one in files[name].splitlines(keepends=True) if not one.startswith((b"t2", b"c2"))
        )
    policy = Policy(holds=STRICT)
    await district.deliver(files, policy)
    await _move(district, {"class_id": "c1"})
    put = await _again(district, "10", policy)
    assert (put.counts["teacher_schools"].removed, put.counts["teachers"].removed) == (1, 0)


async def test_a_plan_whose_files_would_be_refused_by_now_stays_as_it_was(district: District) -> None:
    """The district's format was named since, and is another: the refusal says why, and what to do."""
    await district.deliver(deliver())
    delivery = await district.deliver(FEW)
    await _move(district, {"student_id": "s30-59"})
    async with district.reading() as tx:
        before = await plans.of(tx, delivery)
    with pytest.raises(Refused, match=rf"{delivery} would be refused \(.*missing-file.*\) .* discard"):
        await _again(district, "30", Policy(format="clever"))
    async with district.reading() as tx:
        assert await plans.of(tx, delivery) == before


@pytest.mark.parametrize("lost", ["all", "one", "changed"])
async def test_a_plan_whose_files_are_not_those_that_were_sealed_stays_as_it_was(district: District, lost: str) -> None:
    """They were removed or changed on the disk; the refusal says what to do."""
    await district.deliver(deliver())
    delivery = await district.deliver(FEW)
    await _move(district, {"student_id": "s30-59"})
    async with district.reading() as tx:
        before = await plans.of(tx, delivery)
    folder = district.spool.delivery(delivery)
    name = min(FEW)
    if lost == "all":
        sealing.discard(folder)
    elif lost == "one":
        (folder / name).unlink()
    else:
        (folder / name).chmod(0o600)
        (folder / name).write_bytes(FEW[name] + b"\n")
    with pytest.raises((Refused, DeliveryDamagedError), match="upload again"):
        await _again(district, "30", Policy())
    async with district.reading() as tx:
        assert await plans.of(tx, delivery) == before
