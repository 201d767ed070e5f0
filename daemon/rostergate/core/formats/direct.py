"""The product's own format: six files that match the canonical tables almost column by column.

A teacher or student of several schools has one row per school, a class with several teachers one row per teacher, a
guardian of several students one row per student. Source: the product's format documentation.
"""

from __future__ import annotations

from rostergate.core.declaration import Column, File, Format, Source

_SCHOOL_NAME_CHARS_MAX = 60
_CLASS_NAME_CHARS_MAX = 255


def _key(name: str) -> Column:
    return Column(name, key=True, required=True)


def _required(name: str, chars_max: int | None = None) -> Column:
    return Column(name, required=True, chars_max=chars_max)


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


FORMAT = Format(
    name="direct",
    title="rostergate's own format",
    files=(
        File("schools.csv", (_key("school_id"), _required("school_name", _SCHOOL_NAME_CHARS_MAX))),
        File(
            "teachers.csv",
            (
                _key("teacher_id"),
                _key("school_id"),
                _required("first_name"),
                _required("last_name"),
                _required("email"),
                Column("phone"),
            ),
        ),
        File(
            "students.csv",
            (
                _key("student_id"),
                _key("school_id"),
                _required("first_name"),
                _required("last_name"),
                Column("grade"),
                Column("birth_date"),
                Column("email"),
                Column("phone"),
            ),
        ),
        File(
            "guardians.csv",
            (
                _key("guardian_id"),
                _key("student_id"),
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
                _key("class_id"),
                _required("school_id"),
                _required("class_name", _CLASS_NAME_CHARS_MAX),
                _key("teacher_id"),
            ),
        ),
        File("enrollments.csv", (_key("class_id"), _key("student_id"))),
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
