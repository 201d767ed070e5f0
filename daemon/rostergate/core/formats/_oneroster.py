"""What OneRoster and School Data Sync have alike: organisations, roles, lists in one cell, and who belongs where.

Rule 1: an organisation becomes a school by its type. Any other one makes nothing and is no fault, nor is a person's
reference to it; a class in it is reported, for it has no school.
Rule 2: a person of a role without a school of their own, such as a teacher of the district, belongs to the schools of
the classes that they teach or attend.
Rule 3: whoever has the role of a teacher is one, and so is other staff who is enrolled as the teacher of a class. A
student or guardian never becomes a teacher by being enrolled as one.
Rule 4: guardians, parents and relatives are guardians, whichever of the two, guardian or student, names the other. Of
several students whom a guardian names, those who are not in the files are passed over; where none is, it is reported.
Rule 5: roles and types are compared without regard to case: a `Student` who is not taken for one would be archived.
Rule 6: a set is whole or refused. Rows marked for deletion belong to sets of changes; in a whole one they are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.layout import (
    CLASS_NAME_CHARS_MAX,
    SCHOOL_NAME_CHARS_MAX,
    Column,
    File,
    Sheets,
    Source,
    key,
    optional,
    required,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

STUDENT = "student"
TEACHER = "teacher"
GUARDIANS = frozenset({"guardian", "parent", "relative"})
SCHOOL = frozenset({"school"})

NO_SCHOOLS = Code(
    "no-schools",
    Severity.FORMAT_ERROR,
    "No organisation in the file is a school.",
    "Have the export give every school the type that the format has for schools.",
)

DELTA = Code(
    "delta-set",
    Severity.FORMAT_ERROR,
    "The manifest says that files hold changes only (delta).",
    "Set the export to bulk, so that every file holds everything each time.",
)
CODES = (NO_SCHOOLS, DELTA)


def among(column: str, values: frozenset[str]) -> pl.Expr:
    """Build the condition that a cell is one of these values, which are in lower case."""
    return pl.col(column).str.to_lowercase().is_in(values).fill_null(value=False)


def exploded(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a row for each value of a list in one cell, separated by commas; rows without a value are left out."""
    parts = rows.with_columns(pl.col(column).str.split(",")).explode(column)
    return parts.with_columns(pl.col(column).str.strip_chars()).filter(pl.col(column).str.len_bytes() > 0)


def refuse(sheets: Sheets) -> Iterator[Finding]:
    """Yield why a set of OneRoster files cannot be taken as a whole."""
    manifest = sheets["manifest.csv"]
    modes = manifest.filter(pl.col("propertyName").str.starts_with("file.") & among("value", frozenset({"delta"})))
    if len(modes):
        yield finding(DELTA, file="manifest.csv", column="value", lines=modes["line"].to_list())
    yield from without_schools(sheets, SCHOOL)


def standing(sheets: Sheets) -> dict[str, pl.DataFrame]:
    """Return the sheets without the rows that are marked for deletion."""
    return {
        name: sheet.filter(~among("status", frozenset({"tobedeleted"}))) if "status" in sheet.columns else sheet
        for name, sheet in sheets.items()
    }


def with_details(users: pl.DataFrame, demographics: pl.DataFrame) -> pl.DataFrame:
    """Add what the sources derive: `own_email`, `own_phone` (texts before calls), `own_grade` and `birthDate`."""
    born = demographics.select("sourcedId", "birthDate").unique("sourcedId", keep="first")
    return users.with_columns(
        own_email=pl.col("email"),
        own_phone=pl.coalesce("sms", "phone"),
        own_grade=pl.col("grades").str.split(",").list.first().str.strip_chars(),
    ).join(born, on="sourcedId", how="left", maintain_order="left")


def guardians(users: pl.DataFrame, roles: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the sheets `guardians` and `agents`: guardians of somebody, and the ties of agentSourcedIds."""
    adults = roles.filter(among("role", GUARDIANS)).unique("user", keep="first", maintain_order=True)
    adult = adults.select("user", relationship=pl.col("role").str.to_lowercase())
    students = roles.filter(among("role", frozenset({STUDENT}))).select("user")
    named = exploded(users.select("sourcedId", "agentSourcedIds", "line"), "agentSourcedIds")
    by_student = named.join(students, left_on="sourcedId", right_on="user", how="semi").join(
        adult, left_on="agentSourcedIds", right_on="user"
    )
    by_adult = named.join(adult, left_on="sourcedId", right_on="user")
    met = by_adult.join(students, left_on="agentSourcedIds", right_on="user", how="semi")
    lost = by_adult.join(met, on="sourcedId", how="anti").join(
        users, left_on="agentSourcedIds", right_on="sourcedId", how="anti"
    )
    ties = [
        by_student.select("line", "relationship", student="sourcedId", guardian="agentSourcedIds"),
        *(rows.select("line", "relationship", student="agentSourcedIds", guardian="sourcedId") for rows in (met, lost)),
    ]
    agents = pl.concat(ties).sort("line")
    return {
        "guardians": users.join(agents, left_on="sourcedId", right_on="guardian", how="semi", maintain_order="left"),
        "agents": agents,
    }


def without_schools(sheets: Sheets, types: frozenset[str]) -> Iterator[Finding]:
    """Yield that none of the organisations is a school, if there are any: everything would make nothing."""
    orgs = sheets["orgs.csv"]
    if len(orgs) and not orgs.select(among("type", types).any()).item():
        yield finding(NO_SCHOOLS, file="orgs.csv", column="type")


MANIFEST = File("manifest.csv", (Column("propertyName"), Column("value")))
_BASE = optional("status", "dateLastModified")
ORGS = File(
    "orgs.csv",
    (
        key("sourcedId"),
        *_BASE,
        required("name", SCHOOL_NAME_CHARS_MAX),
        Column("type"),
        *optional("identifier", "parentSourcedId"),
    ),
)
CLASSES = File(
    "classes.csv",
    (
        key("sourcedId"),
        *_BASE,
        required("title", CLASS_NAME_CHARS_MAX),
        *optional("grades", "courseSourcedId", "classCode", "classType", "location"),
        required("schoolSourcedId"),
        *optional("termSourcedIds", "subjects", "subjectCodes", "periods"),
    ),
)
ENROLLMENTS = File(
    "enrollments.csv",
    (
        *optional("sourcedId", "status", "dateLastModified"),
        key("classSourcedId"),
        *optional("schoolSourcedId"),
        key("userSourcedId"),
        Column("role"),
        *optional("primary", "beginDate", "endDate"),
    ),
)
DEMOGRAPHICS = File(
    "demographics.csv",
    (
        key("sourcedId"),
        *_BASE,
        Column("birthDate"),
        *optional(
            "sex",
            "americanIndianOrAlaskaNative",
            "asian",
            "blackOrAfricanAmerican",
            "nativeHawaiianOrOtherPacificIslander",
            "white",
            "demographicRaceTwoOrMoreRaces",
            "hispanicOrLatinoEthnicity",
            "countryOfBirthCode",
            "stateOfBirthAbbreviation",
            "cityOfBirth",
            "publicSchoolResidenceStatus",
        ),
    ),
    optional=True,
)
COURSES = File(
    "courses.csv",
    optional(
        "sourcedId",
        "status",
        "dateLastModified",
        "schoolYearSourcedId",
        "title",
        "courseCode",
        "grades",
        "orgSourcedId",
        "subjects",
        "subjectCodes",
    ),
    optional=True,
    unused=True,
)
ACADEMIC_SESSIONS = File(
    "academicSessions.csv",
    optional(
        "sourcedId",
        "status",
        "dateLastModified",
        "title",
        "type",
        "startDate",
        "endDate",
        "parentSourcedId",
        "schoolYear",
    ),
    optional=True,
    unused=True,
)
"""These files, and those above, are the same in OneRoster 1.1 and 1.2."""


def people(
    sheets: Sheets,
    roles: pl.DataFrame,
    *,
    schools: frozenset[str],
    class_school: str,
    teaching: frozenset[str] = frozenset({TEACHER}),
) -> dict[str, pl.DataFrame]:
    """Return the sheets that `sources` names: people by role, their schools, and what is taught and attended.

    `roles`: `user`, `org` (may be null), `role` and `line`, from the file that states them. `schools`: types of
    organisations. `class_school`: the column of classes.csv with the school.
    """
    orgs, users, enrollments = sheets["orgs.csv"], sheets["users.csv"], sheets["enrollments.csv"]
    other = orgs.filter(~among("type", schools)).select(org="sourcedId")
    placed = sheets["classes.csv"].select("sourcedId", org=class_school).unique("sourcedId", keep="first")
    known = placed.join(orgs.filter(among("type", schools)).select(org="sourcedId"), on="org", how="semi")
    found: dict[str, pl.DataFrame] = {
        "taught": enrollments.filter(among("role", teaching)),
        "attended": enrollments.filter(among("role", frozenset({STUDENT}))),
    }
    staff = roles.filter(~among("role", teaching | GUARDIANS | {STUDENT})).join(
        found["taught"], left_on="user", right_on="userSourcedId", how="semi"
    )
    for table, ties, rows in (
        ("teachers", pl.concat([roles.filter(among("role", teaching)), staff]), found["taught"]),
        ("students", roles.filter(among("role", frozenset({STUDENT}))), found["attended"]),
    ):
        own = ties.filter(pl.col("org").is_not_null()).join(other, on="org", how="anti", maintain_order="left")
        homeless = ties.join(own, on="user", how="anti").select("user")
        found[table] = users.join(ties, left_on="sourcedId", right_on="user", how="semi", maintain_order="left")
        found[f"schools of {table}"] = own.select("user", "org", "line")
        found[f"schools of {table} by class"] = (
            rows.join(homeless, left_on="userSourcedId", right_on="user", how="semi", maintain_order="left")
            .join(known, left_on="classSourcedId", right_on="sourcedId", maintain_order="left")
            .select("org", "line", user="userSourcedId")
        )
    return found


GUARDIAN_SOURCES = (
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
        own={"email": "email", "phone": "phone"},
        sheet="guardians",
    ),
    Source(
        "users.csv",
        "guardianships",
        {"student_id": "student", "guardian_id": "guardian", "relationship": "relationship"},
        own={"student_id": "agentSourcedIds", "guardian_id": "agentSourcedIds", "relationship": "role"},
        sheet="agents",
    ),
)
"""Guardians of OneRoster, for the sheets of `guardians`."""


def sources(
    *,
    schools: frozenset[str],
    class_school: str,
    roles: tuple[str, str, str],
    contacts: dict[str, str],
    student: dict[str, str],
) -> tuple[Source, ...]:
    """Return the sources of all but guardians, for sheets as `people` gives them.

    `roles`: the file that states roles, and its columns for person and organisation. `contacts`: what findings show for
    the derived `email` and `phone`. `student`: the same for the derived `grade` and `birth_date`.
    """
    name = {"first_name": "givenName", "last_name": "familyName"}
    file, user, org = roles
    return (
        Source("orgs.csv", "schools", {"school_id": "sourcedId", "name": "name"}, where=among("type", schools)),
        Source(
            "users.csv",
            "teachers",
            {"teacher_id": "sourcedId", **name, "email": "own_email", "phone": "own_phone"},
            own=contacts,
            sheet="teachers",
            needed=("email",),
        ),
        Source(
            "users.csv",
            "students",
            {
                "student_id": "sourcedId",
                **name,
                "grade": "own_grade",
                "birth_date": "birthDate",
                "email": "own_email",
                "phone": "own_phone",
            },
            own={**contacts, **student},
            sheet="students",
            joined={"birth_date": "demographics.csv"},
        ),
        *(
            source
            for table, tie, person in (
                ("teachers", "teacher_schools", "teacher_id"),
                ("students", "student_schools", "student_id"),
            )
            for source in (
                Source(
                    file,
                    tie,
                    {"school_id": "org", person: "user"},
                    own={"school_id": org, person: user},
                    sheet=f"schools of {table}",
                ),
                Source(
                    "enrollments.csv",
                    tie,
                    {"school_id": "org", person: "user"},
                    own={"school_id": "classSourcedId", person: "userSourcedId"},
                    sheet=f"schools of {table} by class",
                ),
            )
        ),
        Source("classes.csv", "classes", {"school_id": class_school, "class_id": "sourcedId", "name": "title"}),
        Source(
            "enrollments.csv",
            "class_teachers",
            {"class_id": "classSourcedId", "teacher_id": "userSourcedId"},
            sheet="taught",
        ),
        Source(
            "enrollments.csv",
            "enrollments",
            {"class_id": "classSourcedId", "student_id": "userSourcedId"},
            sheet="attended",
        ),
    )
