"""The product's own format: six files that match the canonical tables almost column by column.

A teacher or student of several schools has one row per school, a class with several teachers one row per teacher, a
guardian of several students one row per student. Source: the product's format documentation.
"""

from __future__ import annotations

from rostergate.core.declaration import (
    CLASS_NAME_CHARS_MAX,
    SCHOOL_NAME_CHARS_MAX,
    Column,
    File,
    Format,
    Source,
    key,
    required,
)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


FORMAT = Format(
    name="direct",
    title="rostergate's own format",
    files=(
        File("schools.csv", (key("school_id"), required("school_name", SCHOOL_NAME_CHARS_MAX))),
        File(
            "teachers.csv",
            (
                key("teacher_id"),
                key("school_id"),
                required("first_name"),
                required("last_name"),
                required("email"),
                Column("phone"),
            ),
        ),
        File(
            "students.csv",
            (
                key("student_id"),
                key("school_id"),
                required("first_name"),
                required("last_name"),
                Column("grade"),
                Column("birth_date"),
                Column("email"),
                Column("phone"),
            ),
        ),
        File(
            "guardians.csv",
            (
                key("guardian_id"),
                key("student_id"),
                Column("first_name"),
                Column("last_name"),
                Column("relationship"),
                Column("contact_type"),
                Column("email"),
                Column("phone"),
            ),
            optional=True,
        ),
        File(
            "classes.csv",
            (
                key("class_id"),
                required("school_id"),
                required("class_name", CLASS_NAME_CHARS_MAX),
                key("teacher_id"),
            ),
        ),
        File("enrollments.csv", (key("class_id"), key("student_id"))),
    ),
    sources=(
        Source("schools.csv", "schools", {"school_id": "school_id", "name": "school_name"}),
        Source("teachers.csv", "teachers", _same("teacher_id", "first_name", "last_name", "email", "phone")),
        Source("teachers.csv", "teacher_schools", _same("school_id", "teacher_id")),
        Source(
            "students.csv",
            "students",
            _same("student_id", "first_name", "last_name", "grade", "birth_date", "email", "phone"),
        ),
        Source("students.csv", "student_schools", _same("school_id", "student_id")),
        Source("guardians.csv", "guardians", _same("guardian_id", "first_name", "last_name", "email", "phone")),
        Source("guardians.csv", "guardianships", _same("student_id", "guardian_id", "relationship", "contact_type")),
        Source("classes.csv", "classes", {**_same("school_id", "class_id"), "name": "class_name"}),
        Source("classes.csv", "class_teachers", _same("class_id", "teacher_id")),
        Source("enrollments.csv", "enrollments", _same("class_id", "student_id")),
    ),
)
