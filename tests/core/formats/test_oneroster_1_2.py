from __future__ import annotations

import pytest

from core.sets import ONEROSTER_1_2, added, found, removed, said, verdict
from rostergate.core.formats.oneroster_1_2 import FORMAT


def changed(file: str, old: str, new: str) -> dict[str, str]:
    """Return the sound set with one change."""
    assert old in ONEROSTER_1_2[file]
    return {**ONEROSTER_1_2, file: ONEROSTER_1_2[file].replace(old, new)}


def test_a_sound_set_is_accepted() -> None:
    """Every file feeds its tables, and nothing is wrong."""
    assert verdict(ONEROSTER_1_2).format == "oneroster-1.2"
    assert found(ONEROSTER_1_2) == []
    assert added(ONEROSTER_1_2) == {
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


def test_roles_say_who_somebody_is_and_where() -> None:
    """Each role has its organisation; one outside the schools leaves it to the classes."""
    assert said(FORMAT, ONEROSTER_1_2, "teacher_schools") == [("01", "t1"), ("01", "p1"), ("02", "t2")]
    assert said(FORMAT, ONEROSTER_1_2, "student_schools") == [("01", "s1"), ("02", "s1"), ("02", "s2")]
    assert said(FORMAT, ONEROSTER_1_2, "students")[0] == (
        "s1",
        "Bo",
        "Dale",
        "09",
        "2012-03-04",
        "bo@home.org",
        "212-555-0102",
    )


@pytest.mark.parametrize(
    "row",
    [
        "r2,,,t1,secondary,principal,,,01,",
        "r2,,,t1,secondary,Lehrkraft,,,01,",
        "r8,,,s1,secondary,guardian,,,01,",
        "r8,,,p1,secondary,aide,,,01,",
    ],
)
def test_a_further_role_at_the_same_school_repeats_nothing(row: str) -> None:
    """A row of another role is no repetition, whether or not it would tie the person to the school by itself."""
    files = changed("roles.csv", "r9,", f"{row}\nr9,")
    assert found(files) == []
    assert added(files) == added(ONEROSTER_1_2)


def test_the_same_role_again_is_a_repetition() -> None:
    """Primary and secondary roles count alike, and so do capitals."""
    files = changed("roles.csv", "r9,", "r8,,,t1,secondary,Teacher,,,01,\nr9,")
    assert found(files) == [("repeated-row", "roles.csv", None, (10,))]


def test_a_role_that_is_not_listed_is_told_as_that_alone() -> None:
    """A row that makes nothing repeats nothing, and nothing repeats it."""
    lines = ONEROSTER_1_2["roles.csv"].replace("r5,", "r5,,,s1,primary,Pupil,,,01,\nr5,")
    files = {**ONEROSTER_1_2, "roles.csv": lines.replace("r6,", "r6,,,s1,primary,Pupil,,,01,\nr6,")}
    assert found(files) == [("unlisted-value", "roles.csv", "role", (6, 8))]


def test_an_unknown_organisation_is_told_in_the_row_of_the_role() -> None:
    """Line and column are those of roles.csv."""
    files = changed("roles.csv", "secondary,student,,,02", "secondary,student,,,09")
    assert ("unknown-school", "roles.csv", "orgSourcedId", (7,)) in found(files)


def test_who_has_neither_a_school_nor_a_class_is_told() -> None:
    """In the row of roles.csv that gives the role."""
    files = changed("enrollments.csv", "e5,,,c2,02,s2,student,,,\n", "")
    assert ("school-missing", "roles.csv", "orgSourcedId", (8,)) in found(files)


def test_guardians_by_role() -> None:
    """A role without an organisation counts; a teacher whose second role is guardian of nobody is a teacher alone."""
    assert [one[0] for one in said(FORMAT, ONEROSTER_1_2, "guardians")] == ["g1", "g2"]
    both = changed("users.csv", "t1@school.org,,,,", "t1@school.org,,,s2,")
    assert ("s2", "t1", "guardian", None) in said(FORMAT, both, "guardianships")


def test_roles_are_required() -> None:
    """A set without roles is not taken for one in which nobody is left."""
    files = {name: text for name, text in ONEROSTER_1_2.items() if name != "roles.csv"}
    assert verdict(files).outcome == "incomplete"
    assert ("missing-file", "roles.csv", None, ()) in found(files)


def test_a_set_of_changes_is_refused() -> None:
    """The manifest's mode counts here too."""
    assert ("delta-set", "manifest.csv", "value", (4,)) in found(changed("manifest.csv", ",bulk", ",delta"))


def test_profiles_are_not_read() -> None:
    """userProfiles.csv may come."""
    profiles = "sourcedId,status,dateLastModified,userSourcedId,profileType\nq1,,,s1,x\n"
    assert found({**ONEROSTER_1_2, "userProfiles.csv": profiles}) == []


@pytest.mark.parametrize("person", ["t1", "s1", "g1"])
def test_who_has_no_role_is_told_and_loses_nothing(person: str) -> None:
    """A teacher, a student or a guardian of whom no row of roles.csv is left; told in users.csv."""
    kept = [line for line in ONEROSTER_1_2["roles.csv"].splitlines(keepends=True) if f",{person}," not in line]
    files = {**ONEROSTER_1_2, "roles.csv": "".join(kept)}
    lines = ONEROSTER_1_2["users.csv"].splitlines()
    (line,) = [number for number, line in enumerate(lines, 1) if line.startswith(f"{person},")]
    assert ("role-missing", "users.csv", "sourcedId", (line,)) in found(files)
    assert removed(ONEROSTER_1_2, files) == {}
