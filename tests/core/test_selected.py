from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rosters import frames, rosters, same
from rostergate.core.decide import planned
from rostergate.core.diff import apply
from rostergate.core.policy import HoldLimits, Policy
from rostergate.core.roster import PEOPLE, TABLES
from rostergate.core.selected import selected
from rostergate.core.snapshot import Snapshot
from rostergate.core.target import ties
from rostergate.core.verdict import Totals

if TYPE_CHECKING:
    from rostergate.core.roster import Frames

A = frozenset("A")


def _roster(*schools: str, name: str = "Ann") -> Frames:
    """Return a roster of one teacher, one student and one guardian at each of some schools."""
    return frames(
        schools=[(one, one) for one in schools],
        teachers=[("t1", name)] if schools else (),
        students=[("s1", name, None, None, "2015-03-04")] if schools else (),
        guardians=[("g1", name)] if schools else (),
        teacher_schools=[(one, "t1") for one in schools],
        student_schools=[(one, "s1") for one in schools],
        guardianships=[(one, "s1", "g1") for one in schools],
    )


def test_without_deselected_schools_nothing_is_left_aside() -> None:
    """The two rosters are returned as they are."""
    was, be = _roster("A", "B"), _roster("A")
    one, other = selected(was, be, frozenset())
    assert (one is was, other is be) == (True, True)


def test_nothing_is_said_of_those_who_are_tied_to_no_other_school() -> None:
    """A deselected school is left aside on both sides, and its people with it."""
    was, be = selected(_roster("A"), _roster("A", name="Bea"), A)
    assert same(was, frames())
    assert same(be, frames())


@pytest.mark.parametrize(
    ("was", "be", "totals"),
    [
        pytest.param(("A", "B"), ("A",), Totals(), id="who leaves the other school stays in the roster"),
        pytest.param(("A", "B"), (), Totals(), id="who leaves the files as well"),
        pytest.param(
            ("A",), ("A", "B"), Totals(unchanged=1), id="who comes to another school is in the roster already"
        ),
        pytest.param(("A",), ("B",), Totals(unchanged=1), id="who moves to another school"),
        pytest.param(("B",), ("A",), Totals(removed=1), id="who moves to the deselected school leaves the roster"),
        pytest.param(("B",), ("A", "B"), Totals(unchanged=1), id="who comes to the deselected school stays as well"),
    ],
)
def test_people_are_counted_as_the_roster_has_them(was: tuple[str, ...], be: tuple[str, ...], totals: Totals) -> None:
    """Somebody tied to a deselected school is archived with no other tie, and made with none."""
    roster = _roster(*was)
    plans, found = planned(roster, Snapshot(_roster(*be), {}), Policy(deselected=A))
    assert {found[person.name] for person in PEOPLE} == {totals}
    assert all(not plan.changes for plan in plans if plan.school_id == "A")
    after = apply(roster, [plan.changes for plan in plans])
    there = (set(was) & {"A"}) | (set(be) - {"A"})
    assert same(after, _roster(*sorted(there)))


def test_who_stays_at_a_deselected_school_does_not_make_others_wait() -> None:
    """People who leave one school and are still in the roster are no loss of the district."""
    ids = [f"s{number}" for number in range(40)]

    def with_b(there: list[str]) -> Frames:
        return frames(
            schools=[("A", "A"), ("B", "B")],
            students=[(one,) for one in ids],
            student_schools=[("A", one) for one in ids] + [("B", one) for one in there],
        )

    limits = HoldLimits(removals_percent_max=100.0)
    plans, _ = planned(with_b(ids), Snapshot(with_b(ids[:1]), {}), Policy(holds=limits, deselected=A))
    assert [plan.holds for plan in plans] == [(), ()]
    plans, _ = planned(with_b(ids), Snapshot(with_b(ids[:1]), {}), Policy(deselected=A))
    assert [hold.code for plan in plans for hold in plan.holds] == ["too-many-removals"]


def test_what_did_not_come_stays_with_who_comes_from_a_deselected_school() -> None:
    """Guardians follow their student, and a birth date stays, where the optional file of either is absent."""
    came = frames(schools=[("B", "B")], students=[("s1", "Ann")], student_schools=[("B", "s1")])
    absent = frozenset({"guardians", "guardianships", "students.birth_date"})
    roster = _roster("A")
    plans, _ = planned(roster, Snapshot(came, {}, absent), Policy(deselected=A))
    after = apply(roster, [plan.changes for plan in plans])
    assert after["guardianships"].sort("school_id").rows() == [(one, "s1", "g1", None, None) for one in "AB"]
    assert after["students"].rows() == roster["students"].rows()


@settings(deadline=None, max_examples=60)
@given(rosters, rosters, st.sets(st.sampled_from("ABC")))
def test_deselected_schools_stay_and_all_others_are_as_the_files_say(
    roster: Frames, snapshot: Frames, deselected: set[str]
) -> None:
    """So it is of every tie; people are as the files say at a school that is rostered, and else as they were."""
    plans, totals = planned(roster, Snapshot(snapshot, {}), Policy(deselected=frozenset(deselected)))
    after = apply(roster, [plan.changes for plan in plans])
    for name, table in TABLES.items():
        if not table.of_people:
            kept = {row for row in roster[name].iter_rows() if row[0] in deselected}
            said = {row for row in snapshot[name].iter_rows() if row[0] not in deselected}
            assert set(after[name].rows()) == kept | said
    for person in PEOPLE:
        here = {one for school, one in ties(snapshot, person).iter_rows() if school not in deselected}
        there = {one for school, one in ties(roster, person).iter_rows() if school in deselected}
        said = {row for row in snapshot[person.name].iter_rows() if row[0] in here}
        kept = {row for row in roster[person.name].iter_rows() if row[0] in there - here}
        assert set(after[person.name].rows()) == said | kept
        before, now = ({row[0]: row for row in frame[person.name].iter_rows()} for frame in (roster, after))
        updated = sum(now[one] != before[one] for one in before.keys() & now.keys())
        told = totals[person.name]
        assert (told.added, told.updated, told.removed) == (
            len(now.keys() - before.keys()),
            updated,
            len(before.keys() - now.keys()),
        )
