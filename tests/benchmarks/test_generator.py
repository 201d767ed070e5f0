"""The made-up districts that everything is measured with: sound, the same every time, and broken only as asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import district
import faults
import nation
from rostergate.core import catalogue
from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.policy import Policy, ReadingLimits
from rostergate.core.roster import empty
from rostergate.core.verdict import Outcome

SMALL = district.founded(1_200)


def test_a_district_is_the_same_every_time_and_sound_every_day() -> None:
    """Three days of a district bring no finding, and each day some changes; made again, they are the same bytes."""
    roster, today = empty(), SMALL
    for _ in range(3):
        files = district.as_files(today.tables)
        verdict = decide(files, roster, Policy())
        assert (verdict.outcome, verdict.findings) == (Outcome.ACCEPTED, ())
        assert any(plan.changes for plan in verdict.plans)
        roster = apply(roster, [plan.changes for plan in verdict.plans])
        today = district.next_day(today)
    again = district.next_day(district.next_day(district.founded(1_200)))
    assert district.as_files(again.tables) == files


def test_every_code_can_be_injected() -> None:
    """The generator knows each code of the catalogue, and no other."""
    assert sorted(faults.CODES) == sorted(catalogue.codes())


@pytest.mark.parametrize("code", faults.CODES)
def test_what_is_injected_is_found(code: str) -> None:
    """A district with three faults of a code gets a verdict that names the code."""
    rows = SMALL.tables["enrollments.csv"].height
    policy = Policy(reading=ReadingLimits(rows_max=rows)) if code == "too-many-rows" else Policy()
    verdict = decide(faults.injected(SMALL.tables, {code: 3}), empty(), policy)
    assert code in {one.code for one in verdict.findings}


def test_faults_that_leave_out_rows_refuse_nothing() -> None:
    """All faults of cells and rows together, save those that refuse a set whole, leave a delivery accepted."""
    wanted = {code: 3 for code in (*faults.CELLS, *faults.ROWS) if code not in faults.REFUSING}
    verdict = decide(faults.injected(SMALL.tables, wanted), empty(), Policy())
    assert verdict.outcome is Outcome.ACCEPTED


def test_the_nation_has_the_sizes_that_are_published() -> None:
    """13,318 districts, 49 million students, 266 districts with 25,000 or more and 2,558 with fewer than 300."""
    sizes = nation.sizes()
    assert len(sizes) == 13_318
    assert 48_500_000 < sum(sizes) < 49_500_000
    assert sum(size >= 25_000 for size in sizes) == 266
    assert sum(size < 300 for size in sizes) == 2_558


def test_a_hundredth_of_the_nation_stands_for_it() -> None:
    """133 districts of all sizes, each with a name and a seed of its own, have a hundredth of the students."""
    places = nation.districts(1)
    assert len(places) == len({one.slug for one in places}) == len({one.seed for one in places}) == 133
    assert 480_000 < sum(one.students for one in places) < 500_000
