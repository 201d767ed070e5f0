from __future__ import annotations

import hashlib

import polars as pl

from core.rosters import frames
from rostergate.core import concerned, person
from rostergate.core.plan import pack
from rostergate.core.roster import GUARDIANS, STUDENTS, TEACHERS

LONG = "wilhelmina.quackenbush@canary.example"
CHANGES = {
    name: frame.with_columns(action=pl.lit("added"))
    for name, frame in frames(
        schools=[("A", "Adams")],
        teachers=[("7", "Ada")],
        students=[("7", "Wilhelmina", None, None, None, LONG), ("8", "Bo", None, None, None, "bo.of@home.example")],
        student_schools=[("A", "7"), ("A", "8")],
        enrollments=[("A", "c1", "7")],
    ).items()
    if frame.height
}


def test_who_names_a_person() -> None:
    """The table of the people and every tie to them."""
    assert [table.name for table in person.naming(GUARDIANS)] == ["guardians", "guardianships"]
    assert set(person.rows(CHANGES, STUDENTS, "7")) == {"students", "student_schools", "enrollments"}
    assert set(person.rows(CHANGES, TEACHERS, "7")) == {"teachers"}


def test_in_which_schools_a_person_is_named() -> None:
    """By the places of rows, as changes of many schools stand together."""
    ties = CHANGES["student_schools"].with_columns(place=pl.col("school_id"))
    elsewhere = ties.with_columns(place=pl.lit("B"), student_id=pl.lit("9"))
    assert person.places(pl.concat([ties, elsewhere]), STUDENTS, "7") == {"A"}
    assert person.places(ties, STUDENTS, "nobody") == set()


def test_who_has_the_id_can_tell_whom_a_digest_means() -> None:
    """It is the sha256 of salt and id, and another salt gives another one."""
    assert person.digest("salt", "7") == hashlib.sha256(b"salt:7").hexdigest()
    assert person.digest("pepper", "7") != person.digest("salt", "7")


def test_what_is_left_without_a_person() -> None:
    """The others' rows stay; a table without any is left out; the same id in another role is somebody else."""
    left = person.without(CHANGES, STUDENTS, "7")
    assert {name: frame.height for name, frame in left.items()} == {
        "schools": 1,
        "teachers": 1,
        "students": 1,
        "student_schools": 1,
    }
    assert left["students"].schema == CHANGES["students"].schema


def test_no_byte_of_a_person_is_packed() -> None:
    """Long texts are kept apart from their rows, and must go with them."""
    many = frames(students=[(str(one), None, None, None, None, f"{one}.{LONG}") for one in range(100)])
    changes = {"students": many["students"].with_columns(action=pl.lit("added"))}
    assert f"0.{LONG}".encode() in pack(changes)
    assert f"0.{LONG}".encode() not in pack(person.without(changes, STUDENTS, "0"))


def test_rows_of_a_hold_name_people_twice() -> None:
    """As themselves, and as who somebody else seems to have been before."""
    rows = concerned.together(
        [
            concerned.rows("students", pl.DataFrame({"student_id": ["7"], "action": ["removed"], "other_id": ["9"]})),
            concerned.rows("students", pl.DataFrame({"student_id": ["8"], "action": ["added"], "other_id": ["7"]})),
            concerned.rows("teachers", pl.DataFrame({"teacher_id": ["8"], "action": ["added"], "other_id": ["7"]})),
            concerned.rows("students", pl.DataFrame({"student_id": ["6"], "action": ["added"]})),
        ]
    )
    left = person.concerned_without(rows, STUDENTS, "7")
    assert left["teacher_id"].to_list() == ["8", None]
    assert left["student_id"].to_list() == [None, "6"]
