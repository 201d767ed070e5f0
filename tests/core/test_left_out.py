from typing import Any

import polars as pl

from core.claiming import rule_set, sound
from core.rosters import frames
from rostergate.core.checking import check
from rostergate.core.left_out import by_school
from rostergate.core.snapshot import MENTIONED, Snapshot, take

TABLES = frames(
    schools=[("A", "Lincoln"), ("B", "Adams")],
    classes=[("A", "c1", "Maths")],
    student_schools=[("A", "s1"), ("B", "s1")],
)


def snapshot(**lost: list[tuple[Any, ...]]) -> Snapshot:
    """Return a snapshot of those tables besides which the files have rows that could not be used."""
    keys = {
        name: pl.DataFrame(lost.get(name, []), schema=dict.fromkeys(key, pl.String()), orient="row")
        for name, key in MENTIONED.items()
    }
    return Snapshot(TABLES, keys)


def test_nothing_left_out_is_nothing() -> None:
    """A snapshot of good rows has no school with rows left out."""
    assert by_school(snapshot()) == {}


def test_a_row_counts_at_its_school() -> None:
    """Rows that name their school count there; those of a class or a student where that one is."""
    found = by_school(
        snapshot(
            classes=[("B", "c2")],
            schools=[("C",)],
            student_schools=[("B", "s2")],
            enrollments=[("c1", "s9"), ("c2", "s9")],
            guardianships=[("s1", "g1")],
        )
    )
    assert found == {"A": 2, "B": 4, "C": 1}


def test_people_count_by_their_ties() -> None:
    """A person alone belongs to no school, and a tie whose school nobody knows to none either."""
    assert by_school(snapshot(students=[("s7",)], enrollments=[("c9", "s7")], student_schools=[(None, "s7")])) == {}


def test_a_class_row_that_names_nobody_is_one_row() -> None:
    """That its teacher would be one of the school is in no row; where a row says so and cannot be used, both count."""
    lost = {
        "a teacher who is not in the files": sound(class_teachers=[{"class_id": "c", "teacher_id": "nobody"}]),
        "a teacher of whom no row can be used": sound(
            teachers=[{"teacher_id": "u", "email": "t@school.org"}],
            teacher_schools=[{"school_id": "1", "teacher_id": "u"}],
            class_teachers=[{"class_id": "c", "teacher_id": "u"}],
        ),
    }
    found = {what: by_school(take(check(claimed, (), rule_set()))) for what, claimed in lost.items()}
    assert found == {"a teacher who is not in the files": {"1": 1}, "a teacher of whom no row can be used": {"1": 2}}
