"""An example of each format: a school with a teacher, a student, a guardian and a class, with invented values.

What is shown to people who write an export has to be right: a test delivers each of these sets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core import near

if TYPE_CHECKING:
    from rostergate.core.declaration import File, Format

_INVENTED = {
    "orgs.csv/sourcedid": "100",
    "orgs.csv/name": "Lincoln High School",
    "classes.csv/sourcedid": "c3",
    "demographics.csv/sourcedid": "s42",
    "schoolid": "100",
    "schoolname": "Lincoln High School",
    "schoolsourcedid": "100",
    "orgsourcedid": "100",
    "orgsourcedids": "100",
    "primaryorgsourcedid": "100",
    "sourcedid": "1",
    "name": "Algebra 1",
    "type": "school",
    "teacherid": "t7",
    "teacher2id": "t8",
    "staffid": "a4",
    "studentid": "s42",
    "userid": "s42",
    "usersourcedid": "s42",
    "guardianid": "g9",
    "contactid": "g9",
    "contactsisid": "g9",
    "relationshipusersourcedid": "g9",
    "agentsourcedids": "g9",
    "classid": "c3",
    "sectionid": "c3",
    "classsourcedid": "c3",
    "coursesourcedid": "k5",
    "firstname": "Ada",
    "lastname": "Brook",
    "givenname": "Ada",
    "familyname": "Brook",
    "teacherfirstname": "Gus",
    "teacherlastname": "Hill",
    "studentfirstname": "Ada",
    "studentlastname": "Brook",
    "guardianfirstname": "Eli",
    "guardianlastname": "Brook",
    "contactname": "Eli Brook",
    "email": "ada.brook@example.org",
    "studentemail": "ada.brook@example.org",
    "teacheremail": "gus.hill@example.org",
    "staffemail": "pat.low@example.org",
    "guardianemail": "eli.brook@example.net",
    "contactemail": "eli.brook@example.net",
    "phone": "212-555-0142",
    "teachermobilephone": "212-555-0143",
    "studentphone": "212-555-0142",
    "guardianphone": "212-555-0144",
    "contactphone": "212-555-0144",
    "username": "ada.brook",
    "enableduser": "true",
    "role": "student",
    "roletype": "primary",
    "relationship": "mother",
    "relationshiprole": "parent",
    "contactrelationship": "mother",
    "contacttype": "guardian",
    "grade": "9",
    "grades": "09",
    "dob": "2012-03-04",
    "birthdate": "2012-03-04",
    "title": "Algebra 1",
    "classname": "Algebra 1",
    "coursename": "Algebra 1",
    "period": "2",
    "propertyname": "oneroster.version",
}
"""Folded column name, or file and folded column name -> a value of nobody. Other columns stay empty."""

_TEACHER = {"givenname": "Gus", "familyname": "Hill", "email": "gus.hill@example.org", "phone": "212-555-0143"}
_GUARDIAN = {"givenname": "Eli", "familyname": "Brook", "email": "eli.brook@example.net", "phone": "212-555-0144"}
_ROWS: dict[str, tuple[dict[str, str], ...]] = {
    "teachers.csv": (
        {"firstname": "Gus", "lastname": "Hill", "email": "gus.hill@example.org", "phone": "212-555-0143"},
    ),
    "clever/teachers.csv": (
        {"firstname": "Gus", "lastname": "Hill"},
        {"teacherid": "t8", "firstname": "Kim", "lastname": "Moss", "teacheremail": "kim.moss@example.org"},
    ),
    "guardians.csv": ({"firstname": "Eli", "email": "eli.brook@example.net", "phone": "212-555-0144"},),
    "contacts.csv": (
        {"contactid": "g10", "firstname": "Ida", "email": "ida.brook@example.net", "phone": "212-555-0145"},
    ),
    "users.csv": (
        {"sourcedid": "t7", "role": "teacher", "username": "gus.hill", "grades": "", "agentsourcedids": "", **_TEACHER},
        {"sourcedid": "s42"},
        {"sourcedid": "g9", "role": "parent", "username": "eli", "grades": "", "agentsourcedids": "", **_GUARDIAN},
    ),
    "roles.csv": (
        {"sourcedid": "1", "usersourcedid": "t7", "role": "teacher", "grade": ""},
        {"sourcedid": "2"},
        {"sourcedid": "3", "usersourcedid": "g9", "role": "parent", "grade": ""},
    ),
    "sds-2.1/roles.csv": ({"usersourcedid": "t7", "role": "teacher", "grade": ""}, {}),
    "enrollments.csv": (
        {"sourcedid": "1", "usersourcedid": "t7", "role": "teacher"},
        {"sourcedid": "2"},
    ),
    "remind-1.0/enrollments.csv": ({},),
}
"""File, or format and file -> what is different in each row of it; one row where there is nothing."""


def example(fmt: Format) -> dict[str, list[dict[str, str]]]:
    """Return a set of the format with invented values: by file name its rows, each a cell by column.

    It is a small school that is sound in every respect; where the format has a mark, it says what that needs.
    """
    return {file.name: _rows(fmt, file) for file in fmt.files}


def _rows(fmt: Format, file: File) -> list[dict[str, str]]:
    if fmt.mark and fmt.mark.file == file.name:
        return [dict(zip((one.name for one in file.columns), (fmt.mark.name, fmt.mark.value), strict=True))]
    rows: list[dict[str, str]] = []
    for other in _ROWS.get(f"{fmt.name}/{file.name}", _ROWS.get(file.name, ({},))):
        row = {column.name: _cell(file, near.folded(column.name), other) for column in file.columns}
        rows += [row] if row not in rows else []
    return rows


def _cell(file: File, folded: str, other: dict[str, str]) -> str:
    return other.get(folded, _INVENTED.get(f"{file.name}/{folded}", _INVENTED.get(folded, "")))
