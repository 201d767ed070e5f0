import pytest

from core.holds.viewing import listed, seen
from core.rosters import frames
from rostergate.core.holds.too_many_removals import HOLD
from rostergate.core.plan import Hold
from rostergate.core.policy import HoldLimits
from rostergate.core.roster import Frames, empty


def school(students: int, *, classes: int = 0, enrolled: int = 0) -> Frames:
    """Return a school with so many students and classes; the first `enrolled` students are in the first class."""
    people = range(students)
    return frames(
        schools=[("A", "Lincoln")],
        students=[(f"secret{one}",) for one in people],
        student_schools=[("A", f"secret{one}") for one in people],
        classes=[("A", f"c{one}", "Maths") for one in range(classes)],
        enrollments=[("A", "c0", f"secret{one}") for one in range(enrolled)],
    )


def check(before: Frames, after: Frames, limits: HoldLimits | None = None) -> Hold | None:
    """Check the one school that changes."""
    (view,) = seen(before, after).values()
    return HOLD.check(view, limits or HoldLimits())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(school(60), school(30), id="half of the students"),
        pytest.param(school(100), school(75), id="exactly the rows of the limit"),
        pytest.param(school(1000), school(799), id="just over the percentage"),
        pytest.param(school(25), empty(), id="a school that vanished"),
        pytest.param(school(1, classes=50), school(1, classes=20), id="classes alone"),
        pytest.param(school(60, classes=1, enrolled=60), school(60, classes=1, enrolled=10), id="enrollments alone"),
    ],
)
def test_a_large_loss_is_held(before: Frames, after: Frames) -> None:
    """More than the percentage of a table, and at least the smallest number of rows, is held."""
    hold = check(before, after)
    assert hold is not None
    assert hold.code == "too-many-removals"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(school(8), school(6), id="a school of eight losing two"),
        pytest.param(school(24), empty(), id="a small school that vanished"),
        pytest.param(school(48), school(24), id="one row under the limit"),
        pytest.param(school(1000), school(800), id="exactly the percentage"),
        pytest.param(empty(), school(60), id="a first appearance"),
        pytest.param(school(60), school(120), id="growth"),
    ],
)
def test_a_small_loss_goes_on(before: Frames, after: Frames) -> None:
    """Few rows, or a small part, or no loss at all is not held."""
    assert check(before, after) is None


@pytest.mark.parametrize("table", ["students", "teachers", "classes", "guardianships", "class_teachers", "enrollments"])
def test_every_table_counts_by_itself(table: str) -> None:
    """Half of any one table of the school is held, while all others stay as they are."""
    many = [str(one) for one in range(60)]
    whole = {
        "schools": [("A", "Lincoln")],
        "students": [(one,) for one in many],
        "teachers": [(one,) for one in many],
        "guardians": [(one,) for one in many],
        "student_schools": [("A", one) for one in many],
        "teacher_schools": [("A", one) for one in many],
        "guardianships": [("A", "0", one) for one in many] + [("A", "1", one) for one in many],
        "classes": [("A", one, "Maths") for one in many],
        "class_teachers": [("A", one, "0") for one in many],
        "enrollments": [("A", one, "0") for one in many],
    }
    stored = {"students": "student_schools", "teachers": "teacher_schools"}.get(table, table)
    fewer = {**whole, stored: whole[stored][: len(whole[stored]) // 2]}
    hold = check(frames(**whole), frames(**fewer))
    assert hold is not None
    assert (hold.numbers["table"], hold.numbers["percent"]) == (table, 50.0)


def test_the_numbers_name_the_worst_table() -> None:
    """People come before the ties that go with them; the message lists all tables, the limit and the likely cause."""
    hold = check(school(60, classes=1, enrolled=60), school(29, classes=1, enrolled=20))
    assert hold is not None
    assert hold.numbers == {
        "table": "students",
        "removed": 31,
        "of": 60,
        "percent": 51.7,
        "percent_max": 20.0,
        "rows_min": 25,
    }
    assert hold.message.startswith(
        "The school would lose 31 of 60 students (51.7 %), 40 of 60 students in classes (66.7 %)."
    )
    assert "20 % of a table, from 25 rows on" in hold.message
    assert HOLD.likely_cause in hold.message
    hold = check(school(60, classes=50), school(30, classes=20))
    assert hold is not None
    assert hold.numbers["table"] == "classes"
    assert "30 of 50 classes (60.0 %), 30 of 60 students (50.0 %)" in hold.message


def test_every_table_is_told_in_words_of_the_school() -> None:
    """Whoever runs the export reads of students and classes, not of our tables."""
    people = range(30)
    before = frames(
        schools=[("A", "Lincoln")],
        teachers=[(f"t{one}",) for one in people],
        teacher_schools=[("A", f"t{one}") for one in people],
        students=[("s",)],
        student_schools=[("A", "s")],
        guardians=[(f"g{one}",) for one in people],
        guardianships=[("A", "s", f"g{one}") for one in people],
        classes=[("A", f"c{one}", "Maths") for one in people],
        class_teachers=[("A", f"c{one}", f"t{one}") for one in people],
        enrollments=[("A", f"c{one}", "s") for one in people],
    )
    kept = ("schools", "students", "student_schools")
    hold = check(before, {name: frame if name in kept else frame.clear() for name, frame in before.items()})
    assert hold is not None
    told = ("teachers", "classes", "guardians of students", "teachers of classes", "students in classes")
    assert ", ".join(f"30 of 30 {one} (100.0 %)" for one in told) in hold.message


def test_what_a_new_term_exchanges_is_told_as_that() -> None:
    """Classes, or who is in them, that others come for are no export that was cut off; where people go, it may be."""

    def term(mark: str, *, seats: int = 30, students: int = 30, classes: int = 30) -> Frames:
        people = range(students)
        return frames(
            schools=[("A", "Lincoln")],
            students=[(f"s{one}",) for one in people],
            student_schools=[("A", f"s{one}") for one in people],
            classes=[("A", f"{mark}{one}", "Maths") for one in range(classes)],
            enrollments=[("A", f"{mark}{one}", f"s{one}") for one in range(seats)],
        )

    def is_new_term(after: Frames) -> bool:
        hold = check(term("autumn"), after)
        assert hold is not None
        assert ("Others would come" in hold.message) != (HOLD.likely_cause in hold.message)
        return "a new term has begun" in hold.message

    assert is_new_term(term("spring"))
    assert is_new_term(term("spring", classes=15, seats=15))
    assert not is_new_term(term("spring", seats=14))
    assert not is_new_term(term("autumn", seats=4))
    assert not is_new_term(term("spring", students=4, seats=4))


def test_a_school_that_vanished_is_told_as_that() -> None:
    """It was not cut off: all of it is gone."""
    hold = check(school(60), empty())
    assert hold is not None
    assert hold.message.startswith("The school is not in the files. It would lose 60 of 60 students (100.0 %).")
    assert HOLD.likely_cause not in hold.message
    assert "it was left out of the export, or it was closed" in hold.message


def test_no_cell_is_told() -> None:
    """Neither message nor numbers hold a value of the roster."""
    hold = check(school(60), empty())
    assert hold is not None
    assert "secret" not in repr(hold)


def test_the_limits_are_the_districts() -> None:
    """Other limits, other answers."""
    assert check(school(10), school(8), HoldLimits(removals_percent_max=10.0, removals_rows_min=2)) is not None
    assert check(school(60), empty(), HoldLimits(removals_percent_max=100.0)) is None


def test_a_student_who_moves_counts_where_the_tie_goes() -> None:
    """Students who go to another school of the district are a loss for the school they leave."""
    both = [("A", "Lincoln"), ("B", "Washington")]
    people = [(f"s{one}",) for one in range(30)]
    before = frames(schools=both, students=people, student_schools=[("A", *one) for one in people])
    after = frames(schools=both, students=people, student_schools=[("B", *one) for one in people])
    assert {one for one, view in seen(before, after).items() if HOLD.check(view, HoldLimits())} == {"A"}


def test_the_rows_are_those_that_were_counted() -> None:
    """Each removed row of a table that crossed the limit is named by its ids, and no other row."""
    hold = check(school(60, classes=9, enrolled=60), school(30, classes=8, enrolled=20))
    assert listed(hold) == sorted(
        [("student_schools", "removed", f"secret{one}") for one in range(30, 60)]
        + [("enrollments", "removed", f"secret{one}", "c0") for one in range(20, 60)]
    )


def test_classes_may_turn_over() -> None:
    """At a new term classes and who is in them may all go; people may not."""
    term = HoldLimits(classes_may_turn_over=True)
    assert check(school(60, classes=50, enrolled=60), school(60), term) is None
    assert check(school(60, classes=50), school(30), term) is not None
