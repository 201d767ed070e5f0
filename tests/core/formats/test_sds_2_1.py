from __future__ import annotations

from core.sets import SDS_2_1, added, claims, found, removed, said, verdict
from rostergate.core.formats.sds_2_1 import FORMAT


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return the sound set with one change."""
    assert old in SDS_2_1[file]
    return {**SDS_2_1, file: SDS_2_1[file].replace(old, new)}


def without(file: str) -> dict[str, str]:
    """Return the sound set without a file."""
    return {name: text for name, text in SDS_2_1.items() if name != file}


def test_a_sound_set_is_accepted() -> None:
    """Every file feeds its tables, and nothing is wrong."""
    assert verdict(SDS_2_1).format == "sds-2.1"
    assert found(SDS_2_1) == []
    assert added(SDS_2_1) == {
        "schools": 2,
        "teachers": 2,
        "students": 2,
        "guardians": 1,
        "classes": 2,
        "teacher_schools": 3,
        "student_schools": 2,
        "guardianships": 2,
        "class_teachers": 2,
        "enrollments": 2,
    }


def test_organisations_that_teach_become_schools() -> None:
    """A college is one, a district is not; where none is, the set is refused."""
    assert said(FORMAT, SDS_2_1, "schools") == [("01", "Lincoln"), ("02", "Adams")]
    files = changed("orgs.csv", "School", "region")
    files["orgs.csv"] = files["orgs.csv"].replace("college", "division")
    assert found(files) == [("no-schools", "orgs.csv", "type", ())]


def test_people_and_their_schools() -> None:
    """Whoever teaches is a teacher, in whatever rank; who has no school of their own follows their classes."""
    assert said(FORMAT, SDS_2_1, "teachers") == [
        ("t1", "Ann", "Hill", "t1@school.org", None),
        ("p1", "Pat", "Low", "p1@school.org", None),
    ]
    assert said(FORMAT, SDS_2_1, "teacher_schools") == [("02", "t1"), ("01", "t1"), ("02", "p1")]
    assert said(FORMAT, SDS_2_1, "student_schools") == [("01", "s1"), ("02", "s2")]


def test_ranks_of_one_teacher_in_one_place_repeat_nothing() -> None:
    """A professor who is the school's or the class's teacher besides stands there in two rows that are not the same."""
    files = changed(
        "roles.csv", "t1,01,teacher,,,FALSE\n", "t1,01,teacher,,,FALSE\nt1,01,coach,,,\nt1,01,lecturer,,,\n"
    )
    files["enrollments.csv"] = files["enrollments.csv"].replace("c1,t1,teacher\n", "c1,t1,teacher\nc1,t1,lecturer\n")
    assert found(files) == []
    assert added(files) == added(SDS_2_1)


def test_details_come_from_their_files() -> None:
    """The grade stands in roles.csv, the birth date in demographics.csv; a username that is no address is none."""
    assert said(FORMAT, SDS_2_1, "students") == [
        ("s1", "Bo", "Dale", "9", "2012-03-04", "bo@home.org", "212-555-0102"),
        ("s2", "Ed", "Elm", None, "2013-03-04", None, None),
    ]
    assert ("teacher-email-missing", "users.csv", "email", (2,)) in found(changed("users.csv", "t1@school.org", "t1"))
    assert ("grade-unknown", "roles.csv", "grade", (5,)) in found(changed("roles.csv", "Student,,9", "Student,,x"))


def test_guardians_are_those_of_relationships() -> None:
    """Parents and relatives are guardians, a doctor is none."""
    assert said(FORMAT, SDS_2_1, "guardians") == [("g1", "Cy", "Dale", "g1@home.org", "212-555-0103")]
    assert said(FORMAT, SDS_2_1, "guardianships") == [("s1", "g1", "Parent", None), ("s2", "g1", "relative", None)]


def test_a_relationship_to_nobody_is_told() -> None:
    """Whether it is the student or the guardian whom the files do not have, by file, line and column."""
    files = changed("relationships.csv", "s2,m1,doctor\n", "s2,m1,doctor\ns9,g1,parent\ns1,g9,parent\n")
    assert found(files) == [
        ("unknown-student", "relationships.csv", "userSourcedId", (5,)),
        ("unknown-guardian", "relationships.csv", "relationshipUserSourcedId", (6,)),
    ]
    assert added(files) == added(SDS_2_1)


def test_who_has_neither_a_school_nor_a_class_is_told() -> None:
    """In the first row that gives the role; who has a class that cannot be made is told by that class alone."""
    files = changed("roles.csv", "s2,d,student,,,TRUE\n", "s2,d,student,,,TRUE\ns2,d,student,y,,\n")
    assert ("school-missing", "roles.csv", "orgSourcedId") not in {one[:3] for one in found(files)}
    files["enrollments.csv"] = files["enrollments.csv"].replace("c2,s2,student\n", "")
    assert ("school-missing", "roles.csv", "orgSourcedId", (6,)) in found(files)
    files["enrollments.csv"] += "c9,s2,student\n"
    assert [one[0] for one in found(files)] == ["unknown-class", "class-without-students"]


def test_grades_and_birth_dates_that_disagree_are_told() -> None:
    """The first row counts; one that says the same, or nothing, is no fault, nor is the grade of a guardian's role."""
    student, born = "s1,01,Student,,9,TRUE\n", "s1,male,2012-03-04\n"
    quiet = changed("roles.csv", student, f"{student}s1,02,student,,9,\ns1,d,student,,,\ns1,d,other,,7,\n")
    quiet["demographics.csv"] = quiet["demographics.csv"].replace(born, f"{born}s1,,\n{born}")
    assert "conflicting-values" not in {one[0] for one in found(quiet)}
    files = changed("roles.csv", student, f"{student}s1,02,student,,10,\n")
    files["demographics.csv"] = files["demographics.csv"].replace(born, f"{born}s1,male,2011-03-04\n")
    assert found(files) == [
        ("conflicting-values", "demographics.csv", "birthDate", (3,)),
        ("conflicting-values", "roles.csv", "grade", (6,)),
    ]
    assert said(FORMAT, files, "students")[0][3:5] == ("9", "2012-03-04")


def test_what_did_not_come_stays() -> None:
    """Without relationships.csv guardians stay as they are, without demographics.csv birth dates do."""
    assert claims(FORMAT, without("relationships.csv")).absent == {"guardians", "guardianships"}
    assert claims(FORMAT, without("demographics.csv")).absent == {"students.birth_date"}
    assert ("optional-file-missing", "relationships.csv", None, ()) in found(without("relationships.csv"))
    assert found(without("userFlags.csv")) == []


def test_roles_are_required() -> None:
    """Orgs, users, roles, classes and enrollments make a set."""
    for name in ("orgs.csv", "users.csv", "roles.csv", "classes.csv", "enrollments.csv"):
        assert verdict(without(name)).outcome == "incomplete"
        assert ("missing-file", name, None, ()) in found(without(name))


def test_columns_outside_the_format_are_told() -> None:
    """The format has no columns of one's own."""
    files = {**SDS_2_1, "enrollments.csv": "classSourcedId,userSourcedId,role,seat\nc1,t1,teacher,1\n"}
    assert ("header-mismatch", "enrollments.csv", None, (1,)) in found(files)


def test_spellings_of_one_value_disagree_about_nothing() -> None:
    """A grade with and without its zero, a birth date in two notations; the second row of it is a repetition."""
    student, born = "s1,01,Student,,9,TRUE\n", "s1,male,2012-03-04\n"
    files = changed("roles.csv", student, f"{student}s1,02,student,,09,\n")
    files["demographics.csv"] = files["demographics.csv"].replace(born, f"{born}s1,male,3/4/2012\ns1,male,20120304\n")
    assert found(files) == [("repeated-row", "demographics.csv", None, (3, 4))]


def test_rows_of_demographics_that_are_repeated_are_told() -> None:
    """Those that say the same as an earlier one, whichever; not one that has no birth date where another one has."""
    born = "s1,male,2012-03-04\n"
    files = changed("demographics.csv", born, f"{born}{born}s1,male,\ns1,male,2011-03-04\n{born}")
    assert found(files) == [
        ("repeated-row", "demographics.csv", None, (3, 6)),
        ("conflicting-values", "demographics.csv", "birthDate", (5,)),
    ]


def test_who_has_no_role_is_told_and_loses_nothing() -> None:
    """Neither a guardian nor a doctor needs one; without relationships.csv nobody knows who they are."""
    files = changed("roles.csv", "s1,01,Student,,9,TRUE\n", "")
    assert ("role-missing", "users.csv", "sourcedId", (4,)) in found(files)
    assert "unknown-student" not in {one[0] for one in found(files)}
    assert removed(SDS_2_1, files) == {}
    lines = SDS_2_1["users.csv"].splitlines()
    others = [number for number, line in enumerate(lines, 1) if line.startswith(("g1,", "m1,"))]
    assert ("role-missing", "users.csv", "sourcedId", tuple(others)) in found(without("relationships.csv"))
    assert removed(SDS_2_1, without("relationships.csv")) == {}
