"""The canonical tables: what a roster is made of, whatever format it came in.

Rule 1: people (teachers, students, guardians) belong to the district and are keyed by the SIS id alone.
Rule 2: everything else belongs to exactly one school, and its key begins with `school_id`.
Rule 3: every column is text. A value that is absent is null, never an empty string.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

Frames: TypeAlias = dict[str, pl.DataFrame]
"""Canonical tables by name; each frame has exactly the columns of its `Table`, all `pl.String`, unique by key."""


@dataclass(frozen=True, slots=True)
class Table:
    """One canonical table: its key columns, then its value columns."""

    name: str
    words: str
    """What its rows are, to those who read reports."""
    key: tuple[str, ...]
    values: tuple[str, ...] = ()
    tied_by: tuple[str, ...] = ()
    """For people: the ties that keep a person in the roster. Without any of them the person is archived."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Key and value columns, in the order in which they are stored and exported."""
        return self.key + self.values

    @property
    def of_people(self) -> bool:
        """Whether its rows are people, who belong to no single school."""
        return bool(self.tied_by)


SCHOOLS = Table("schools", "schools", ("school_id",), ("name",))
TEACHERS = Table(
    "teachers", "teachers", ("teacher_id",), ("first_name", "last_name", "email", "phone"), tied_by=("teacher_schools",)
)
STUDENTS = Table(
    "students",
    "students",
    ("student_id",),
    ("first_name", "last_name", "grade", "birth_date", "email", "phone"),
    tied_by=("student_schools",),
)
GUARDIANS = Table(
    "guardians",
    "guardians",
    ("guardian_id",),
    ("first_name", "last_name", "email", "phone"),
    tied_by=("guardianships",),
)
CLASSES = Table("classes", "classes", ("school_id", "class_id"), ("name",))
TEACHER_SCHOOLS = Table("teacher_schools", "teachers in schools", ("school_id", "teacher_id"))
STUDENT_SCHOOLS = Table("student_schools", "students in schools", ("school_id", "student_id"))
GUARDIANSHIPS = Table(
    "guardianships",
    "guardians of students",
    ("school_id", "student_id", "guardian_id"),
    ("relationship", "contact_type"),
)
CLASS_TEACHERS = Table("class_teachers", "teachers of classes", ("school_id", "class_id", "teacher_id"))
ENROLLMENTS = Table("enrollments", "students in classes", ("school_id", "class_id", "student_id"))

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SCHOOLS,
        TEACHERS,
        STUDENTS,
        GUARDIANS,
        CLASSES,
        TEACHER_SCHOOLS,
        STUDENT_SCHOOLS,
        GUARDIANSHIPS,
        CLASS_TEACHERS,
        ENROLLMENTS,
    )
}
"""Every table by name, in the order in which they are written: what is referred to comes before what refers to it."""

PEOPLE = tuple(table for table in TABLES.values() if table.of_people)


def schema(table: Table) -> dict[str, pl.DataType]:
    """Return the polars schema of a table: its columns, all text."""
    return dict.fromkeys(table.columns, pl.String())


def empty() -> Frames:
    """Return a roster in which nothing has been applied: every table, no rows."""
    return {name: pl.DataFrame(schema=schema(table)) for name, table in TABLES.items()}
