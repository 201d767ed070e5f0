"""Clever's CSV files, as districts upload them to Clever over SFTP.

Source: Clever, "SFTP Instructions", version 2.1.1, sections 3.1 (schools.csv), 3.2 (students.csv, contacts), 3.3
(teachers.csv), 3.4 (sections.csv), 3.5 (enrollments.csv) and 3.6 (staff.csv). contacts.csv is the file of Clever's
custom contacts, with the columns that a district's public exporter uploads (Philip-Greyson/D118-CleverContactExport).
Compared with Clever's sandbox district.

Rule 1: files may have columns that are not declared; Clever itself ignores them. Those that public
exporters and the sandbox have besides are named, so that none is taken for a misspelt one that is missing.
Rule 2: students.csv has one row per contact, with the student's own cells repeated. Where no row of the file has a
contact, the file says nothing about guardians, and they stay as they are. A contact is known by its
Contact_sis_id, or by an id that is derived from its cells (`_guardian_ids`). The whole name of a contact stands in one
cell and is kept as the last name, as Clever keeps it.
Rule 3: a section has a teacher and up to nine further ones, each in a numbered column.
Rule 4: a section without a name is called by its course and period, as Clever calls it.
Rule 5: staff.csv may come; who only works at a school has no class to teach, and nothing in the file is needed.
Rule 6: the guide writes DOB, the sandbox Dob; both are read.
Rule 7: contacts.csv is not missed: most districts never send it. Where it does not come and students.csv has contacts,
those are all there are, and whoever stood in contacts.csv alone is removed, as far as no hold stops that.
"""

from __future__ import annotations

import polars as pl

from rostergate.core.cells import Cell
from rostergate.core.declaration import (
    CLASS_NAME_CHARS_MAX,
    SCHOOL_NAME_CHARS_MAX,
    Column,
    File,
    Format,
    Sheets,
    Source,
    key,
    optional,
    required,
)
from rostergate.core.formats import _guardian_ids

_TEACHERS = ("Teacher_id", *(f"Teacher_{number}_id" for number in range(2, 11)))
_CONTACT = ("Contact_name", "Contact_phone", "Contact_email", "Contact_sis_id")


def prepare(sheets: Sheets) -> Sheets:
    """Derive guardian ids, birth dates and section names, and list the teachers of the sections."""
    students, sections = sheets["students.csv"], sheets["sections.csv"]
    derived = _guardian_ids.derived(
        students, names=("Contact_name",), email="Contact_email", phone="Contact_phone", student="Student_id"
    )
    course = pl.concat_str("Course_name", pl.col("Period").fill_null(""), separator=" ").str.strip_chars()
    return {
        **sheets,
        "students.csv": students.with_columns(
            contact_id=pl.coalesce("Contact_sis_id", derived), birth_date=pl.coalesce("DOB", "Dob")
        ),
        "sections.csv": sections.with_columns(
            pl.when(pl.col("Name").is_null() & course.is_not_null()).then(pl.lit("Course_name")).alias("title column"),
            title=pl.coalesce("Name", course),
        ),
        "teachers of sections": sections.unpivot(
            _TEACHERS, index=["Section_id", "line"], variable_name="teacher column", value_name="teacher"
        ).sort("line", maintain_order=True),
    }


FORMAT = Format(
    name="clever",
    title="Clever",
    prepare=prepare,
    extra_columns=True,
    files=(
        File(
            "schools.csv",
            (key("School_id"), required("School_name", SCHOOL_NAME_CHARS_MAX)),
            unread=(
                "School_number",
                "State_id",
                "Nces_id",
                "Low_grade",
                "High_grade",
                "Principal",
                "Principal_email",
                "School_address",
                "School_city",
                "School_state",
                "School_zip",
                "School_phone",
            ),
        ),
        File(
            "students.csv",
            (
                key("School_id"),
                key("Student_id"),
                required("Last_name"),
                required("First_name"),
                *optional("Grade", "DOB", "Dob", "Student_email", "Contact_relationship", "Contact_type", *_CONTACT),
            ),
            unread=(
                "Student_number",
                "State_id",
                "Middle_name",
                "Gender",
                "Graduation_year",
                "Race",
                "Hispanic_Latino",
                "Home_language",
                "Ell_status",
                "Frl_status",
                "IEP_status",
                "Student_street",
                "Student_city",
                "Student_state",
                "Student_zip",
                "Contact_phone_type",
                "Username",
                "Password",
                "Unweighted_gpa",
                "Weighted_gpa",
            ),
        ),
        File(
            "teachers.csv",
            (
                key("School_id"),
                key("Teacher_id"),
                required("Last_name"),
                required("First_name"),
                required("Teacher_email"),
            ),
            unread=("Teacher_number", "State_teacher_id", "Middle_name", "Title", "Username", "Password"),
        ),
        File(
            "sections.csv",
            (
                key("School_id"),
                key("Section_id"),
                Column("Teacher_id"),
                *optional(*_TEACHERS[1:]),
                Column("Name", required=True, optional=True, chars_max=CLASS_NAME_CHARS_MAX),
                *optional("Course_name", "Period"),
            ),
            unread=(
                "Section_number",
                "Grade",
                "Course_number",
                "Course_description",
                "Subject",
                "Term_name",
                "Term_start",
                "Term_end",
            ),
        ),
        File("enrollments.csv", (key("School_id"), key("Section_id"), key("Student_id"))),
        File(
            "contacts.csv",
            (
                key("contact_id"),
                key("student_id"),
                *optional("first_name", "last_name", "type", "relationship", "phone", "phone_type", "email"),
            ),
            optional=True,
        ),
        File(
            "staff.csv",
            optional(
                "School_id",
                "Staff_id",
                "Staff_email",
                "First_name",
                "Last_name",
                "Department",
                "Title",
                "Username",
                "Password",
                "Role",
            ),
            optional=True,
            unused=True,
        ),
    ),
    sources=(
        Source("schools.csv", "schools", {"school_id": "School_id", "name": "School_name"}),
        Source(
            "teachers.csv",
            "teachers",
            {
                "teacher_id": "Teacher_id",
                "first_name": "First_name",
                "last_name": "Last_name",
                "email": "Teacher_email",
            },
        ),
        Source("teachers.csv", "teacher_schools", {"school_id": "School_id", "teacher_id": "Teacher_id"}),
        Source(
            "students.csv",
            "students",
            {
                "student_id": "Student_id",
                "first_name": "First_name",
                "last_name": "Last_name",
                "grade": "Grade",
                "birth_date": "birth_date",
                "email": "Student_email",
            },
            own={"birth_date": "DOB"},
        ),
        Source("students.csv", "student_schools", {"school_id": "School_id", "student_id": "Student_id"}),
        Source(
            "students.csv",
            "guardians",
            {
                "guardian_id": "contact_id",
                "last_name": "Contact_name",
                "email": "Contact_email",
                "phone": "Contact_phone",
            },
            own={"guardian_id": "Contact_sis_id"},
            stated_by=_CONTACT,
        ),
        Source(
            "students.csv",
            "guardianships",
            {
                "student_id": "Student_id",
                "guardian_id": "contact_id",
                "relationship": "Contact_relationship",
                "contact_type": "Contact_type",
            },
            own={"guardian_id": "Contact_sis_id"},
            stated_by=_CONTACT,
        ),
        Source(
            "contacts.csv",
            "guardians",
            {
                "guardian_id": "contact_id",
                "first_name": "first_name",
                "last_name": "last_name",
                "email": "email",
                "phone": "phone",
            },
        ),
        Source(
            "contacts.csv",
            "guardianships",
            {
                "student_id": "student_id",
                "guardian_id": "contact_id",
                "relationship": "relationship",
                "contact_type": "type",
            },
        ),
        Source(
            "sections.csv",
            "classes",
            {"school_id": "School_id", "class_id": "Section_id", "name": "title"},
            own={"name": "Name"},
            cells={"name": Cell(column="title column")},
        ),
        Source(
            "sections.csv",
            "class_teachers",
            {"class_id": "Section_id", "teacher_id": "teacher"},
            own={"teacher_id": "Teacher_id"},
            sheet="teachers of sections",
            cells={"teacher_id": Cell(column="teacher column")},
        ),
        Source(
            "enrollments.csv",
            "enrollments",
            {"school_id": "School_id", "class_id": "Section_id", "student_id": "Student_id"},
        ),
    ),
)
