from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.holds.viewing import listed, seen
from core.rosters import frames, rosters
from rostergate.core import catalogue
from rostergate.core.diff import compare
from rostergate.core.holding import holds
from rostergate.core.holds.reissued_ids import HOLD
from rostergate.core.plan import Action, Hold
from rostergate.core.policy import HoldLimits
from rostergate.core.reissue import reissued
from rostergate.core.roster import PEOPLE, Frames


def school(count: int, mark: str, *, first: int = 0, email: bool = False, more: int = 0) -> Frames:
    """Return a school whose students are the same persons whatever the mark of their ids; `more` come besides."""
    people = [
        (
            f"{mark}{one}",
            f"Secret{one}",
            "Ash",
            None,
            None if email else f"2014-01-{one % 28 + 1:02}",
            f"s{one}@x.example" if email else None,
        )
        for one in range(first, count)
    ]
    people += [(f"{mark}m{one}", f"More{one}", "Elm", None, "2015-05-05", None) for one in range(more)]
    return frames(schools=[("A", "Lincoln")], students=people, student_schools=[("A", one) for one, *_ in people])


def check(before: Frames, after: Frames, **limits: Any) -> Hold | None:
    """Check the one school that changes."""
    (view,) = seen(before, after).values()
    return HOLD.check(view, HoldLimits(**limits))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(school(30, "a"), school(30, "b"), id="by name and birth date"),
        pytest.param(school(30, "a", email=True), school(30, "b", email=True), id="by e-mail"),
        pytest.param(school(49, "a"), school(25, "b"), id="just more than half of those who leave"),
    ],
)
def test_new_ids_are_recognised(before: Frames, after: Frames) -> None:
    """Who leaves and comes back under another id is told as that."""
    hold = check(before, after)
    assert hold is not None
    assert hold.message.startswith("Ids appear to have been reissued: ")
    assert HOLD.likely_cause in hold.message
    assert "Secret" not in repr(hold)


def reached_by_phone(mark: str, *, birth_date: str | None = None, name: str = "Secret") -> Frames:
    """Return a school whose students have a name and a phone number each, siblings in twos the same number."""
    people = [
        (f"{mark}{one}", f"{name}{one}", "Ash", None, birth_date, None, f"+1212555{one // 2:04}") for one in range(30)
    ]
    return frames(schools=[("A", "Lincoln")], students=people, student_schools=[("A", one) for one, *_ in people])


def test_a_phone_number_tells_with_the_whole_name_alone() -> None:
    """Siblings who share a number are told apart by name; other names at the same number are other people."""
    hold = check(reached_by_phone("a"), reached_by_phone("b"))
    assert hold is not None
    assert hold.numbers["reissued"] == 30
    assert not reissued_students(reached_by_phone("a"), reached_by_phone("b", name="Other"))


def test_who_is_told_by_phone_counts_as_leaving_the_district() -> None:
    """A name and a number are less sure than the rest: they lessen no other hold's count."""
    views = [seen(reached_by_phone("a"), reached_by_phone("b")), seen(school(30, "a"), school(30, "b"))]
    assert [(one["A"].district.left, one["A"].district.removed) for one in views] == [(30, 30), (30, 0)]


def test_a_phone_number_tells_nothing_against_a_birth_date() -> None:
    """Where a birth date is there and another one comes, or none, the same name and number are not enough."""
    born = reached_by_phone("a", birth_date="2014-01-02")
    for other in ("2015-01-02", None):
        assert not reissued_students(born, reached_by_phone("b", birth_date=other))


def reissued_students(before: Frames, after: Frames) -> list[tuple[Any, ...]]:
    """Return the old and the new id of each student who seems to have a new one."""
    pairs = reissued(compare(before, after)).get("students")
    return [] if pairs is None else pairs.rows()


def test_zeros_that_are_lost_everywhere_are_recognised() -> None:
    """Ids that fit each other, but lack the zeros that the roster has, are told as damaged and not as another SIS."""
    hold = check(school(30, "00"), school(30, ""))
    assert hold is not None
    assert "without the zeros at their front" in hold.message
    assert HOLD.likely_cause not in hold.message
    other = check(school(30, ""), school(30, "00"))
    assert other is not None
    assert HOLD.likely_cause in other.message


def test_a_few_lost_zeros_among_other_ids_are_not_the_cause() -> None:
    """Where most new ids are others altogether, it is the SIS that gave them."""
    bare, other = school(19, ""), school(40, "x", first=19)
    after = {name: frame.vstack(other[name]).unique() for name, frame in bare.items()}
    hold = check(school(40, "0"), after)
    assert hold is not None
    assert hold.numbers["reissued"] == 40
    assert HOLD.likely_cause in hold.message


def test_new_ids_of_schools_and_people_are_told_as_that() -> None:
    """A school that is there again under another id, with its people, has not left the district."""
    before = school(30, "a")
    after = frames(
        schools=[("B", "Lincoln")],
        students=school(30, "b")["students"].rows(),
        student_schools=[("B", f"b{one}") for one in range(30)],
    )
    rules = catalogue.holds().values()
    found = {one: holds(view, rules, HoldLimits()) for one, view in seen(before, after).items()}
    assert [hold.code for hold in found["A"]] == ["reissued-ids"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(school(24, "a"), school(24, "b"), id="few people"),
        pytest.param(school(50, "a"), school(25, "b"), id="half of those who leave"),
        pytest.param(school(30, "a"), school(60, "a", first=30), id="other people"),
        pytest.param(school(30, "a"), school(60, "a"), id="nobody leaves"),
        pytest.param(school(30, "a"), school(0, "a"), id="nobody comes"),
    ],
)
def test_everything_else_is_not(before: Frames, after: Frames) -> None:
    """Few pairs, or most of those who leave without one, is no reissue."""
    assert check(before, after) is None


def test_it_is_told_instead_of_how_many_left() -> None:
    """Neither the school's removals nor the district's are told beside it."""
    (view,) = seen(school(60, "a"), school(60, "b")).values()
    assert [one.code for one in holds(view, catalogue.holds().values(), HoldLimits())] == ["reissued-ids"]


def test_removals_that_are_no_reissue_are_told_as_ever() -> None:
    """Where most of those who leave do not come back, the removals are what is told."""
    (view,) = seen(school(80, "a"), school(25, "b")).values()
    codes = [one.code for one in holds(view, catalogue.holds().values(), HoldLimits())]
    assert codes == ["district-wide-removals", "too-many-removals"]


def test_new_ids_of_teachers_do_not_hide_students_who_leave() -> None:
    """All who leave the school count, be they of a table in which nobody has a new id or not."""

    def staffed(students: int, mark: str) -> Frames:
        ids = [(f"{mark}{one}", f"t{one}@x.example") for one in range(30)]
        staff = frames(
            teachers=[(one, "Ada", "Moss", email) for one, email in ids], teacher_schools=[("A", one) for one, _ in ids]
        )
        return school(students, "s") | {name: staff[name] for name in ("teachers", "teacher_schools")}

    (view,) = seen(staffed(100, "t"), staffed(10, "u")).values()
    found = holds(view, catalogue.holds().values(), HoldLimits())
    assert [one.code for one in found] == ["district-wide-removals", "too-many-removals"]
    assert sum(table == "students" for table, *_ in listed(found[0])) == 90
    hold = HOLD.check(view, HoldLimits(reissued_percent_max=20))
    assert hold is not None
    assert (hold.numbers["reissued"], hold.numbers["of"]) == (30, 120)


def test_new_ids_of_the_district_do_not_hide_students_who_leave_a_school() -> None:
    """Where the district's ids are new and most of a school's people do not come back, both are told."""

    def two(mark: str, students: int) -> Frames:
        ids = [f"s{one}" for one in range(students)]
        small = frames(
            schools=[("B", "Zeta")],
            teachers=[(f"{mark}t", "Ada", "Moss", "t@x.example")],
            students=[(one, f"Kid {one}", "Elm", None, "2015-05-05") for one in ids],
            teacher_schools=[("B", f"{mark}t")],
            student_schools=[("B", one) for one in ids],
        )
        return {name: frame.vstack(small[name]) for name, frame in school(100, mark).items()}

    found = {
        one: holds(view, catalogue.holds().values(), HoldLimits())
        for one, view in seen(two("a", 60), two("b", 0)).items()
    }
    assert [hold.code for hold in found["A"]] == ["reissued-ids"]
    assert [hold.code for hold in found["B"]] == ["reissued-ids", "too-many-removals"]
    assert "They are 1 of the 61 who would leave the school." in found["B"][0].message
    assert "60 of 60 students" in found["B"][1].message


def test_both_rows_of_a_pair_are_named() -> None:
    """The rows are the old id and the new one, each with the other beside it, and nobody else."""
    hold = check(school(25, "a"), school(25, "b", more=3))
    assert listed(hold) == sorted(
        [("students", "removed", f"a{one}", f"b{one}") for one in range(25)]
        + [("students", "added", f"b{one}", f"a{one}") for one in range(25)]
    )


def test_numbers_and_limits() -> None:
    """The numbers tell the pairs, those who leave, and the limit."""
    hold = check(school(41, "a"), school(30, "b"))
    assert hold is not None
    assert "In the whole district" not in hold.message
    assert hold.numbers == {
        "table": "students",
        "reissued": 30,
        "of": 41,
        "percent": 73.2,
        "percent_max": 50.0,
        "rows_min": 25,
        "reissued_in_district": 30,
    }
    assert check(school(40, "a"), school(30, "b"), reissued_percent_max=75) is None
    assert check(school(3, "a"), school(3, "b"), reissued_rows_min=3) is not None


def test_the_table_of_most_new_ids_is_named() -> None:
    """All tables are told; the numbers are of all, and name the table where most ids are new."""

    def staffed(mark: str) -> Frames:
        staff = frames(teachers=[(f"{mark}t", "Ada", "Moss", "t@x.example")], teacher_schools=[("A", f"{mark}t")])
        return school(30, mark) | {name: staff[name] for name in ("teachers", "teacher_schools")}

    hold = check(staffed("a"), staffed("b"))
    assert hold is not None
    assert "1 teachers, 30 students would leave and come back" in hold.message
    assert (hold.numbers["table"], hold.numbers["reissued"]) == ("students", 31)


def test_a_school_with_new_ids_waits_also_where_more_people_leave_another_one() -> None:
    """What is few of all who leave the district is most of those who leave the school."""

    def two(mark: str, others: int) -> Frames:
        ids = [f"o{one}" for one in range(others)]
        other = frames(
            schools=[("B", "Zeta")],
            students=[(one, f"Kid {one}", "Elm", None, "2015-05-05") for one in ids],
            student_schools=[("B", one) for one in ids],
        )
        return {name: frame.vstack(other[name]) for name, frame in school(30, mark).items()}

    held = {one: HOLD.check(view, HoldLimits()) for one, view in seen(two("a", 100), two("b", 0)).items()}
    assert {one for one, hold in held.items() if hold} == {"A"}


def test_a_small_school_waits_with_its_district() -> None:
    """When the ids of the whole district are new, a school waits however small, and one without new ids does not."""

    def two(mark: str) -> Frames:
        large = school(40, mark)
        ties = [("A", f"{mark}{one}") for one in range(35)] + [("B", f"{mark}{one}") for one in range(35, 40)]
        more = [("C", "c1", f"Maths {mark}")]
        made = frames(schools=[("A", "x"), ("B", "y"), ("C", "z")], student_schools=ties, classes=more)
        return made | {"students": large["students"]}

    held = {one: HOLD.check(view, HoldLimits()) for one, view in seen(two("a"), two("b")).items()}
    assert {one for one, hold in held.items() if hold} == {"A", "B"}
    assert held["B"] is not None
    assert "In the whole district it is 40 people." in held["B"].message
    assert held["B"].instead_of == {"too-many-removals", "district-wide-removals"}


def test_what_fits_two_people_says_nothing() -> None:
    """Namesakes born on one day, and an e-mail address that a family shares, pair nobody."""
    ash = ("Cleo", "Ash", None, "2014-01-02", "ash@x.example")
    before = frames(students=[("a1", *ash), ("a2", *ash)])
    after = frames(students=[("b1", *ash)])
    assert reissued(compare(before, after)) == {}


def test_whoever_is_told_by_the_surer_sign_is_told_once() -> None:
    """Who has the same name, birth date and e-mail address is one pair, and nobody else is told by that address."""
    ann, bo = ("Ann", "Ash", None, "2014-01-02"), ("Bo", "Ash", None, "2014-01-03")
    both = frames(students=[("a1", *ann, "ash@x.example")]), frames(students=[("b1", *ann, "ash@x.example")])
    assert reissued_students(*both) == [("a1", "b1", True)]
    before = frames(students=[("a1", *ann, "ann@x.example"), ("a2", "Cy", "Elm", None, None, "ash@x.example")])
    assert reissued_students(before, both[1]) == [("a1", "b1", True)]
    after = frames(students=[("b1", *ann, "ann@x.example"), ("b2", *bo, "ash@x.example")])
    assert reissued_students(both[0], after) == [("a1", "b1", True)]
    after = frames(students=[("b1", *ann), ("b2", *bo, "ash@x.example")])
    assert reissued_students(both[0], after) == [("a1", "b1", True)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            ("Jo", "Annelee", None, "2014-01-02"), ("Joanne", "Lee", None, "2014-01-02"), id="names run together"
        ),
        pytest.param(
            ("Jo", "Ash", None, None, "jo@x.example", "+12125550101"),
            ("Jo", "Ash", None, None, "joe@x.example", "+12125550101"),
            id="the same phone number beside two e-mail addresses",
        ),
        pytest.param(("Jo", "Ash"), ("Jo", "Ash"), id="a name alone"),
        pytest.param(("Jo", "Ash", None, "2014-01-02"), ("Jo", "Elm", None, "2014-01-02"), id="another last name"),
    ],
)
def test_these_are_two_people(old: tuple[str | None, ...], new: tuple[str | None, ...]) -> None:
    """What is alike in them is no sign."""
    assert not reissued_students(frames(students=[("a1", *old)]), frames(students=[("b1", *new)]))


def test_case_and_white_space_do_not_count() -> None:
    """A name in capitals is the same name."""
    before = frames(students=[("a1", "Cleo", "Ash", None, "2014-01-02")], teachers=[("t1", "X", "Y", "A@x.example")])
    after = frames(students=[("b1", " CLEO ", "ash", None, "2014-01-02")], teachers=[("t2", "Z", "Z", "a@X.example")])
    found = reissued(compare(before, after))
    assert {table: pairs.rows() for table, pairs in found.items()} == {
        "teachers": [("t1", "t2", True)],
        "students": [("a1", "b1", True)],
    }


@given(rosters, rosters, st.sampled_from(["n", ""]))
def test_pairs_are_of_those_who_leave_and_come(before: Frames, after: Frames, mark: str) -> None:
    """Each id stands in one pair at most; the old one leaves, the new one comes; two equal rosters have no pairs."""
    for person in PEOPLE:
        (key,) = person.key
        after[person.name] = after[person.name].with_columns(after[person.name][key] + mark)
    rows = compare(before, after)
    for table, pairs in reissued(rows).items():
        (key,) = next(one.key for one in PEOPLE if one.name == table)
        for column, action in (("old", Action.REMOVED), ("new", Action.ADDED)):
            assert pairs[column].is_unique().all()
            assert set(pairs[column]) <= set(rows[table].filter(rows[table]["action"] == action.value)[key])
    assert reissued(compare(before, before)) == {}
