"""School Data Sync V2.1: the CSV files that Microsoft's rostering reads, which districts that use it already export.

Source: Microsoft Learn, "SDS V2.1 CSV File Format", the table of fields of each file, and "Default List of Values",
"Organization Types" and "Organization user roles". Compared with Microsoft's published sample set.

Rule 1: organisations in which classes are taught become schools: school, college, university, campus, adultEducation.
Rule 2: everybody of the listed roles who teaches is a teacher; assistants and other staff are not, unless they are
enrolled as the teacher of a class. `_oneroster` says what follows from roles.
Rule 3: a person's e-mail address is `email` or, where that is empty, a `username` that is an address.
Rule 4: relationships.csv says who is a guardian; a doctor, an aide or a child is none.
Rule 5: academicSessions.csv, courses.csv and userFlags.csv may come; nothing in them is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.formats import _oneroster
from rostergate.core.layout import (
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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.findings import Finding

_SCHOOLS = frozenset({"school", "college", "university", "campus", "adulteducation"})
_TEACHING = frozenset({"teacher", "professor", "lecturer", "instructor", "adjunct", "faculty", "substitute"})
_CONTACTS = {"email": "email", "phone": "phone"}


def prepare(sheets: Sheets) -> Sheets:
    """Tell people apart by their roles, and find their schools, grades and birth dates."""
    roles = sheets["roles.csv"].select("line", "role", "grade", user="userSourcedId", org="orgSourcedId")
    grades = roles.filter(_oneroster.among("role", frozenset({_oneroster.STUDENT})) & pl.col("grade").is_not_null())
    born = sheets["demographics.csv"].select("userSourcedId", "birthDate").unique("userSourcedId", keep="first")
    users = (
        sheets["users.csv"]
        .with_columns(
            own_email=pl.coalesce("email", pl.when(pl.col("username").str.contains("@")).then("username")),
            own_phone=pl.coalesce("sms", "phone"),
        )
        .join(
            grades.unique("user", keep="first", maintain_order=True).select(sourcedId="user", own_grade="grade"),
            on="sourcedId",
            how="left",
            maintain_order="left",
        )
        .join(born, left_on="sourcedId", right_on="userSourcedId", how="left", maintain_order="left")
    )
    sheets = {**sheets, "users.csv": users}
    ties = sheets["relationships.csv"].filter(_oneroster.among("relationshipRole", _oneroster.GUARDIANS))
    return {
        **sheets,
        **_oneroster.people(
            sheets, roles.drop("grade"), schools=_SCHOOLS, class_school="orgSourcedId", teaching=_TEACHING
        ),
        "relationships.csv": ties,
        "guardians": users.join(
            ties, left_on="sourcedId", right_on="relationshipUserSourcedId", how="semi", maintain_order="left"
        ),
    }


def refuse(sheets: Sheets) -> Iterator[Finding]:
    """Yield that no organisation is a school."""
    return _oneroster.without_schools(sheets, _SCHOOLS)


FORMAT = Format(
    name="sds-2.1",
    title="Microsoft School Data Sync V2.1",
    prepare=prepare,
    refuse=refuse,
    codes=(_oneroster.NO_SCHOOLS,),
    files=(
        File(
            "orgs.csv",
            (key("sourcedId"), required("name", SCHOOL_NAME_CHARS_MAX), Column("type"), *optional("parentSourcedId")),
        ),
        File(
            "users.csv",
            (
                key("sourcedId"),
                Column("username"),
                required("givenName"),
                required("familyName"),
                *optional("password", "activeDirectoryMatchId", "email", "phone", "sms"),
            ),
        ),
        File(
            "roles.csv",
            (
                key("userSourcedId"),
                Column("orgSourcedId"),
                Column("role"),
                *optional("sessionSourcedId", "grade", "isPrimary", "roleStartDate", "roleEndDate"),
            ),
        ),
        File(
            "classes.csv",
            (
                key("sourcedId"),
                required("orgSourcedId"),
                required("title", CLASS_NAME_CHARS_MAX),
                *optional("sessionSourcedIds", "courseSourcedId", "code"),
            ),
        ),
        File("enrollments.csv", (key("classSourcedId"), key("userSourcedId"), Column("role"))),
        File(
            "relationships.csv",
            (key("userSourcedId"), key("relationshipUserSourcedId"), Column("relationshipRole")),
            optional=True,
        ),
        File(
            "demographics.csv",
            (
                key("userSourcedId"),
                *optional("sex", "birthDate", "birthCity", "birthState", "birthCountry", "ethnicityCodes", "raceCodes"),
            ),
            optional=True,
        ),
        File(
            "academicSessions.csv",
            optional("sourcedId", "title", "type", "schoolYear", "startDate", "endDate"),
            optional=True,
            unused=True,
        ),
        File(
            "courses.csv",
            optional("sourcedId", "orgSourcedId", "title", "code", "schoolYearSourcedId", "subject", "grade"),
            optional=True,
            unused=True,
        ),
        File("userFlags.csv", optional("userSourcedId", "flag"), optional=True, unused=True),
    ),
    sources=(
        *_oneroster.sources(
            schools=_SCHOOLS,
            class_school="orgSourcedId",
            roles=("roles.csv", "userSourcedId", "orgSourcedId"),
            contacts=_CONTACTS,
            student={"grade": "grade (roles.csv)", "birth_date": "birthDate (demographics.csv)"},
        ),
        Source(
            "users.csv",
            "guardians",
            {
                "guardian_id": "sourcedId",
                "first_name": "givenName",
                "last_name": "familyName",
                "email": "own_email",
                "phone": "own_phone",
            },
            own=_CONTACTS,
            sheet="guardians",
            beside="relationships.csv",
        ),
        Source(
            "relationships.csv",
            "guardianships",
            {
                "student_id": "userSourcedId",
                "guardian_id": "relationshipUserSourcedId",
                "relationship": "relationshipRole",
            },
        ),
    ),
)
