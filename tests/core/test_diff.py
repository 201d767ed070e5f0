from itertools import permutations
from random import Random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from core.rosters import diff, frames, rosters, same
from rostergate.core.diff import apply, compare, counted, gathered, merged
from rostergate.core.roster import PEOPLE, TABLES, Frames, empty
from rostergate.core.snapshot import Snapshot
from rostergate.core.target import NEEDS, orphans, target, ties
from rostergate.core.verdict import Totals

bounded = settings(max_examples=50, deadline=None)


def snapshot(tables: Frames) -> Snapshot:
    """Return a snapshot with nothing unusable and nothing absent."""
    return Snapshot(tables, {})


def sound(roster: Frames) -> bool:
    """Tell whether no tie lacks an end and no person lacks a tie."""
    untied = [roster[one.name].join(ties(roster, one), on=one.key, how="anti").height for one in PEOPLE]
    return not orphans(roster) and not any(untied)


def rows(frame: pl.DataFrame) -> set[tuple[str | None, ...]]:
    """Return the rows of a frame, in no order."""
    return set(frame.iter_rows())


@bounded
@given(rosters, rosters)
def test_applying_all_makes_the_snapshot(roster: Frames, new: Frames) -> None:
    """`apply(roster, diff(roster, s)) == s`."""
    assert same(apply(roster, diff(roster, snapshot(new)).values()), new)


@bounded
@given(rosters, rosters)
def test_what_schools_change_is_put_together_again(roster: Frames, new: Frames) -> None:
    """Applied as one, it makes the same; table by table, each row is told with its school."""
    plans = diff(roster, snapshot(new))
    assert same(apply(roster, [merged(plans.values())]), new)
    for table in TABLES:
        whole = gathered(plans, table)
        parts = {school: rows(changes[table]) for school, changes in plans.items() if table in changes}
        assert (whole is None) == (not parts)
        if whole is not None:
            assert {school: rows(whole.filter(place=school).drop("place")) for school in parts} == parts
            assert whole.height == sum(map(len, parts.values()))


def totals(roster: Frames, snapshot: Snapshot) -> dict[str, Totals]:
    """Return what a snapshot does to each table of a roster."""
    after = target(roster, snapshot)
    return counted(compare(roster, after), after)


@bounded
@given(rosters)
def test_nothing_differs_from_itself(roster: Frames) -> None:
    """`diff(s, s)` is empty, and everything counts as unchanged."""
    assert diff(roster, snapshot(roster)) == {}
    counts = totals(roster, snapshot(roster))
    assert counts == {name: Totals(unchanged=roster[name].height) for name in TABLES}


@settings(bounded, max_examples=25)
@given(rosters, rosters)
def test_the_order_of_schools_does_not_matter(roster: Frames, new: Frames) -> None:
    """Applying the schools in any order gives the same roster."""
    plans = diff(roster, snapshot(new)).values()
    assert all(same(apply(roster, order), new) for order in permutations(plans))


@bounded
@given(rosters, rosters, st.sets(st.sampled_from("ABC")))
def test_some_schools_leave_a_sound_roster_and_the_others_complete_it(
    roster: Frames, new: Frames, first: set[str]
) -> None:
    """After some of the schools every tie has its ends and every person a tie; after the others it is the snapshot."""
    plans = diff(roster, snapshot(new))
    between = apply(roster, [plan for school, plan in plans.items() if school in first])
    assert sound(between)
    for name in ("schools", "classes", "student_schools", "enrollments"):
        of_first = pl.col("school_id").is_in(list(first))
        assert rows(between[name].filter(of_first)) == rows(new[name].filter(of_first))
        assert rows(between[name].filter(~of_first)) == rows(roster[name].filter(~of_first))
    assert same(apply(between, [plan for school, plan in plans.items() if school not in first]), new)


@bounded
@given(rosters, rosters)
def test_totals_count_each_row_once(roster: Frames, new: Frames) -> None:
    """Added and unchanged and updated make the snapshot; removed, updated and unchanged make the roster."""
    counts = totals(roster, snapshot(new))
    for name in TABLES:
        one = counts[name]
        assert one.added + one.updated + one.unchanged == new[name].height
        assert one.removed + one.updated + one.unchanged == roster[name].height


@bounded
@given(rosters, rosters, st.randoms(use_true_random=False))
def test_what_is_mentioned_does_not_disappear(roster: Frames, new: Frames, random: Random) -> None:
    """Whatever the files mention is still in the roster afterwards, with the values it had, and the roster is sound."""
    mentioned = {}
    for name, table in TABLES.items():
        picked = [number for number in range(roster[name].height) if random.randrange(3) == 0]
        mentioned[name] = roster[name].select(table.key)[picked]
    after = apply(roster, diff(roster, Snapshot(new, mentioned)).values())
    assert sound(after)
    for name, table in TABLES.items():
        assert rows(mentioned[name]) <= rows(after[name].select(table.key))
        assert rows(new[name]) <= rows(after[name])
        extra = after[name].join(new[name], on=table.key, how="anti")
        assert rows(extra) <= rows(roster[name])


@bounded
@given(rosters, rosters)
def test_absent_guardians_stay_with_their_students(roster: Frames, new: Frames) -> None:
    """Without the guardians' file each pair of the roster stays wherever its student is, and nowhere else."""
    nobody = {name: new[name].clear() if name in ("guardians", "guardianships") else new[name] for name in TABLES}
    after = apply(roster, diff(roster, Snapshot(nobody, {}, frozenset({"guardians", "guardianships"}))).values())
    assert sound(after)
    pairs = roster["guardianships"].select("student_id", "guardian_id").unique()
    placed = pairs.join(new["student_schools"], on="student_id").select("school_id", "student_id", "guardian_id")
    assert rows(after["guardianships"].select(placed.columns)) == rows(placed)
    assert rows(after["guardians"]) <= rows(roster["guardians"])
    others = [name for name in TABLES if name not in ("guardians", "guardianships")]
    assert all(rows(after[name]) == rows(new[name]) for name in others)


@bounded
@given(rosters, rosters, st.sets(st.sampled_from(sorted(TABLES))))
def test_any_absent_tables_leave_a_sound_roster(roster: Frames, new: Frames, absent: set[str]) -> None:
    """Whichever tables are absent, what rests of them never lacks what it refers to."""
    partial = {name: new[name].clear() if name in absent else new[name] for name in TABLES}
    partial = _without_orphans(partial)
    assert sound(apply(roster, diff(roster, Snapshot(partial, {}, frozenset(absent))).values()))


@settings(max_examples=200, deadline=None)
@given(rosters, rosters, st.sets(st.sampled_from(sorted(TABLES))), st.randoms(use_true_random=False))
def test_the_same_delivery_changes_nothing_again(roster: Frames, new: Frames, absent: set[str], random: Random) -> None:
    """Once everything is applied, the same snapshot changes nothing, whatever it mentions or lacks."""
    mentioned = {}
    for name, table in TABLES.items():
        picked = [number for number in range(roster[name].height) if random.randrange(4) == 0]
        mentioned[name] = roster[name].select(table.key)[picked]
    partial = _without_orphans({name: new[name].clear() if name in absent else new[name] for name in TABLES})
    given_again = Snapshot(partial, mentioned, frozenset(absent))
    after = apply(roster, diff(roster, given_again).values())
    assert diff(after, given_again) == {}


def _without_orphans(tables: Frames) -> Frames:
    """Drop what refers to a row that an absent table does not give."""
    whole = dict(tables)
    for name in TABLES:
        for other, on in NEEDS.get(name, ()):
            whole[name] = whole[name].join(whole[other], on=on, how="semi")
    return whole


LINCOLN = frames(
    schools=[("A", "Lincoln")],
    teachers=[("t1", "Ada", "Byron", "ada@x.org", None)],
    students=[("s1", "Sam"), ("s2", "Sue")],
    guardians=[("g1", "Gil")],
    classes=[("A", "c1", "Maths")],
    teacher_schools=[("A", "t1")],
    student_schools=[("A", "s1"), ("A", "s2")],
    guardianships=[("A", "s1", "g1", "father")],
    class_teachers=[("A", "c1", "t1")],
    enrollments=[("A", "c1", "s1")],
)


def test_a_first_delivery_adds_everything() -> None:
    """Into an empty roster every row is added, people with the school that ties them."""
    changes = diff(empty(), snapshot(LINCOLN))
    assert set(changes) == {"A"}
    assert all(set(changes["A"][name]["action"]) == {"added"} for name in TABLES)
    assert {name: changes["A"][name].height for name in TABLES} == {name: LINCOLN[name].height for name in TABLES}


def test_a_school_that_vanished_loses_everything() -> None:
    """A school of the roster that is not in the files has every row removed, with the values that the roster has."""
    changes = diff(LINCOLN, snapshot(empty()))
    assert all(set(changes["A"][name]["action"]) == {"removed"} for name in TABLES)
    assert rows(changes["A"]["teachers"]) == {("t1", "Ada", "Byron", "ada@x.org", None, "removed")}


def test_an_absent_cell_equals_an_absent_cell() -> None:
    """Null is equal to null and different from an empty text; only rows with a real difference are updated."""
    new = LINCOLN | {"students": frames(students=[("s1", "Sam"), ("s2", "Sue", "")])["students"]}
    assert rows(diff(LINCOLN, snapshot(new))["A"]["students"]) == {("s2", "Sue", "", None, None, None, None, "updated")}


def test_a_student_who_moves_is_kept_for_the_new_school() -> None:
    """The old school loses the tie; the new one gains it together with the unchanged rows of student and guardian."""
    two = LINCOLN | {"schools": frames(schools=[("A", "Lincoln"), ("B", "Washington")])["schools"]}
    moved = two | frames(student_schools=[("B", "s1"), ("A", "s2")], guardianships=[("B", "s1", "g1", "father")])
    new = {name: moved[name] if name in ("student_schools", "guardianships") else two[name] for name in TABLES}
    new["enrollments"] = two["enrollments"].clear()
    changes = diff(two, snapshot(new))
    assert rows(changes["A"]["student_schools"]) == {("A", "s1", "removed")}
    assert "students" not in changes["A"]
    assert rows(changes["B"]["students"].select("student_id", "action")) == {("s1", "kept")}
    assert rows(changes["B"]["guardians"].select("guardian_id", "action")) == {("g1", "kept")}
    left = apply(two, [changes["A"]])
    assert rows(left["students"].select("student_id")) == {("s2",)}
    assert same(apply(left, [changes["B"]]), new)


def test_a_tie_with_other_values_carries_nobody() -> None:
    """Only who comes to a school comes with their row: a plan has no more rows than it needs."""
    new = LINCOLN | {"guardianships": frames(guardianships=[("A", "s1", "g1", "uncle")])["guardianships"]}
    assert set(diff(LINCOLN, snapshot(new))["A"]) == {"guardianships"}


def test_a_person_of_two_schools_is_in_both_plans() -> None:
    """An updated student who is in two schools is updated by either; totals count the student once."""
    schools = [("A", "Lincoln"), ("B", "Washington")]
    ties_of_both = [("A", "s1"), ("B", "s1")]
    old = frames(schools=schools, students=[("s1", "Sam")], student_schools=ties_of_both)
    new = frames(schools=schools, students=[("s1", "Samuel")], student_schools=ties_of_both)
    changes = diff(old, snapshot(new))
    assert {school: set(plan) for school, plan in changes.items()} == {"A": {"students"}, "B": {"students"}}
    assert totals(old, snapshot(new))["students"] == Totals(updated=1)


def test_a_person_goes_with_the_last_tie() -> None:
    """A student removed from two schools stays in the roster until both have let go."""
    schools = [("A", "Lincoln"), ("B", "Washington")]
    old = frames(schools=schools, students=[("s1", "Sam")], student_schools=[("A", "s1"), ("B", "s1")])
    changes = diff(old, snapshot(frames(schools=schools)))
    assert all(set(plan["students"]["action"]) == {"removed"} for plan in changes.values())
    one_left = apply(old, [changes["A"]])
    assert one_left["students"].height == 1
    assert apply(one_left, [changes["B"]])["students"].height == 0


def test_a_teacher_whose_row_cannot_be_used_stays() -> None:
    """A teacher without an e-mail is left out of the snapshot, with class and ties; the roster keeps all of it."""
    gone = ("teachers", "teacher_schools", "classes", "class_teachers", "enrollments")
    new = {name: LINCOLN[name].clear() if name in gone else LINCOLN[name] for name in TABLES}
    mentioned = {
        "teachers": LINCOLN["teachers"].select("teacher_id"),
        "teacher_schools": LINCOLN["teacher_schools"],
        "class_teachers": LINCOLN["class_teachers"].select("class_id", "teacher_id"),
        "enrollments": LINCOLN["enrollments"].select("class_id", "student_id"),
    }
    assert diff(LINCOLN, Snapshot(new, mentioned)) == {}
    assert set(diff(LINCOLN, snapshot(new))["A"]) == set(gone)


def test_a_mentioned_person_keeps_the_ties_of_the_roster() -> None:
    """A mentioned student whose ties are not mentioned keeps them: nobody stays in the roster without a tie."""
    mentioned = {"students": pl.DataFrame({"student_id": ["s2"]})}
    after = target(LINCOLN, Snapshot(empty(), mentioned))
    assert rows(after["student_schools"]) == {("A", "s2")}
    assert rows(after["schools"]) == {("A", "Lincoln")}
