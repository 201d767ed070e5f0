"""The made-up districts that are measured and tested with: sound, the same every time, and broken where wanted."""

from __future__ import annotations

import pytest

import district
import faults
from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.findings import Severity
from rostergate.core.policy import Policy
from rostergate.core.roster import empty
from rostergate.core.verdict import Outcome

STUDENTS = 1_500


@pytest.fixture(scope="module")
def made() -> district.District:
    """Return a district on its first day."""
    return district.founded(STUDENTS)


def test_it_is_the_same_every_time(made: district.District) -> None:
    """Another run gives the same bytes, another seed does not, on any day."""
    again, other = district.founded(STUDENTS), district.founded(STUDENTS, seed=2)
    assert district.as_files(made.tables) == district.as_files(again.tables)
    assert district.as_files(made.tables) != district.as_files(other.tables)
    assert district.as_files(district.next_day(made).tables) == district.as_files(district.next_day(again).tables)


def test_it_stays_sound_from_day_to_day(made: district.District) -> None:
    """For a week nothing is refused, no row is left out, and every day changes a little of everything that changes."""
    roster, today = empty(), made
    for day in range(1, 8):
        verdict = decide(district.as_files(today.tables), roster, Policy())
        assert verdict.outcome is Outcome.ACCEPTED
        assert {one.code for one in verdict.findings if one.severity is not Severity.ALERT} == set()
        totals = verdict.totals or {}
        if day > 1:
            assert 0 < totals["students"].updated < STUDENTS / 20
            assert 0 < totals["enrollments"].added < STUDENTS * 6 / 20
            assert totals["students"].removed > 0
            assert totals["students"].added > 0
        roster = apply(roster, [plan.changes for plan in verdict.plans])
        today = district.next_day(today)


def test_the_smallest_is_sound_too() -> None:
    """A district of one student is one."""
    verdict = decide(district.as_files(district.founded(1).tables), empty(), Policy())
    assert (verdict.outcome, (verdict.totals or {})["students"].added) == (Outcome.ACCEPTED, 1)


def test_quoted_files_say_the_same(made: district.District) -> None:
    """With every cell in quotation marks, the verdict changes nothing."""
    verdict = decide(district.as_files(made.tables), empty(), Policy())
    roster = apply(empty(), [plan.changes for plan in verdict.plans])
    quoted = decide(district.as_files(made.tables, quoted=True), roster, Policy())
    assert {one.added + one.updated + one.removed for one in (quoted.totals or {}).values()} == {0}


def test_many_faults_at_once(made: district.District) -> None:
    """Faults in cells and rows that do not refuse the files are all found together."""
    refusing = {"missing-id", "spreadsheet-damage", "duplicate-school"}
    wanted = [one for one in (*faults.CELLS, *faults.ROWS) if one not in refusing]
    verdict = decide(faults.injected(made.tables, dict.fromkeys(wanted, 3)), empty(), Policy())
    assert verdict.outcome is Outcome.ACCEPTED
    assert set(wanted) <= {one.code for one in verdict.findings}


def test_a_fault_that_is_unknown_is_refused(made: district.District) -> None:
    """A code that cannot be injected is named."""
    with pytest.raises(KeyError, match="no-such-code"):
        faults.injected(made.tables, {"no-such-code": 1})
