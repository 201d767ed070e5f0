"""The files of OneRoster that are the same in versions 1.1 and 1.2, and the values that their columns may have.

Sources: those of `oneroster_1_1` and `oneroster_1_2`, for the values of a column as for its name.
"""

from __future__ import annotations

from rostergate.core.declaration import (
    CLASS_NAME_CHARS_MAX,
    SCHOOL_NAME_CHARS_MAX,
    Column,
    File,
    key,
    optional,
    required,
)

EXTENSION = "ext:"
"""How values begin that a user of OneRoster has added to a list."""

TYPE = Column("type", values=("department", "school", "district", "local", "state", "national"), values_begin=EXTENSION)
ROLE = Column(
    "role",
    values=(
        *("administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"),
        *("counselor", "districtAdministrator", "principal", "siteAdministrator", "systemAdministrator"),
    ),
    values_begin=EXTENSION,
)
"""Roles of OneRoster 1.1, and those that 1.2 adds: exports of either have them all."""
ENROLLED = Column("role", values=("administrator", "proctor", "student", "teacher"), values_begin=EXTENSION)

MANIFEST = File("manifest.csv", (Column("propertyName"), Column("value")))
BASE = (Column("status", optional=True, void="tobedeleted"), *optional("dateLastModified"))
ORGS = File(
    "orgs.csv",
    (
        key("sourcedId"),
        *BASE,
        required("name", SCHOOL_NAME_CHARS_MAX),
        TYPE,
        *optional("identifier", "parentSourcedId"),
    ),
)
CLASSES = File(
    "classes.csv",
    (
        key("sourcedId"),
        *BASE,
        required("title", CLASS_NAME_CHARS_MAX),
        *optional("grades", "courseSourcedId", "classCode", "classType", "location"),
        required("schoolSourcedId"),
        *optional("termSourcedIds", "subjects", "subjectCodes", "periods"),
    ),
)
ENROLLMENTS = File(
    "enrollments.csv",
    (
        *optional("sourcedId"),
        *BASE,
        key("classSourcedId"),
        *optional("schoolSourcedId"),
        key("userSourcedId"),
        ENROLLED,
        *optional("primary", "beginDate", "endDate"),
    ),
)
DEMOGRAPHICS = File(
    "demographics.csv",
    (
        key("sourcedId"),
        *BASE,
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
