"""School Data Sync V2.1: the CSV files that Microsoft's rostering reads, which districts that use it already export.

Source: Microsoft Learn, "SDS V2.1 CSV File Format", the table of fields of each file, and "Default List of Values",
"Organization Types" and "Organization user roles". Compared with Microsoft's published sample set.

Rule 1: organisations in which classes are taught become schools: school, college, university, campus, adultEducation.
Rule 2: everybody of the listed roles who teaches is a teacher; assistants and other staff are not, unless they are
enrolled as the teacher of a class. `_oneroster` says what follows from roles.
Rule 3: a person's e-mail address is `email` or, where that is empty, a `username` that is an address.
Rule 4: relationships.csv says who is a guardian; a doctor, an aide or a child is none. No role is listed for guardians:
who stands there as related to somebody needs no row in roles.csv, and everybody else does.
Rule 5: a value that no list has makes nothing, as in OneRoster. `aid` and `assistant` are listed beside `aide`: exports
have all three.
Rule 6: academicSessions.csv, courses.csv and userFlags.csv may come; nothing in them is needed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
from rostergate.core.formats import _oneroster, _oneroster_people
from rostergate.core.listed import is_listed
from rostergate.core.values import same_grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.findings import Finding
    from rostergate.core.problem import Problem

_TYPE = Column(
    "type",
    values=(
        *("school", "college", "university", "campus", "adultEducation", "department", "district", "division", "local"),
        *("state", "province", "region", "municipality", "national", "program", "researchCenter", "academicTrust"),
        *("localAuthority", "ministryOfEducation", "departmentOfEducation"),
    ),
)
_SCHOOLS = _oneroster.Schools(frozenset({"school", "college", "university", "campus", "adulteducation"}), _TYPE)
_TEACHING = frozenset({"teacher", "professor", "lecturer", "instructor", "adjunct", "faculty", "substitute"})
_ROLE = Column(
    "role",
    values=(
        *("student", "teacher", "professor", "lecturer", "instructor", "adjunct", "faculty", "substitute", "staff"),
        *("administrator", "advisor", "affiliate", "aide", "aid", "alumni", "assistant", "chair", "coach", "itAdmin"),
        *("nurse", "occupationalTherapist", "officeStaff", "other", "paraprofessional", "physicalTherapist"),
        *("principal", "proctor", "researcher", "specialServices", "speechTherapist", "teacherAssistant"),
        "visionTherapist",
    ),
)
_RELATIONSHIP = Column(
    "relationshipRole", values=("guardian", "parent", "relative", "aide", "child", "doctor", "other")
)
_NEXT_STEP = (
    "Export a role for each student and member of staff, and a row of relationships.csv for each guardian, or leave "
    "the person out. Until then the roster keeps what it has."
)
_CELLS = {
    **_oneroster.CELLS,
    "email": Cell(column="own_email column"),
    "grade": Cell("roles.csv", line="grade line", name="grade"),
}


def prepare(sheets: Sheets) -> Sheets:
    """Tell people apart by their roles, and find their schools, grades and birth dates."""
    stated = _oneroster.with_teachers(
        sheets["roles.csv"], "userSourcedId", sheets["enrollments.csv"], role=_ROLE, teaching=_TEACHING
    )
    roles = stated.select("line", "role", "stated role", "grade", user="userSourcedId", org="orgSourcedId")
    grades = _graded(roles).unique("user", keep="first", maintain_order=True)
    born = sheets["demographics.csv"].select("userSourcedId", "birthDate", pl.col("line").alias("birthDate line"))
    born = born.unique("userSourcedId", keep="first", maintain_order=True)
    named = pl.col("email").is_null() & pl.col("username").str.contains("@")
    users = (
        _oneroster.with_phones(sheets["users.csv"])
        .with_columns(
            pl.when(named).then(pl.lit("username")).alias("own_email column"),
            own_email=pl.when(named).then("username").otherwise("email"),
        )
        .join(
            grades.select(pl.col("line").alias("grade line"), sourcedId="user", own_grade="grade"),
            on="sourcedId",
            how="left",
            maintain_order="left",
        )
        .join(born, left_on="sourcedId", right_on="userSourcedId", how="left", maintain_order="left")
    )
    sheets = {**sheets, "users.csv": users}
    related = sheets["relationships.csv"]["relationshipUserSourcedId"].implode()
    roleless = users.join(roles, left_on="sourcedId", right_on="user", how="anti", maintain_order="left")
    roleless = roleless.filter(~pl.col("sourcedId").is_in(related))
    ties = sheets["relationships.csv"].filter(
        _oneroster.among("relationshipRole", _oneroster.GUARDIANS) | ~is_listed(_RELATIONSHIP)
    )
    return {
        **sheets,
        **_oneroster.people(
            sheets,
            _oneroster_people.with_roleless(roles.drop("grade"), roleless),
            schools=_SCHOOLS,
            class_school="orgSourcedId",
            role=_ROLE,
            enrolled=_ROLE,
            teaching=_TEACHING,
        ),
        "roles.csv": stated,
        "without a role": roleless,
        "relationships.csv": ties,
        "guardians": users.join(
            ties, left_on="sourcedId", right_on="relationshipUserSourcedId", how="semi", maintain_order="left"
        ),
    }


def refuse(sheets: Sheets) -> Iterator[Finding]:
    """Yield that no organisation is a school."""
    return _oneroster.without_schools(sheets, _SCHOOLS)


def problems(sheets: Sheets) -> Iterator[Problem]:
    """Yield who has no role or no school, and the further grades and birth dates of one student."""
    yield _oneroster_people.without_role(sheets, _NEXT_STEP)
    yield _oneroster_people.without_school(sheets, "roles.csv", "orgSourcedId")
    grade = same_grade(pl.col("grade"))
    yield _oneroster_people.disagreeing(_graded(sheets["roles.csv"]), "roles.csv", "userSourcedId", "grade", grade)
    yield from _oneroster_people.of_demographics(sheets["demographics.csv"], "userSourcedId")


def _graded(roles: pl.DataFrame) -> pl.DataFrame:
    return roles.filter(_oneroster.among("role", frozenset({_oneroster.STUDENT})) & pl.col("grade").is_not_null())


FORMAT = Format(
    name="sds-2.1",
    title="Microsoft School Data Sync V2.1",
    prepare=prepare,
    refuse=refuse,
    problems=problems,
    codes=(_oneroster.NO_SCHOOLS, *_oneroster_people.CODES),
    files=(
        File(
            "orgs.csv",
            (key("sourcedId"), required("name", SCHOOL_NAME_CHARS_MAX), _TYPE, *optional("parentSourcedId")),
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
                _ROLE,
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
        File("enrollments.csv", (key("classSourcedId"), key("userSourcedId"), _ROLE)),
        File(
            "relationships.csv",
            (key("userSourcedId"), key("relationshipUserSourcedId"), _RELATIONSHIP),
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
            grade="grade (roles.csv)",
            cells=_CELLS,
        ),
        replace(_oneroster.GUARDIANS_SOURCE, cells=_CELLS, beside="relationships.csv"),
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
