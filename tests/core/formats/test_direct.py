from __future__ import annotations

from core.sets import DIRECT, claims, readings
from rostergate.core import layout
from rostergate.core.formats.direct import FORMAT

DECLARED = {
    "schools.csv": "school_id#* school_name*",
    "teachers.csv": "teacher_id#* school_id#* first_name* last_name* email* phone",
    "students.csv": "student_id#* school_id#* first_name* last_name* grade birth_date email phone",
    "guardians.csv": "guardian_id#* student_id#* first_name last_name relationship contact_type email phone",
    "classes.csv": "class_id#* school_id* class_name* teacher_id#*",
    "enrollments.csv": "class_id#* student_id#*",
}


def test_declaration_is_the_documented_one() -> None:
    """Files, columns, keys and required values are those of the format's documentation."""
    assert {
        file.name: " ".join(column.name + "#" * column.key + "*" * column.required for column in file.columns)
        for file in FORMAT.files
    } == DECLARED
    assert [file.name for file in FORMAT.files if file.optional] == ["guardians.csv"]


def test_every_file_feeds_its_tables() -> None:
    """A sound set claims what it says, each row with its file and line."""
    assert layout.check(FORMAT, readings(DIRECT)) == ()
    said = {name: frame.drop("file").rows() for name, frame in claims(FORMAT, DIRECT).tables.items()}
    assert said == {
        "schools": [("01", "Lincoln", 2), ("02", "Adams", 3)],
        "teachers": [("t1", "Ann", "Hill", "t1@school.org", None, 2)],
        "students": [
            ("0s1", "Bo", "Dale", "9", "2012-03-04", None, None, 2),
            ("0s1", "Bo", "Dale", "9", "2012-03-04", None, None, 3),
        ],
        "guardians": [("g1", "Cy", "Dale", "g1@home.org", None, 2)],
        "classes": [("01", "c1", "Algebra", 2)],
        "teacher_schools": [("01", "t1", 2)],
        "student_schools": [("01", "0s1", 2), ("02", "0s1", 3)],
        "guardianships": [("0s1", "g1", "mother", "primary", 2)],
        "class_teachers": [("c1", "t1", 2)],
        "enrollments": [(None, "c1", "0s1", 2)],
    }
