"""OneRoster 1.1, whole sets (bulk): the CSV files that most student information systems can export.

Source: 1EdTech "OneRoster: CSV Tables", Final Release, version 1.1.1 (imsglobal.org/oneroster-v11-final-csv-tables),
"CSV Format" with its tables of manifest.csv, orgs.csv, users.csv, classes.csv, enrollments.csv, demographics.csv,
courses.csv and academicSessions.csv. Header fields were compared with two sets by others, and with software that reads
them. Further fields are taken where their names begin with `metadata.`. The files of the gradebook and of resources are
no part of a roster and are not taken.

Rule 1: users.csv states one role for a person and a list of organisations; `_oneroster` says what follows.
Rule 2: courses.csv and academicSessions.csv may come; nothing in them is needed. demographics.csv gives birth dates.
"""

from __future__ import annotations

from functools import partial

import polars as pl

from rostergate.core.declaration import Column, File, Format, Mark, Sheets, key, optional, required
from rostergate.core.formats import _oneroster, _oneroster_files, _oneroster_people


def prepare(sheets: Sheets) -> Sheets:
    """Tell people apart by role, and find their schools and guardians."""
    users = _oneroster.with_details(sheets["users.csv"], sheets["demographics.csv"])
    users = _oneroster.with_teachers(users, "sourcedId", sheets["enrollments.csv"])
    sheets = {**sheets, "users.csv": users}
    stated = users.select("line", "role", "stated role", user="sourcedId", org="orgSourcedIds")
    roles = pl.concat([_oneroster.exploded(stated, "org"), stated.with_columns(org=pl.lit(None, pl.String))])
    return {
        **sheets,
        **_oneroster.people(sheets, roles, schools=_oneroster.SCHOOLS, class_school="schoolSourcedId"),
        **_oneroster.guardians(users, roles),
    }


FORMAT = Format(
    name="oneroster-1.1",
    title="OneRoster 1.1",
    prepare=prepare,
    refuse=_oneroster.refuse,
    problems=partial(_oneroster_people.problems, roles="users.csv", org="orgSourcedIds"),
    codes=(*_oneroster.CODES, *_oneroster_people.CODES),
    extension="metadata.",
    mark=Mark("manifest.csv", "oneroster.version", "1.1"),
    files=(
        _oneroster_files.MANIFEST,
        _oneroster_files.ORGS,
        File(
            "users.csv",
            (
                key("sourcedId"),
                *_oneroster_files.BASE,
                *optional("enabledUser"),
                Column("orgSourcedIds"),
                _oneroster_files.ROLE,
                *optional("username", "userIds"),
                required("givenName"),
                required("familyName"),
                *optional("middleName", "identifier"),
                Column("email"),
                *optional("sms", "phone"),
                Column("agentSourcedIds"),
                *optional("grades", "password"),
            ),
        ),
        _oneroster_files.CLASSES,
        _oneroster_files.ENROLLMENTS,
        _oneroster_files.DEMOGRAPHICS,
        _oneroster_files.COURSES,
        _oneroster_files.ACADEMIC_SESSIONS,
    ),
    sources=(
        *_oneroster.sources(
            schools=_oneroster.SCHOOLS,
            class_school="schoolSourcedId",
            roles=("users.csv", "sourcedId", "orgSourcedIds"),
            grade="grades",
            cells=_oneroster.CELLS,
        ),
        _oneroster.GUARDIANS_SOURCE,
        _oneroster.AGENTS_SOURCE,
    ),
)
