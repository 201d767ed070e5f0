from __future__ import annotations

import pytest

from core.sets import REMIND_1_0, claims, found, readings
from rostergate.core import layout, needed
from rostergate.core.formats.remind_1_0 import FORMAT

STUDENT = "01,s1,Bo,Dale,,,,"


def guardians(*cells: str) -> list[str | None]:
    """Return the guardian ids that rows of students.csv with these guardian cells lead to."""
    header = REMIND_1_0["students.csv"].split("\n", 1)[0]
    text = "\n".join([header, *(f"{STUDENT},{one}" for one in cells)])
    found = claims(FORMAT, {**REMIND_1_0, "students.csv": text}).tables["guardianships"]
    assert set(found["student_id"]) <= {"s1"}
    return found["guardian_id"].to_list()


def test_every_file_feeds_its_tables() -> None:
    """A sound set claims what it says, each row with its file and line."""
    assert layout.check(FORMAT, readings(REMIND_1_0)) == ()
    found = claims(FORMAT, REMIND_1_0)
    assert needed.problems(FORMAT, found) == []
    (guardian,) = found.tables["guardians"]["guardian_id"]
    said = {name: frame.drop("file").rows() for name, frame in found.tables.items()}
    assert said == {
        "schools": [("01", "Lincoln", 2)],
        "teachers": [
            ("t1", "Ann", "Hill", "t1@school.org", "555-0101", 2),
            ("t2", "Di", "Lake", "t2@school.org", None, 3),
        ],
        "students": [
            ("s1", "Bo", "Dale", "9", "2012-03-04", "bo@home.org", "555-0102", 2),
            ("s2", "Ed", "Dale", "8", "2013-03-04", None, None, 3),
        ],
        "guardians": [(guardian, "Cy", "Dale", "g1@home.org", "555-0103", 2)],
        "classes": [("01", "c1", "Algebra", 2)],
        "teacher_schools": [("01", "t1", 2), ("01", "t2", 3)],
        "student_schools": [("01", "s1", 2), ("01", "s2", 3)],
        "guardianships": [("s1", guardian, None, None, 2)],
        "class_teachers": [("c1", "t1", 2), ("c1", "t2", 3)],
        "enrollments": [("01", "c1", "s1", 2)],
    }


def test_findings_show_the_columns_of_the_files() -> None:
    """A derived column is shown as the one it was derived from."""
    columns = claims(FORMAT, REMIND_1_0).columns
    assert columns["enrollments.csv", "enrollments", "student_id"] == "user_id"
    assert columns["enrollments.csv", "class_teachers", "teacher_id"] == "user_id"
    assert columns["classes.csv", "class_teachers", "teacher_id"] == "teacher_id"


def test_a_class_may_name_no_teacher() -> None:
    """A blank teacher is no format error, and claims no teacher."""
    files = {**REMIND_1_0, "classes.csv": "school_id,class_id,teacher_id,class_name\n01,c1,,Algebra\n"}
    assert layout.check(FORMAT, readings(files)) == ()
    assert claims(FORMAT, files).tables["class_teachers"]["teacher_id"].to_list() == ["t2"]


def test_an_unknown_user_is_taken_for_a_student() -> None:
    """An id in neither file is an enrollment, so that it is reported as an unknown student."""
    files = {**REMIND_1_0, "enrollments.csv": "school_id,class_id,user_id\n01,c1,nobody\n"}
    assert claims(FORMAT, files).tables["enrollments"]["student_id"].to_list() == ["nobody"]


@pytest.mark.parametrize(
    ("teacher", "user", "told"),
    [
        ("008", "8", ("spreadsheet-damage", "enrollments.csv", "user_id", (3,))),
        ("8", "008", ("spreadsheet-damage", "teachers.csv", "teacher_id", (3,))),
        ("008", "80", ("unknown-student", "enrollments.csv", "user_id", (3,))),
        ("t08", "t8", ("unknown-student", "enrollments.csv", "user_id", (3,))),
        ("08", "s8", ("unknown-student", "enrollments.csv", "user_id", (3,))),
    ],
)
def test_a_teacher_whose_zeros_are_lost(teacher: str, user: str, told: tuple[str, str, str, tuple[int, ...]]) -> None:
    """A number that is a teacher's but for its zeros shows damage; one that matches nothing is an unknown student."""
    files = {**REMIND_1_0, "teachers.csv": REMIND_1_0["teachers.csv"].replace("t2,", f"{teacher},")}
    files["enrollments.csv"] = REMIND_1_0["enrollments.csv"].replace("t2", user)
    assert told in found(files)


def test_a_students_number_is_the_students_whatever_a_teacher_has() -> None:
    """Leading zeros tell ids apart: where students.csv has the number as it stands, nothing is lost."""
    files = {**REMIND_1_0, "teachers.csv": REMIND_1_0["teachers.csv"].replace("t2,", "008,")}
    files["students.csv"] = REMIND_1_0["students.csv"].replace("s2,", "8,")
    files["enrollments.csv"] = "school_id,class_id,user_id\n01,c1,s1\n01,c1,8\n01,c1,008\n"
    assert "spreadsheet-damage" not in {one[0] for one in found(files)}
    assert claims(FORMAT, files).tables["enrollments"]["student_id"].to_list() == ["s1", "8"]


def test_an_id_of_a_teacher_and_a_student_is_the_student() -> None:
    """Where both files use the id, the enrollment is the student's."""
    files = {**REMIND_1_0, "enrollments.csv": "school_id,class_id,user_id\n01,c1,t1\n"}
    files["students.csv"] += "01,t1,Flo,Fox,,,,,,,,\n"
    found = claims(FORMAT, files).tables
    assert found["enrollments"]["student_id"].to_list() == ["t1"]
    assert found["class_teachers"]["teacher_id"].to_list() == ["t1"]


def test_a_set_that_could_not_be_read_claims_nothing() -> None:
    """Missing files and columns leave their tables empty."""
    assert all(frame.is_empty() for frame in claims(FORMAT, {}).tables.values())
    assert claims(FORMAT, {"students.csv": "student_id\ns1\n"}).tables["guardians"].is_empty()


def test_guardian_ids_are_stable() -> None:
    """The derived id never changes from one release to the next: the roster is keyed by it."""
    assert guardians("Cy,Dale,g1@home.org,555-0103") == ["g-07d1b238fe1aea45"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cy,Dale,g1@home.org,", "CY,dale,G1@Home.org,"),
        ("Cy,Dale,g1@home.org,555-0103", "Cy,Dale,g1@home.org,555-9999"),
        ("Cy  Ann,Dale,,555-0103", "Cy Ann,Dale,,(555) 0103"),
        ("Cy,Dale,,(212) 555-0103", "Cy,Dale,,+1 212 555 0103"),
        ("Cy,Dale,,", "cy,Dale,,"),
        ("Cy,Dale,,", "Cy,Dale,,n/a"),
    ],
    ids=[
        "case",
        "the phone beside an e-mail",
        "signs of the phone",
        "the country of the phone",
        "name alone",
        "a phone without digits",
    ],
)
def test_one_guardian(one: str, other: str) -> None:
    """What does not tell people apart does not change the id."""
    assert len(set(guardians(one, other))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cy,Dale,g1@home.org,", "Di,Dale,g1@home.org,"),
        ("Cy,Dale,g1@home.org,", "Cy,Dale,g2@home.org,"),
        ("Cy,Dale,,555-0103", "Cy,Dale,,555-0104"),
        ("Cy,Dale,,", "Di,Dale,,"),
        ("Cy,Ann Dale,,", "Cy Ann,Dale,,"),
    ],
    ids=["names at one address", "addresses", "phones", "names alone", "where the name is split"],
)
def test_two_guardians(one: str, other: str) -> None:
    """Name and contact tell guardians apart."""
    assert len(set(guardians(one, other))) == 2


def test_guardians_without_contact_belong_to_one_student() -> None:
    """Two students whose guardians have one name and no contact have two guardians; with a contact, one."""
    header = REMIND_1_0["students.csv"].split("\n", 1)[0]
    for contact, people in (("", 2), ("g1@home.org", 1)):
        rows = "".join(f"01,s{n},Bo,Dale,,,,,Cy,Dale,{contact},\n" for n in (1, 2))
        found = claims(FORMAT, {**REMIND_1_0, "students.csv": f"{header}\n{rows}"}).tables["guardians"]
        assert found["guardian_id"].n_unique() == people


def test_no_guardian_cells_no_guardian() -> None:
    """A student without any guardian cell has no guardian."""
    assert guardians(",,,") == []
