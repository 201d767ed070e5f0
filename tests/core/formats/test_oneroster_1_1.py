from __future__ import annotations

import pytest

from core.sets import ONEROSTER_1_1, added, claims, found, said, verdict
from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.formats.oneroster_1_1 import FORMAT
from rostergate.core.policy import Policy
from rostergate.core.roster import empty

EMAIL_AND_PHONE = ("g1@home.org", "212-555-0103")


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return the sound set with one change."""
    assert old in ONEROSTER_1_1[file]
    return {**ONEROSTER_1_1, file: ONEROSTER_1_1[file].replace(old, new)}


def without(file: str) -> dict[str, str]:
    """Return the sound set without a file."""
    return {name: text for name, text in ONEROSTER_1_1.items() if name != file}


def test_a_sound_set_is_accepted() -> None:
    """Every file feeds its tables, and nothing is wrong; a district is no school, and naming it no fault."""
    assert found(ONEROSTER_1_1) == []
    assert added(ONEROSTER_1_1) == {
        "schools": 2,
        "teachers": 3,
        "students": 2,
        "guardians": 2,
        "classes": 2,
        "teacher_schools": 3,
        "student_schools": 3,
        "guardianships": 5,
        "class_teachers": 3,
        "enrollments": 2,
    }


def test_only_schools_become_schools() -> None:
    """The district makes nothing; a type in capitals is the same type."""
    assert said(FORMAT, ONEROSTER_1_1, "schools") == [("01", "Lincoln"), ("02", "Adams")]
    assert found(changed("orgs.csv", "school", "School")) == []


def test_a_set_without_any_school_is_refused() -> None:
    """Where no organisation is a school, nothing could be placed; a file with its header alone is sound."""
    files = changed("orgs.csv", ",school,", ",institution,")
    assert ("no-schools", "orgs.csv", "type", ()) in found(files)
    assert verdict(files).outcome == "rejected"
    header = ONEROSTER_1_1["orgs.csv"].split("\n", 1)[0]
    assert "no-schools" not in {one[0] for one in found({**ONEROSTER_1_1, "orgs.csv": f"{header}\n"})}


def test_other_organisations_may_repeat() -> None:
    """Only a school that stands twice refuses the set."""
    district = "d,,,District,district,,\n"
    assert found(changed("orgs.csv", district, district * 2)) == []
    school = "01,,,Lincoln,school,7,d\n"
    assert ("duplicate-school", "orgs.csv", "sourcedId", (4,)) in found(changed("orgs.csv", school, school * 2))


def test_schools_of_people() -> None:
    """A list in one cell ties to each school; who has none belongs to the schools of their classes."""
    assert said(FORMAT, ONEROSTER_1_1, "teacher_schools") == [("01", "t1"), ("01", "p1"), ("02", "t2")]
    assert said(FORMAT, ONEROSTER_1_1, "student_schools") == [("01", "s1"), ("02", "s1"), ("02", "s2")]
    nowhere = changed("users.csv", "true,d,student", "true,,student")
    assert said(FORMAT, nowhere, "student_schools") == said(FORMAT, ONEROSTER_1_1, "student_schools")


def test_who_has_neither_a_school_nor_a_class_is_told() -> None:
    """Students and teachers, in their own rows; other staff make nothing anyway. What the roster has of them stays."""
    files = without("demographics.csv")
    for gone in ("e5,,,c2,02,s2,student,,,\n", "e3,,,c2,02,t2,teacher,true,,\n"):
        files["enrollments.csv"] = files["enrollments.csv"].replace(gone, "")
    told = [one for one in found(files) if one[0] == "school-missing"]
    assert told == [("school-missing", "users.csv", "orgSourcedIds", (3, 7))]
    roster = apply(empty(), [plan.changes for plan in verdict(ONEROSTER_1_1).plans])
    later = decide({name: text.encode() for name, text in files.items()}, roster, Policy())
    assert all("students" not in plan.changes and "student_schools" not in plan.changes for plan in later.plans)


def test_birth_dates_that_disagree_are_told() -> None:
    """The first row of a person counts, where the other one stands is said; the same date again disagrees with none."""
    row = "s1,,,2012-03-04,male\n"
    assert found(changed("demographics.csv", row, row * 2)) == [("repeated-row", "demographics.csv", None, (3,))]
    files = changed("demographics.csv", row, f"{row}s1,,,2011-03-04,male\n")
    assert found(files) == [("conflicting-values", "demographics.csv", "birthDate", (3,))]
    assert said(FORMAT, files, "students")[0][4] == "2012-03-04"
    files = changed("demographics.csv", row, f"s1,,,,male\n{row}")
    assert ("conflicting-values", "demographics.csv", "birthDate", (3,)) in found(files)


def test_an_organisation_that_is_not_in_the_files_is_unknown() -> None:
    """A reference to nothing is an error, in the user's own row and column."""
    files = changed("users.csv", "true,d,student", "true,09,student")
    assert ("unknown-school", "users.csv", "orgSourcedIds", (7,)) in found(files)


def test_a_class_of_the_district_has_no_school() -> None:
    """A class cannot be made in an organisation that is no school."""
    files = changed("classes.csv", "scheduled,,02", "scheduled,,d")
    assert ("unknown-school", "classes.csv", "schoolSourcedId", (3,)) in found(files)


def test_teachers() -> None:
    """Who has the role or is enrolled as one is a teacher; other staff, and students enrolled as one, are not."""
    assert [one[0] for one in said(FORMAT, ONEROSTER_1_1, "teachers")] == ["t1", "t2", "p1"]
    files = changed("enrollments.csv", "e2,,,c1,01,p1,teacher", "e2,,,c1,01,s1,teacher")
    assert ("unknown-teacher", "enrollments.csv", "userSourcedId", (3,)) in found(files)
    assert [one[0] for one in said(FORMAT, files, "teachers")] == ["t1", "t2"]


def test_an_enrollment_of_a_role_that_is_not_listed_is_told_as_that_alone() -> None:
    """Whether the row that counts stands before it or after it, neither repeats the other."""
    sound = "e4,,,c1,01,s1,student,,,\n"
    strange = sound.replace("student", "Pupil")
    for rows, line in ((sound + strange, 6), (strange + sound, 5)):
        assert found(changed("enrollments.csv", sound, rows)) == [
            ("unlisted-value", "enrollments.csv", "role", (line,))
        ]


def test_students() -> None:
    """The first of several grades counts, and the birth date comes from demographics.csv."""
    assert said(FORMAT, ONEROSTER_1_1, "students") == [
        ("s1", "Bo", "Dale", "09", "2012-03-04", "bo@home.org", "212-555-0102"),
        ("s2", "Ed", "Elm", "08", "2013-03-04", None, None),
    ]


@pytest.mark.parametrize(
    ("grades", "grade"),
    [(",09", "09"), (" , 09 ,10", "09"), ("Grade 9 , 10", "Grade 9"), ("9", "9"), (",", None), (" , ,", None)],
)
def test_the_first_grade_that_is_one(grades: str, grade: str | None) -> None:
    """An entry that is empty is no grade: the next one counts, and where there is none, the student has no grade."""
    files = changed("users.csv", '"09,10"', f'"{grades}"')
    assert said(FORMAT, files, "students")[0][3] == grade
    assert verdict(files).outcome == "accepted"


def test_guardians_and_students_name_each_other() -> None:
    """Either side may name the other; texts come before calls; a student who has left is passed over."""
    assert said(FORMAT, ONEROSTER_1_1, "guardians") == [
        ("g1", "Cy", "Dale", *EMAIL_AND_PHONE),
        ("g2", "Al", "Elm", "g2@home.org", None),
    ]
    assert said(FORMAT, ONEROSTER_1_1, "guardianships") == [
        ("s1", "g1", "parent", None),
        ("s1", "g2", "guardian", None),
        ("s1", "g1", "parent", None),
        ("s2", "g2", "guardian", None),
    ]


def test_a_guardian_of_nobody_in_the_files_is_told() -> None:
    """Where none of the students whom a guardian names is there, that is an error of the guardian's row."""
    files = changed("users.csv", '"s2,gone"', '"lost,gone"')
    files["users.csv"] = files["users.csv"].replace('"g1,g2"', "g1")
    assert ("unknown-student", "users.csv", "agentSourcedIds", (9,)) in found(files)


def test_birth_dates_that_did_not_come_stay() -> None:
    """Without demographics.csv nothing is said about birth dates: not that they are missing, nor that they are gone."""
    files = without("demographics.csv")
    assert found(files) == [("optional-file-missing", "demographics.csv", None, ())]
    assert claims(FORMAT, files).absent == {"students.birth_date"}
    wrong = changed("demographics.csv", "2012-03-04", "04.03.2012")
    assert found(wrong) == [("birth-date-invalid", "demographics.csv", "birthDate", (2,))]


def test_files_that_are_not_needed_may_come_or_not() -> None:
    """Neither the absence nor the columns of courses.csv and academicSessions.csv are a fault."""
    assert found(without("academicSessions.csv")) == []
    assert found({**ONEROSTER_1_1, "courses.csv": "anything\n1\n"}) == []
    assert ("unexpected-file", "results.csv", None, ()) in found({**ONEROSTER_1_1, "results.csv": "a\n1\n"})


def test_columns_may_be_added_under_metadata() -> None:
    """A column outside the specification is allowed by its prefix alone."""
    assert ("header-mismatch", "users.csv", None, (1,)) in found(changed("users.csv", "metadata.house", "house"))


def test_a_set_of_changes_is_refused() -> None:
    """One file in delta mode is enough, and is told with its line in the manifest."""
    files = changed("manifest.csv", "file.users,bulk", "file.orgs,bulk\nfile.users,Delta")
    assert found(files) == [("delta-set", "manifest.csv", "value", (5,))]


def test_rows_marked_for_deletion_are_left_out() -> None:
    """A row with the status tobedeleted makes nothing, in any file."""
    files = changed("users.csv", "p1,,,", "p1,tobedeleted,,")
    files["enrollments.csv"] = files["enrollments.csv"].replace("e2,,", "e2,tobedeleted,")
    assert found(files) == []
    assert added(files)["teachers"] == 2


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("orgs.csv", "01,ToBeDeleted,,Lincoln,school,7,d"),
        ("enrollments.csv", "e7,tobedeleted,,,01,s1,student,,,"),
        ("enrollments.csv", "e7,tobedeleted,,c1,01,s1,Pupil,,,"),
        ("demographics.csv", ",tobedeleted,,2012-03-04,"),
        ("classes.csv", "c1,tobedeleted,,,,,,,,,,,,"),
    ],
    ids=[
        "a school again",
        "an enrollment in no class",
        "a role of its own",
        "a birth date of nobody",
        "a nameless class",
    ],
)
def test_nothing_is_wrong_with_a_row_marked_for_deletion(file: str, row: str) -> None:
    """What stands in such a row refuses nothing and is not told."""
    files = {**ONEROSTER_1_1, file: f"{ONEROSTER_1_1[file]}{row}\n"}
    assert found(files) == []
    assert added(files) == added(ONEROSTER_1_1)


def test_schools_that_are_all_marked_for_deletion_are_none() -> None:
    """Where only other organisations stand, the set is refused as one without schools."""
    files = changed("orgs.csv", "01,,,", "01,tobedeleted,,")
    files["orgs.csv"] = files["orgs.csv"].replace("02,,,", "02,tobedeleted,,")
    assert found(files) == [("no-schools", "orgs.csv", "type", ())]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (changed("users.csv", "t1@school.org", ""), ("teacher-email-missing", "users.csv", "email", (2,))),
        (changed("users.csv", "Bo,Dale", ",Dale"), ("name-missing", "users.csv", "givenName", (6,))),
        (changed("users.csv", "212-555-0102", "12"), ("phone-invalid", "users.csv", "phone", (6,))),
        (changed("users.csv", '"09,10"', "x"), ("grade-unknown", "users.csv", "grades", (6,))),
        (
            changed("classes.csv", "scheduled,,02", "scheduled,,"),
            ("class-school-missing", "classes.csv", "schoolSourcedId", (3,)),
        ),
        (changed("enrollments.csv", "c2,02,s2", ",02,s2"), ("missing-id", "enrollments.csv", "classSourcedId", (6,))),
        (without("manifest.csv"), ("missing-file", "manifest.csv", None, ())),
        (changed("users.csv", "agentSourcedIds", "agents"), ("header-mismatch", "users.csv", "agentSourcedIds", (1,))),
    ],
    ids=[
        "a teacher without address",
        "a student without name",
        "a wrong number",
        "a grade of its own",
        "a class without school",
        "an enrollment without class",
        "no manifest",
        "a column missing",
    ],
)
def test_faults_are_told_by_the_columns_of_the_files(
    files: dict[str, str], fault: tuple[str, str, str | None, tuple[int, ...]]
) -> None:
    """What follows from the declaration is found."""
    assert fault in found(files)
