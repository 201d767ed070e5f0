import polars as pl
import pytest

from core.rosters import frames
from rostergate.core.roster import empty
from rostergate.core.snapshot import Snapshot
from rostergate.core.target import orphans, target


def test_a_snapshot_with_a_tie_to_nothing_is_refused() -> None:
    """A snapshot that refers to nothing is a fault of the program: nothing is decided, and no id is told."""
    broken = frames(schools=[("A", "Lincoln")], student_schools=[("A", "secret")])
    with pytest.raises(AssertionError, match="student_schools") as caught:
        target(empty(), Snapshot(broken, {}))
    assert "secret" not in str(caught.value)


def test_orphans_are_counted_by_table() -> None:
    """Each reference that is not met counts once."""
    broken = frames(classes=[("A", "c1", "Maths")], enrollments=[("A", "c1", "s1"), ("A", "c2", "s1")])
    assert orphans(broken) == {"classes": 1, "enrollments": 3}


WHOLE = frames(
    schools=[("A", "Lincoln")],
    teachers=[("t1",)],
    students=[("s1",)],
    guardians=[("g1",)],
    classes=[("A", "c1", "Maths")],
    teacher_schools=[("A", "t1")],
    student_schools=[("A", "s1")],
    guardianships=[("A", "s1", "g1")],
    class_teachers=[("A", "c1", "t1")],
    enrollments=[("A", "c1", "s1")],
)


@pytest.mark.parametrize(
    ("missing", "others"),
    [
        ("schools", {"classes", "teacher_schools", "student_schools"}),
        ("teachers", {"teacher_schools"}),
        ("students", {"student_schools"}),
        ("guardians", {"guardianships"}),
        ("classes", {"class_teachers", "enrollments"}),
        ("teacher_schools", {"class_teachers"}),
        ("student_schools", {"guardianships", "enrollments"}),
    ],
)
def test_what_each_table_needs(missing: str, others: set[str]) -> None:
    """Without a row of one table these others refer to nothing: no more and no fewer, also where another has its id."""
    assert orphans(WHOLE) == {}
    assert orphans(WHOLE | {missing: WHOLE[missing].clear()}) == dict.fromkeys(others, 1)
    elsewhere = WHOLE[missing].with_columns(pl.lit("B").alias(WHOLE[missing].columns[0]))
    assert orphans(WHOLE | {missing: elsewhere}).keys() >= others


def test_people_without_a_tie_are_not_rostered() -> None:
    """A person whom nothing ties to a school is not part of the target."""
    loose = frames(guardians=[("g1", "Gil")])
    assert target(empty(), Snapshot(loose, {}))["guardians"].is_empty()


def test_a_pair_that_stays_where_it_was_keeps_its_values() -> None:
    """Without the guardians' file, a pair in a further school takes its values over; the old one keeps its own."""
    schools = [("A", "Lincoln"), ("B", "Washington"), ("C", "Grant")]
    roster = frames(
        schools=schools,
        students=[("s1",)],
        guardians=[("g1",)],
        student_schools=[("A", "s1"), ("B", "s1")],
        guardianships=[("B", "s1", "g1", "uncle"), ("A", "s1", "g1", "father")],
    )
    new = frames(schools=schools, students=[("s1",)], student_schools=[("B", "s1"), ("C", "s1")])
    after = target(roster, Snapshot(new, {}, frozenset({"guardians", "guardianships"})))
    assert set(after["guardianships"].select("school_id", "relationship").iter_rows()) == {
        ("B", "uncle"),
        ("C", "father"),
    }


def test_a_column_that_did_not_come_stays() -> None:
    """Without the file that fills a column, everybody keeps what the roster has; who is new has nothing."""
    schools = [("A", "Lincoln")]
    roster = frames(
        schools=schools,
        students=[("s1", "Bo", "Dale", "9", "2012-03-04")],
        student_schools=[("A", "s1")],
    )
    new = frames(
        schools=schools,
        students=[("s1", "Bob", "Dale", "10"), ("s2", "Ed", "Elm", "8")],
        student_schools=[("A", "s1"), ("A", "s2")],
    )
    after = target(roster, Snapshot(new, {}, frozenset({"students.birth_date"})))["students"].sort("student_id")
    assert after.select("first_name", "grade", "birth_date").rows() == [("Bob", "10", "2012-03-04"), ("Ed", "8", None)]


def test_a_guardian_stays_where_an_unusable_row_keeps_the_student() -> None:
    """A row that cannot be used removes nothing: not the student's old school, and not the guardian there."""
    schools, classes = [("A", "Lincoln"), ("B", "Washington")], [("A", "c1", "Maths")]
    people = {"students": [("s1",), ("s2",)], "guardians": [("g1",), ("g2",)]}
    roster = frames(
        schools=schools,
        classes=classes,
        **people,
        student_schools=[("A", "s1"), ("B", "s2")],
        guardianships=[("A", "s1", "g1", "mother"), ("A", "s1", "g2", "uncle"), ("B", "s2", "g2", "father")],
        enrollments=[("A", "c1", "s1")],
    )
    new = frames(
        schools=schools,
        classes=classes,
        **people,
        student_schools=[("B", "s1"), ("B", "s2")],
        guardianships=[("B", "s1", "g1", "mother"), ("B", "s2", "g2", "father")],
    )
    enrolled = pl.DataFrame({"class_id": ["c1"], "student_id": ["s1"]})
    after = target(roster, Snapshot(new, {"enrollments": enrolled}))
    assert set(after["student_schools"].iter_rows()) == {("A", "s1"), ("B", "s1"), ("B", "s2")}
    assert set(after["guardianships"].select("school_id", "student_id", "guardian_id").iter_rows()) == {
        ("A", "s1", "g1"),
        ("B", "s1", "g1"),
        ("B", "s2", "g2"),
    }


def test_an_unusable_row_in_one_school_does_not_keep_a_person_in_another() -> None:
    """Whoever left a school has left it, also while the row of the school where they stay cannot be used."""
    schools = [("A", "Lincoln"), ("B", "Washington")]
    roster = frames(schools=schools, students=[("s1",)], student_schools=[("A", "s1"), ("B", "s1")])
    mentioned = {
        "students": pl.DataFrame({"student_id": ["s1"]}),
        "student_schools": pl.DataFrame({"school_id": ["A"], "student_id": ["s1"]}),
    }
    after = target(roster, Snapshot(frames(schools=schools), mentioned))
    assert after["student_schools"].rows() == [("A", "s1")]


def test_what_stays_for_two_reasons_stays_once() -> None:
    """A guardian whose row cannot be used stays with the student, who is there: one row, counted once."""
    roster = frames(
        schools=[("A", "Lincoln")],
        students=[("s1",)],
        guardians=[("g1",)],
        student_schools=[("A", "s1")],
        guardianships=[("A", "s1", "g1", "mother")],
    )
    new = roster | {name: roster[name].clear() for name in ("guardians", "guardianships")}
    mentioned = {
        "guardians": pl.DataFrame({"guardian_id": ["g1"]}),
        "guardianships": pl.DataFrame({"student_id": ["s1"], "guardian_id": ["g1"]}),
    }
    after = target(roster, Snapshot(new, mentioned))
    assert after["guardianships"].rows() == [("A", "s1", "g1", "mother", None)]
    assert after["guardians"].height == 1
