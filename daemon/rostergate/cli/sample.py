"""A made-up district for the demo: three schools in the `direct` format, the same at every run."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

Rows = list[list[str]]
FileSet = dict[str, Rows]

SCHOOLS: Final = (
    ("100", "Lincoln High School", 120),
    ("200", "Cedar Middle School", 80),
    ("300", "Maple Elementary School", 60),
)
_FIRST: Final = (
    "Ada",
    "Ben",
    "Cleo",
    "Dara",
    "Eli",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Juno",
    "Kai",
    "Lena",
    "Milo",
    "Nora",
)
_LAST: Final = (
    "Abel",
    "Brook",
    "Castle",
    "Dale",
    "Ember",
    "Field",
    "Grove",
    "Hill",
    "Isle",
    "Jay",
    "Knoll",
    "Lake",
    "Moss",
)
_CLASS_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class _Person:
    first: str
    last: str


def _person(number: int) -> _Person:
    return _Person(_FIRST[number % len(_FIRST)], f"{_LAST[number % len(_LAST)]}-{number}")


def file_set() -> FileSet:
    """Return the six files of the district: header first, then rows of text."""
    files: FileSet = {
        "schools.csv": [["school_id", "school_name"]],
        "teachers.csv": [["teacher_id", "school_id", "first_name", "last_name", "email", "phone"]],
        "students.csv": [
            ["student_id", "school_id", "first_name", "last_name", "grade", "birth_date", "email", "phone"]
        ],
        "guardians.csv": [
            ["guardian_id", "student_id", "first_name", "last_name", "relationship", "contact_type", "email", "phone"]
        ],
        "classes.csv": [["class_id", "school_id", "class_name", "teacher_id"]],
        "enrollments.csv": [["class_id", "student_id"]],
    }
    for school_id, name, students in SCHOOLS:
        files["schools.csv"].append([school_id, name])
        for group in range(students // _CLASS_SIZE):
            _add_class(files, school_id, group)
    return files


def _add_class(files: FileSet, school_id: str, group: int) -> None:
    number = int(school_id) * 10 + group
    teacher = _person(number)
    teacher_id, class_id = f"t{number}", f"c{number}"
    files["teachers.csv"].append(
        [teacher_id, school_id, teacher.first, teacher.last, f"{teacher_id}@staff.example.org", ""]
    )
    files["classes.csv"].append([class_id, school_id, f"Homeroom {number}", teacher_id])
    for seat in range(_CLASS_SIZE):
        _add_student(files, school_id, class_id, number * 100 + seat)


def _add_student(files: FileSet, school_id: str, class_id: str, number: int) -> None:
    student, student_id = _person(number), f"s{number}"
    born = f"{2008 + number % 10}-{1 + number % 12:02}-{1 + number % 28:02}"
    files["students.csv"].append(
        [
            student_id,
            school_id,
            student.first,
            student.last,
            str(1 + number % 12),
            born,
            f"{student_id}@example.org",
            "",
        ]
    )
    files["guardians.csv"].append(
        [f"g{number}", student_id, _FIRST[number % 7], student.last, "parent", "primary", f"g{number}@example.net", ""]
    )
    files["enrollments.csv"].append([class_id, student_id])


def without_half_of(files: FileSet, school_id: str) -> FileSet:
    """Return the set as it looks when half of one school's students are lost in the export."""
    gone = {row[0] for row in files["students.csv"][1:] if row[1] == school_id and int(row[0][1:]) % 2}
    return {
        name: [row for row in rows if not (name in _STUDENT_COLUMN and row[_STUDENT_COLUMN[name]] in gone)]
        for name, rows in files.items()
    }


_STUDENT_COLUMN: Final = {"students.csv": 0, "guardians.csv": 1, "enrollments.csv": 1}


def with_ragged_row(files: FileSet, name: str, line: int) -> FileSet:
    """Return the set with one cell too many in the given physical line of one file."""
    rows = [[*row, "surplus"] if place == line else row for place, row in enumerate(files[name], start=1)]
    return {**files, name: rows}


def as_csv(rows: Rows) -> bytes:
    """Return rows as the bytes of a CSV file (UTF-8, CRLF, RFC 4180)."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
