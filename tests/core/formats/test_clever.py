from __future__ import annotations

import pytest

from core.sets import CLEVER, added, claims, found, readings, said, verdict
from rostergate.core import layout
from rostergate.core.formats.clever import FORMAT


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return the sound set with one change."""
    assert old in CLEVER[file]
    return {**CLEVER, file: CLEVER[file].replace(old, new)}


def test_a_sound_set_is_accepted() -> None:
    """Every file feeds its tables, and nothing is wrong."""
    assert found(CLEVER) == []
    assert added(CLEVER) == {
        "schools": 1,
        "teachers": 2,
        "students": 2,
        "guardians": 2,
        "classes": 2,
        "teacher_schools": 2,
        "student_schools": 2,
        "guardianships": 2,
        "class_teachers": 3,
        "enrollments": 3,
    }


def test_people_are_told_as_the_files_name_them() -> None:
    """Names, grades, dates and contacts come from their columns."""
    assert said(FORMAT, CLEVER, "teachers") == [
        ("t1", "Ann", "Hill", "t1@school.org", None),
        ("t2", "Di", "Lake", "t2@school.org", None),
    ]
    assert said(FORMAT, CLEVER, "students")[-1] == ("s2", "Ed", "Elm", "8", "2013-03-04", "ed@home.org", None)


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("Student_zip", "Column `Student_id` is missing."),
        ("STUDENT_ZIP", "Column `Student_id` is missing."),
        ("Student_ID", "Column `Student_ID` found, `Student_id` expected."),
    ],
)
def test_other_columns_of_clevers_are_not_taken_for_a_missing_one(column: str, told: str) -> None:
    """A zip code is a zip code: only a name that is none of Clever's is offered for the one that is missing."""
    files = changed("students.csv", "Student_id", column)
    assert [one.message for one in layout.check(FORMAT, readings(files))] == [told]


@pytest.mark.parametrize(
    ("file", "wanted", "found"),
    [
        ("sections.csv", "Name", "name"),
        ("sections.csv", "Teacher_2_id", "Teacher_2_ID"),
        ("students.csv", "DOB", "dob"),
        ("students.csv", "Student_email", "Student_Email"),
    ],
)
def test_optional_columns_in_another_case_are_named(file: str, wanted: str, found: str) -> None:
    """A column that would not be read because of its case is told as that, and no false fault follows from it."""
    told = verdict(changed(file, f",{wanted},", f",{found},")).findings
    assert [(one.code, one.file, one.message) for one in told] == [
        ("header-mismatch", file, f"Column `{found}` found, `{wanted}` expected.")
    ]


def test_contacts_stand_in_the_rows_of_students() -> None:
    """Each row has one contact, known by its own id or a derived one; a row without a contact has none."""
    first, second = said(FORMAT, CLEVER, "guardians")
    assert first == ("g1", None, "Cy Dale", "g1@home.org", "212-555-0103")
    assert str(second[0]).startswith("g-")
    assert said(FORMAT, CLEVER, "guardianships") == [
        ("s1", "g1", "mother", "guardian"),
        ("s1", second[0], "uncle", "emergency"),
    ]


def test_a_set_without_contacts_says_nothing_about_guardians() -> None:
    """Neither columns that are missing nor columns that are empty throughout remove the guardians there are."""
    header = "School_id,Student_id,Last_name,First_name"
    none = {**CLEVER, "students.csv": f"{header}\n01,s1,Dale,Bo\n01,s2,Elm,Ed\n"}
    empty = {**CLEVER, "students.csv": f"{header},Contact_name\n01,s1,Dale,Bo,\n01,s2,Elm,Ed,\n"}
    for files in (none, empty):
        assert claims(FORMAT, files).absent == {"guardians", "guardianships"}
    assert claims(FORMAT, CLEVER).absent == frozenset()


def test_contacts_may_have_a_file_of_their_own() -> None:
    """contacts.csv adds guardians with both names, and is not missed where it does not come."""
    contacts = "contact_id,student_id,first_name,last_name,type,relationship,phone,phone_type,email\n"
    files = {**CLEVER, "contacts.csv": f"{contacts}g7,s2,Kim,Elm,Guardian,Mother,,Cell,g7@home.org\n"}
    assert said(FORMAT, files, "guardians")[-1] == ("g7", "Kim", "Elm", "g7@home.org", None)
    assert said(FORMAT, files, "guardianships")[-1] == ("s2", "g7", "Mother", "Guardian")
    assert found(files) == []


@pytest.mark.parametrize("name", ["teacher", "teacher column", "title", "contact_id", "birth_date", "line", "file"])
def test_further_columns_may_have_any_name(name: str) -> None:
    """Columns that the format does not declare are not read, whatever they are called."""
    wide = {}
    for file, text in CLEVER.items():
        header, *rows = text.splitlines()
        wide[file] = "\n".join([f"{header},{name}", *(f"{row},x" for row in rows)]) + "\n"
    assert found(wide) == found(CLEVER)
    assert added(wide) == added(CLEVER)


def test_a_section_has_up_to_ten_teachers() -> None:
    """Each numbered column is a teacher; an unknown one is told in its own column."""
    assert said(FORMAT, CLEVER, "class_teachers") == [("c1", "t1"), ("c1", "t2"), ("c2", "t2")]
    files = changed("sections.csv", "Teacher_2_id", "Teacher_10_id")
    assert said(FORMAT, files, "class_teachers") == [("c1", "t1"), ("c1", "t2"), ("c2", "t2")]
    assert ("unknown-teacher", "sections.csv", "Teacher_2_id", (2,)) in found(
        changed("sections.csv", "c1,t1,t2", "c1,t1,t9")
    )


def test_a_section_without_a_name_is_called_by_its_course() -> None:
    """The course and its period stand for the name; without a course the name is missing."""
    assert said(FORMAT, CLEVER, "classes") == [("01", "c1", "Algebra"), ("01", "c2", "Math 3")]
    assert said(FORMAT, changed("sections.csv", ",Math,3", ",Math,"), "classes")[-1] == ("01", "c2", "Math")
    assert ("name-missing", "sections.csv", "Name", (3,)) in found(changed("sections.csv", ",Math,3", ",,3"))
    long = changed("sections.csv", "Algebra", "A" * 256)
    assert ("class-name-too-long", "sections.csv", "Name", (2,)) in found(long)


def test_both_spellings_of_the_birth_date_are_read() -> None:
    """The guide writes DOB, Clever's sandbox Dob."""
    assert found(changed("students.csv", ",DOB,", ",Dob,")) == []
    files = changed("students.csv", ",DOB,", ",Dob,")
    files["students.csv"] = files["students.csv"].replace("2013-03-04", "never")
    assert ("birth-date-invalid", "students.csv", "Dob") in {fault[:3] for fault in found(files)}


def test_staff_is_not_read() -> None:
    """staff.csv may come with any columns, and makes nobody."""
    assert added({**CLEVER, "staff.csv": "School_id,Staff_id,Anything\n01,a1,x\n"}) == added(CLEVER)


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (
            changed("teachers.csv", "t1@school.org", ""),
            ("teacher-email-missing", "teachers.csv", "Teacher_email", (2,)),
        ),
        (changed("students.csv", "01,s2", "01,"), ("missing-id", "students.csv", "Student_id", (4,))),
        (changed("students.csv", "Student_id", "student_ID"), ("header-mismatch", "students.csv", "student_ID", (1,))),
        (changed("enrollments.csv", "c2,s2", "c9,s2"), ("unknown-class", "enrollments.csv", "Section_id", (4,))),
        (changed("schools.csv", "\n01,", "\n01,A,,\n01,"), ("duplicate-school", "schools.csv", "School_id", (3,))),
    ],
    ids=["a teacher without address", "a student without id", "a near miss", "an unknown section", "a school twice"],
)
def test_faults_are_told_by_the_columns_of_the_files(
    files: dict[str, str], fault: tuple[str, str, str, tuple[int, ...]]
) -> None:
    """What follows from the declaration is found."""
    assert fault in found(files)
