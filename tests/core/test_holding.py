from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from core.holds.viewing import seen
from core.rosters import frames
from rostergate.core import catalogue, holding
from rostergate.core.diff import compare
from rostergate.core.holding import DistrictView, HoldRule, SchoolView, district_view, holds, stopped
from rostergate.core.plan import Hold
from rostergate.core.policy import HoldLimits, Policy
from rostergate.core.roster import empty

if TYPE_CHECKING:
    from rostergate.core.roster import Frames

TIES = [("A", "s2", "g1"), ("B", "s2", "g1")]
ROSTER = frames(
    schools=[("A", "Lincoln"), ("B", "Washington")],
    students=[("s1",), ("s2",)],
    guardians=[("g1",)],
    student_schools=[("A", "s1"), ("A", "s2"), ("B", "s2")],
    guardianships=TIES,
)
ALWAYS = HoldRule("always", "t", "c", lambda view, _: Hold("always", view.school_id, {}))
NEVER = HoldRule("never", "t", "c", lambda _view, _limits: None)


def test_a_view_counts_the_people_tied_to_the_school() -> None:
    """People count at every school that has them; so do guardians through their students."""
    view = seen(ROSTER, empty())["A"]
    assert view.counts == {"schools": 1, "students": 2, "guardians": 1, "student_schools": 2, "guardianships": 1}
    assert view.guardianships.is_empty()


@pytest.mark.parametrize("at_once", [1, 1_000])
def test_a_guardian_of_two_students_is_one_person(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is tied to a school more than once counts there once, however many rows are counted at a time."""
    monkeypatch.setattr(holding, "_ROWS_COUNTED", at_once)
    roster = ROSTER | {"guardianships": frames(guardianships=[("A", "s1", "g1"), *TIES])["guardianships"]}
    counts = {school_id: view.counts for school_id, view in seen(roster, empty()).items()}
    assert (counts["A"]["guardians"], counts["A"]["guardianships"]) == (1, 2)
    assert (counts["B"]["guardians"], counts["B"]["guardianships"]) == (1, 1)


def test_a_new_school_has_no_counts() -> None:
    """A view of a school that the roster does not have counts nothing, and shows its guardianships to be."""
    view = seen(empty(), ROSTER)["B"]
    assert view.counts == {}
    assert view.guardianships.rows() == [("B", "s2", "g1", None, None)]


def test_an_undo_speaks_of_no_files() -> None:
    """It has none: whatever holds a plan of it, the message tells what it would do, and names no export."""

    def district(mark: str, grade: str, guardians: int) -> Frames:
        people = range(30)
        return frames(
            schools=[("A", "Lincoln")],
            students=[(f"{mark}{one}", "Ann", f"Ash{one}", grade, "2014-05-06") for one in people],
            student_schools=[("A", f"{mark}{one}") for one in people],
            guardians=[(f"g{one}",) for one in range(guardians)],
            guardianships=[("A", f"{mark}0", f"g{one}") for one in range(guardians)],
        )

    now = district("a", "3", 0)
    for was in (empty(), district("a", "4", 0), district("b", "3", 0), district("a", "3", 6)):
        (view,) = seen(now, was, is_undo=True).values()
        found = holds(view, catalogue.holds().values(), HoldLimits())
        assert found
        for hold in found:
            assert not re.search("file|export", hold.message)
            assert "what the undo would take back" in hold.message


def test_only_schools_with_changes_are_seen() -> None:
    """Schools that stay as they are have no view."""
    assert seen(ROSTER, ROSTER) == {}


def test_a_school_waits_for_every_hold_that_says_so() -> None:
    """Holds come in the order of their rules; a plan without changes is never held."""
    view = seen(empty(), ROSTER)["A"]
    assert [hold.code for hold in holds(view, [NEVER, ALWAYS, ALWAYS], HoldLimits())] == ["always", "always"]
    unchanged = SchoolView("A", {}, {}, {}, ROSTER["guardianships"])
    assert holds(unchanged, [ALWAYS], HoldLimits()) == ()


def test_a_hold_that_explains_another_is_told_instead_of_it() -> None:
    """The explained hold is left out where the explaining one is told, and only there."""
    view = seen(empty(), ROSTER)["A"]
    explained = frozenset({"always", "never"})
    because = HoldRule("because", "t", "c", lambda _view, _limits: Hold("because", "", {}, instead_of=explained))
    beside = HoldRule("beside", "t", "c", lambda _view, _limits: Hold("beside", "", {}))
    assert [hold.code for hold in holds(view, [because, ALWAYS], HoldLimits())] == ["because"]
    assert [hold.code for hold in holds(view, [beside, ALWAYS], HoldLimits())] == ["beside", "always"]


def test_each_school_is_judged_by_its_own_limits() -> None:
    """A school with limits of its own is held by those, every other one by the district's."""
    at_least = HoldRule("rows", "t", "c", lambda _, limits: Hold("rows", "", {}) if limits.updates_rows_min else None)
    policy = Policy(holds=HoldLimits(updates_rows_min=0), school_holds={"B": HoldLimits()})
    found = stopped(seen(empty(), ROSTER), [at_least], policy)
    assert {one: len(reasons) for one, reasons in found.items()} == {"A": 0, "B": 1}


def test_the_view_of_the_district_counts_each_person_once() -> None:
    """People are counted once whatever their schools; a school that vanishes is there with its students."""
    after = frames(schools=[("A", "Lincoln")], students=[("s1",)], student_schools=[("A", "s1")])
    whole = district_view(compare(ROSTER, after), ROSTER, after)
    assert (whole.people, whole.removed, whole.left, dict(whole.vanished)) == (3, 2, 2, {"B": 1})
    assert district_view(compare(ROSTER, ROSTER), ROSTER, ROSTER) == DistrictView(people=3)


def test_who_comes_back_under_another_id_has_not_left_the_district() -> None:
    """They are counted among those whose id leaves, and not among the district's losses."""
    before = frames(
        schools=[("A", "Lincoln")],
        students=[(one, one, "Ash", None, "2014-01-02") for one in ("ann", "bo")],
        student_schools=[("A", "ann"), ("A", "bo")],
    )
    after = frames(
        schools=[("A", "Lincoln")],
        students=[("7", "ann", "Ash", None, "2014-01-02")],
        student_schools=[("A", "7")],
    )
    whole = district_view(compare(before, after), before, after)
    assert (whole.people, whole.left, whole.removed) == (2, 2, 1)
    assert whole.reissued["students"].rows() == [("ann", "7", True)]


def test_a_school_without_students_vanishes_too() -> None:
    """Nobody is counted there, and it is told as one that is not in the files."""
    before = frames(schools=[("A", "Lincoln")], teachers=[("t1",)], teacher_schools=[("A", "t1")])
    view = seen(before, empty())["A"]
    assert view.has_vanished
    assert dict(view.district.vanished) == {"A": 0}


def test_whoever_goes_on_elsewhere_is_told_of_a_school_that_closes() -> None:
    """Also with another grade or under another id, where that is sure; not who is told by a phone number alone."""
    phone = "+12125550101"
    before = frames(
        schools=[("A", "Lincoln"), ("B", "Washington")],
        students=[
            ("moves", "Ann", "Ash", "5", "2014-01-02"),
            ("other", "Bo", "Ash", "5", "2014-01-03"),
            ("phone", "Cy", "Ash", "5", None, None, phone),
            ("leaves", "Di", "Ash", "5", "2014-01-04"),
        ],
        student_schools=[("A", one) for one in ("moves", "other", "phone", "leaves")],
    )
    after = frames(
        schools=[("B", "Washington")],
        students=[
            ("moves", "Ann", "Ash", "6", "2014-01-02"),
            ("1", "Bo", "Ash", "6", "2014-01-03"),
            ("2", "Cy", "Ash", "6", None, None, phone),
        ],
        student_schools=[("B", one) for one in ("moves", "1", "2")],
    )
    whole = district_view(compare(before, after), before, after)
    assert (dict(whole.vanished), dict(whole.elsewhere)) == ({"A": 4}, {"A": 2})


def test_one_person_alone_may_come_back_under_another_id() -> None:
    """A single one who leaves is looked for as well."""
    before, after = (
        frames(schools=[("A", "A")], students=[(one, "Ann", "Ash", None, "2014-01-02")], student_schools=[("A", one)])
        for one in ("old", "new")
    )
    whole = district_view(compare(before, after), before, after)
    assert (whole.left, whole.removed) == (1, 0)
