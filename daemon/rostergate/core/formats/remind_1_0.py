"""The CSV 1.0 layout of an existing service: five files, all required, which districts already export.

A student has one row per school and guardian, with the student's own cells repeated. The teacher that classes.csv names
owns the class; user_id in enrollments.csv is a student, or a further teacher of the class. Source: the service's public
CSV 1.0 help page, as laid down in the product's format documentation.

Rule 1: the format has no guardian id, so a stable one is derived from the guardian's cells (`_guardian_ids`).
Rule 2: a user_id that teachers.csv has and students.csv has not is a teacher. Any other one is a student, so that an id
in neither file is reported as an unknown student.
Rule 3: a number in neither file that would be a teacher's with other zeros at its front is one: `damage` tells it.
"""

from __future__ import annotations

import polars as pl

from rostergate.core.declaration import (
    CLASS_NAME_CHARS_MAX,
    SCHOOL_NAME_CHARS_MAX,
    Column,
    File,
    Format,
    Sheets,
    Source,
    key,
    required,
)
from rostergate.core.formats import _guardian_ids

_GUARDIAN = ("guardian_first_name", "guardian_last_name", "guardian_email", "guardian_phone")


def prepare(sheets: Sheets) -> Sheets:
    """Derive `guardian_id` in students.csv, and `student_id` and `teacher_id` in enrollments.csv from `user_id`."""
    students, teachers = sheets["students.csv"], sheets["teachers.csv"]
    user = pl.col("user_id")
    is_student = user.is_in(students["student_id"].unique().implode())
    known = teachers["teacher_id"].unique()
    users = sheets["enrollments.csv"].filter(~is_student)["user_id"].unique()
    is_teacher = user.is_in(pl.concat([known, _misspelt(users, known)]).implode()) & ~is_student
    enrollments = sheets["enrollments.csv"].with_columns(
        pl.when(is_teacher).then(user).alias("teacher_id"), pl.when(~is_teacher).then(user).alias("student_id")
    )
    return {
        **sheets,
        "students.csv": students.with_columns(
            _guardian_ids.derived(
                students,
                names=("guardian_first_name", "guardian_last_name"),
                email="guardian_email",
                phone="guardian_phone",
                student="student_id",
            )
        ),
        "enrollments.csv": enrollments,
    }


def _misspelt(users: pl.Series, teachers: pl.Series) -> pl.Series:
    """Return the numbers among `users` that differ from a teacher's id in nothing but the zeros at the front."""
    numbers, ids = (one.filter(one.str.contains(r"^[0-9]+$")) for one in (users, teachers))
    return numbers.filter(numbers.str.strip_chars_start("0").is_in(ids.str.strip_chars_start("0").implode()))


FORMAT = Format(
    name="remind-1.0",
    title="CSV 1.0",
    prepare=prepare,
    files=(
        File("schools.csv", (key("school_id"), required("school_name", SCHOOL_NAME_CHARS_MAX))),
        File(
            "teachers.csv",
            (
                key("school_id"),
                key("teacher_id"),
                required("teacher_first_name"),
                required("teacher_last_name"),
                required("teacher_email"),
                Column("teacher_mobile_phone"),
            ),
        ),
        File(
            "students.csv",
            (
                key("school_id"),
                key("student_id"),
                required("student_first_name"),
                required("student_last_name"),
                Column("dob"),
                Column("grade"),
                Column("student_email"),
                Column("student_phone"),
                *(Column(name) for name in _GUARDIAN),
            ),
        ),
        File(
            "classes.csv",
            (
                key("school_id"),
                key("class_id"),
                Column("teacher_id"),
                required("class_name", CLASS_NAME_CHARS_MAX),
            ),
        ),
        File("enrollments.csv", (key("school_id"), key("class_id"), key("user_id"))),
    ),
    sources=(
        Source("schools.csv", "schools", {"school_id": "school_id", "name": "school_name"}),
        Source(
            "teachers.csv",
            "teachers",
            {
                "teacher_id": "teacher_id",
                "first_name": "teacher_first_name",
                "last_name": "teacher_last_name",
                "email": "teacher_email",
                "phone": "teacher_mobile_phone",
            },
        ),
        Source("teachers.csv", "teacher_schools", {"school_id": "school_id", "teacher_id": "teacher_id"}),
        Source(
            "students.csv",
            "students",
            {
                "student_id": "student_id",
                "first_name": "student_first_name",
                "last_name": "student_last_name",
                "grade": "grade",
                "birth_date": "dob",
                "email": "student_email",
                "phone": "student_phone",
            },
        ),
        Source("students.csv", "student_schools", {"school_id": "school_id", "student_id": "student_id"}),
        Source(
            "students.csv",
            "guardians",
            {
                "guardian_id": "guardian_id",
                "first_name": "guardian_first_name",
                "last_name": "guardian_last_name",
                "email": "guardian_email",
                "phone": "guardian_phone",
            },
            own={"guardian_id": "guardian_last_name"},
        ),
        Source(
            "students.csv",
            "guardianships",
            {"student_id": "student_id", "guardian_id": "guardian_id"},
            own={"guardian_id": "guardian_last_name"},
        ),
        Source("classes.csv", "classes", {"school_id": "school_id", "class_id": "class_id", "name": "class_name"}),
        Source("classes.csv", "class_teachers", {"class_id": "class_id", "teacher_id": "teacher_id"}),
        Source(
            "enrollments.csv",
            "class_teachers",
            {"class_id": "class_id", "teacher_id": "teacher_id"},
            own={"teacher_id": "user_id"},
        ),
        Source(
            "enrollments.csv",
            "enrollments",
            {"school_id": "school_id", "class_id": "class_id", "student_id": "student_id"},
            own={"student_id": "user_id"},
        ),
    ),
)
