from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rosters import frames, rosters, same
from rostergate.core.diff import apply
from rostergate.core.plan_state import State
from rostergate.core.policy import HoldLimits, Policy
from rostergate.core.roster import PEOPLE, TABLES
from rostergate.core.target import orphans, ties
from rostergate.core.undo import target, undo
from rostergate.core.verdict import Totals

if TYPE_CHECKING:
    from rostergate.core.roster import Frames

POLICY = Policy()

BEFORE = frames(
    schools=[("A", "Adams")],
    students=[("s1", "Ann"), ("s2", "Bo")],
    student_schools=[("A", "s1"), ("A", "s2")],
    classes=[("A", "c1", "Art")],
    enrollments=[("A", "c1", "s1"), ("A", "c1", "s2")],
)
AFTER = frames(
    schools=[("A", "Adams"), ("B", "Baker")],
    students=[("s1", "Anna"), ("s3", "Cy")],
    student_schools=[("A", "s1"), ("B", "s3")],
    classes=[("A", "c1", "Art")],
    enrollments=[("A", "c1", "s1")],
)


def _sound(roster: Frames) -> bool:
    tied = (roster[one.name].join(ties(roster, one), on=one.key, how="anti").is_empty() for one in PEOPLE)
    return not orphans(roster) and all(tied)


@settings(deadline=None, max_examples=40)
@given(rosters, rosters)
def test_undone_at_once_the_roster_is_as_it_was(before: Frames, after: Frames) -> None:
    """With nothing in between, an undo leads back, leaves nothing alone, and can itself be undone."""
    undone = undo(after, before, after, POLICY)
    back = apply(after, [plan.changes for plan in undone.verdict.plans])
    assert same(back, before)
    assert undone.left == {}
    again = undo(back, after, back, POLICY)
    assert same(apply(back, [plan.changes for plan in again.verdict.plans]), after)


@settings(deadline=None, max_examples=40)
@given(rosters, rosters, rosters, st.sampled_from(["A", "B", "C", None]))
def test_whatever_came_since_the_roster_stays_sound(
    before: Frames, after: Frames, now: Frames, school: str | None
) -> None:
    """After any later change, for a school or the district: ties and people are whole; what changed since stays."""
    wanted = target(now, before, after, school)
    assert _sound(wanted)
    undone = undo(now, before, after, POLICY, school)
    made = apply(now, [plan.changes for plan in undone.verdict.plans])
    assert _sound(made)
    if school is None:
        assert same(made, wanted)
    counts = {name: made[name].height for name in TABLES}
    totals = undone.verdict.totals or {}
    assert counts == {name: one.added + one.updated + one.unchanged for name, one in totals.items()}
    for name, table in TABLES.items():
        if not table.of_people:  # people go with their last tie
            untouched = now[name].join(after[name], on=table.columns, how="anti", nulls_equal=bool(table.values))
            assert untouched.join(wanted[name], on=table.columns, how="anti", nulls_equal=True).is_empty()


@settings(deadline=None, max_examples=40)
@given(rosters, rosters, rosters, st.sampled_from(["A", "B", "C", None]))
def test_only_what_was_changed_needs_to_be_given(
    before: Frames, after: Frames, now: Frames, school: str | None
) -> None:
    """Rows that were the same before, after and now may be left out of what is given."""

    def reduced(rows: Frames, one: Frames, other: Frames) -> Frames:
        kept = {}
        for name, table in TABLES.items():
            both = rows[name].join(one[name], on=table.columns, how="semi", nulls_equal=True)
            both = both.join(other[name], on=table.columns, how="semi", nulls_equal=True)
            kept[name] = rows[name].join(both, on=table.key, how="anti")
        return kept

    whole = undo(now, before, after, POLICY, school)
    part = undo(now, reduced(before, after, now), reduced(after, before, now), POLICY, school)
    assert [plan.hash for plan in part.verdict.plans] == [plan.hash for plan in whole.verdict.plans]
    assert (part.left, part.verdict.totals) == (whole.left, whole.verdict.totals)


def test_what_was_changed_again_is_left_alone_and_counted() -> None:
    """A row with a newer value, and one that a newer row needs, stay; the rest is put back."""
    now = frames(
        schools=[("A", "Adams"), ("B", "Baker")],
        students=[("s1", "Annie"), ("s3", "Cy"), ("s4", "Di")],
        student_schools=[("A", "s1"), ("B", "s3"), ("B", "s4")],
        classes=[("A", "c1", "Art")],
        enrollments=[("A", "c1", "s1")],
    )
    undone = undo(now, BEFORE, AFTER, POLICY)
    made = apply(now, [plan.changes for plan in undone.verdict.plans])
    assert sorted(made["students"]["first_name"]) == ["Annie", "Bo", "Di"]
    assert sorted(made["schools"]["school_id"]) == ["A", "B"]
    assert sorted(made["enrollments"].rows()) == [("A", "c1", "s1"), ("A", "c1", "s2")]
    assert undone.left == {"schools": 1, "students": 1}


def test_what_returns_needs_what_it_refers_to() -> None:
    """An enrollment whose class has been removed since does not come back; the student does."""
    now = frames(
        schools=[("A", "Adams"), ("B", "Baker")],
        students=[("s1", "Anna"), ("s3", "Cy")],
        student_schools=[("A", "s1"), ("B", "s3")],
    )
    undone = undo(now, BEFORE, AFTER, POLICY)
    made = apply(now, [plan.changes for plan in undone.verdict.plans])
    assert sorted(made["students"]["first_name"]) == ["Ann", "Bo"]
    assert made["enrollments"].is_empty()
    assert undone.left == {"enrollments": 1}


def test_whoever_has_left_since_comes_back_with_the_tie_that_returns() -> None:
    """Also where the delivery took the tie alone, and it was a later one that let the person go."""
    before, after, now = (
        frames(
            schools=[("A", "Adams"), ("B", "Baker")],
            students=[("s1", "Ann")] if there else [],
            student_schools=[(one, "s1") for one in there],
        )
        for there in ("AB", "B", "")
    )
    made = apply(now, [plan.changes for plan in undo(now, before, after, POLICY).verdict.plans])
    assert made["student_schools"].rows() == [("A", "s1")]
    assert made["students"]["first_name"].to_list() == ["Ann"]


def test_one_school_is_undone_alone() -> None:
    """For one school only its rows and its people go back, and only it has a plan."""
    undone = undo(AFTER, BEFORE, AFTER, POLICY, "A")
    assert [plan.school_id for plan in undone.verdict.plans] == ["A"]
    assert undone.left == {}
    made = apply(AFTER, [plan.changes for plan in undone.verdict.plans])
    assert sorted(made["students"]["first_name"]) == ["Ann", "Bo", "Cy"]
    assert sorted(made["schools"]["school_id"]) == ["A", "B"]


@pytest.mark.parametrize(
    ("was", "became", "are", "name"),
    [
        pytest.param("A", "B", "B", "Ann", id="who was moved away, and comes back"),
        pytest.param("B", "B", "AB", "Ann", id="who has come since"),
        pytest.param("A", "A", "B", "Anna", id="who has left since"),
        pytest.param("", "A", "B", "Anna", id="who was brought, and has left since"),
    ],
)
def test_people_belong_to_every_school_that_has_or_had_them(was: str, became: str, are: str, name: str) -> None:
    """For one school their row is put back, or counted as left where they are not of the school afterwards."""
    before, after, now = (
        frames(
            schools=[("A", "Adams"), ("B", "Baker")],
            students=[("s1", called)] if there else [],
            student_schools=[(one, "s1") for one in there],
        )
        for there, called in ((was, "Ann"), (became, "Anna"), (are, "Anna"))
    )
    undone = undo(now, before, after, POLICY, "A")
    made = apply(now, [plan.changes for plan in undone.verdict.plans])
    assert made["students"]["first_name"].to_list() == [name]
    assert undone.left.get("students", 0) == (name == "Anna")


def test_whoever_has_left_the_school_since_is_left_alone() -> None:
    """Their row belongs to the other schools that have them now: nothing is done to it, and it is counted as left."""
    schools, both = [("A", "Adams"), ("B", "Baker")], [("A", "s1"), ("B", "s1")]
    before, after, now = (
        frames(schools=schools, students=[("s1", name)], student_schools=ties_then)
        for name, ties_then in (("Ann", both), ("Anna", both), ("Anna", both[1:]))
    )
    undone = undo(now, before, after, POLICY, "A")
    assert undone.verdict.plans == ()
    assert undone.verdict.totals == {name: Totals(unchanged=now[name].height) for name in TABLES}
    assert undone.left == {"students": 1}


@settings(deadline=None, max_examples=40)
@given(rosters, rosters, rosters, st.sampled_from("ABC"))
def test_nothing_of_a_deselected_school_is_put_back(before: Frames, after: Frames, now: Frames, school: str) -> None:
    """Its rows stay as they are, whatever the delivery did to them, and what of them stays so is counted as left."""
    undone = undo(now, before, after, Policy(deselected=frozenset({school})))
    made = apply(now, [plan.changes for plan in undone.verdict.plans])
    assert _sound(made)
    assert school not in {plan.school_id for plan in undone.verdict.plans}
    for name, table in TABLES.items():
        if not table.of_people:
            assert _of_school(made, name, school) == _of_school(now, name, school)
            changed = set(before[name].rows()) ^ set(after[name].rows())
            keys = {row[: len(table.key)] for row in changed}
            was, be = ({row[: len(table.key)]: row for row in frame[name].rows()} for frame in (before, made))
            assert undone.left.get(name, 0) == sum(was.get(key) != be.get(key) for key in keys)


def _of_school(roster: Frames, table: str, school: str) -> list[tuple[str | None, ...]]:
    return sorted(roster[table].filter(school_id=school).rows(), key=str)


@pytest.mark.parametrize("school", ["A", None])
def test_an_undo_is_held_like_any_plan(school: str | None) -> None:
    """An undo that removes much waits for a person."""
    many = [f"s{number}" for number in range(40)]
    full = frames(
        schools=[("A", "Adams")], students=[(one, "Ann") for one in many], student_schools=[("A", one) for one in many]
    )
    few = frames(schools=[("A", "Adams")], students=[("s0", "Ann")], student_schools=[("A", "s0")])
    (plan,) = undo(full, few, full, Policy(holds=HoldLimits()), school).verdict.plans
    assert plan.state is State.HELD
    assert "This is what the undo would take back" in plan.holds[0].message


def test_undone_already_nothing_is_left_to_do() -> None:
    """A second undo finds the roster as it should be."""
    assert undo(BEFORE, BEFORE, AFTER, POLICY).verdict.plans == ()
