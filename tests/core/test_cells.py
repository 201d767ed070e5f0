"""Findings name the cell that has to be corrected, wherever the format takes a value from."""

from __future__ import annotations

import pytest

from core.sets import CLEVER, ONEROSTER_1_1, ONEROSTER_1_2, SDS_2_1, found

Told = tuple[str, str | None, str | None, tuple[int, ...]]

FOUND: dict[str, tuple[dict[str, str], str, str, str, Told]] = {
    "a birth date of OneRoster": (
        ONEROSTER_1_2,
        "demographics.csv",
        "2012-03-04",
        "2012-13-04",
        ("birth-date-invalid", "demographics.csv", "birthDate", (2,)),
    ),
    "a birth date that is not filled in": (
        ONEROSTER_1_1,
        "demographics.csv",
        "2012-03-04",
        "",
        ("birth-date-missing", "demographics.csv", "birthDate", (2,)),
    ),
    "a birth date of somebody who is not in demographics.csv": (
        ONEROSTER_1_1,
        "demographics.csv",
        "\ns1,",
        "\ns9,",
        ("birth-date-missing", "users.csv", "birthDate (demographics.csv)", (6,)),
    ),
    "a birth date of School Data Sync": (
        SDS_2_1,
        "demographics.csv",
        "2013-03-04",
        "soon",
        ("birth-date-invalid", "demographics.csv", "birthDate", (3,)),
    ),
    "a grade of School Data Sync that a spreadsheet has spoilt": (
        SDS_2_1,
        "roles.csv",
        "Student,,9",
        "Student,,12-Sep",
        ("spreadsheet-damage", "roles.csv", "grade", (5,)),
    ),
    "a number for texts": (
        SDS_2_1,
        "users.csv",
        "212-555-0103",
        "12",
        ("phone-invalid", "users.csv", "sms", (6,)),
    ),
    "a number for calls": (
        SDS_2_1,
        "users.csv",
        "212-555-0102",
        "12",
        ("phone-invalid", "users.csv", "phone", (4,)),
    ),
    "a username in place of an address": (
        SDS_2_1,
        "users.csv",
        "t1,t1@school.org",
        "t1,t1@school",
        ("teacher-email-invalid", "users.csv", "username", (2,)),
    ),
    "a further teacher": (
        CLEVER,
        "sections.csv",
        "c1,t1,t2",
        "c1,t1,t9",
        ("unknown-teacher", "sections.csv", "Teacher_2_id", (2,)),
    ),
    "a section that is called by its course": (
        CLEVER,
        "sections.csv",
        ",Math,3",
        f",{'x' * 255},3",
        ("class-name-too-long", "sections.csv", "Course_name", (3,)),
    ),
}


@pytest.mark.parametrize(("files", "file", "old", "new", "expected"), FOUND.values(), ids=FOUND)
def test_a_finding_names_the_cell(files: dict[str, str], file: str, old: str, new: str, expected: Told) -> None:
    """File, line and column are those of the value, not of the row that it was joined to."""
    assert old in files[file]
    told = found({**files, file: files[file].replace(old, new)})
    assert expected in told
    assert [one for one in told if one[0] == expected[0]] == [expected]


def test_two_columns_of_one_row_are_two_findings() -> None:
    """Each teacher of a section who is unknown is told in their own column."""
    files = {**CLEVER, "sections.csv": CLEVER["sections.csv"].replace("c1,t1,t2", "c1,t8,t9")}
    unknown = [one for one in found(files) if one[0] == "unknown-teacher"]
    assert unknown == [
        ("unknown-teacher", "sections.csv", "Teacher_2_id", (2,)),
        ("unknown-teacher", "sections.csv", "Teacher_id", (2,)),
    ]
