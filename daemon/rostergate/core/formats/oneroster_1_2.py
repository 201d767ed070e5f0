"""OneRoster 1.2, whole sets (bulk): as 1.1, but a person's roles and organisations stand in a file of their own.

Source: 1EdTech "OneRoster: CSV Binding", Final Release, version 1.2.1 (imsglobal.org/spec/oneroster/v1p2/bind/csv),
sections 2 ("CSV Overview": bulk and delta) and 3 ("CSV Format": the header fields of each file). Header fields were
compared with those that public software reads and writes.

Rule 1: roles.csv is required, although the binding lets a set do without: nothing else says who is a student, a teacher
or a guardian, and a set without it would archive everybody. Who has no row there is told.
Rule 2: a person may have several roles, each at one organisation; primary and secondary roles count alike.
Rule 3: userProfiles.csv, courses.csv and academicSessions.csv may come; nothing in them is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.declaration import Column, File, Format, Mark, Sheets, key, optional, required
from rostergate.core.formats import _oneroster, _oneroster_files, _oneroster_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.problem import Problem


def prepare(sheets: Sheets) -> Sheets:
    """Tell people apart by their roles, and find their schools and guardians."""
    users = _oneroster.with_details(sheets["users.csv"], sheets["demographics.csv"])
    sheets = {**sheets, "users.csv": users}
    stated = _oneroster.with_teachers(sheets["roles.csv"], "userSourcedId", sheets["enrollments.csv"])
    roles = stated.select("line", "role", "stated role", user="userSourcedId", org="orgSourcedId")
    roleless = users.join(roles, left_on="sourcedId", right_on="user", how="anti", maintain_order="left")
    roles = _oneroster_people.with_roleless(roles, roleless)
    return {
        **sheets,
        "without a role": roleless,
        "roles.csv": stated,
        **_oneroster.people(sheets, roles, schools=_oneroster.SCHOOLS, class_school="schoolSourcedId"),
        **_oneroster.guardians(users, roles),
    }


def problems(sheets: Sheets) -> Iterator[Problem]:
    """Yield who has no role or no school, and what demographics.csv says of one person twice."""
    yield _oneroster_people.without_role(sheets)
    yield from _oneroster_people.problems(sheets, roles="roles.csv", org="orgSourcedId")


FORMAT = Format(
    name="oneroster-1.2",
    title="OneRoster 1.2",
    prepare=prepare,
    refuse=_oneroster.refuse,
    problems=problems,
    codes=(*_oneroster.CODES, *_oneroster_people.CODES),
    extension="metadata.",
    mark=Mark("manifest.csv", "oneroster.version", "1.2"),
    files=(
        _oneroster_files.MANIFEST,
        _oneroster_files.ORGS,
        File(
            "users.csv",
            (
                key("sourcedId"),
                *_oneroster_files.BASE,
                *optional("enabledUser", "username", "userIds"),
                required("givenName"),
                required("familyName"),
                *optional("middleName", "identifier"),
                Column("email"),
                *optional("sms", "phone"),
                Column("agentSourcedIds"),
                *optional(
                    "grades",
                    "password",
                    "userMasterIdentifier",
                    "resourceSourcedIds",
                    "preferredGivenName",
                    "preferredMiddleName",
                    "preferredFamilyName",
                    "primaryOrgSourcedId",
                    "pronouns",
                ),
            ),
        ),
        File(
            "roles.csv",
            (
                *optional("sourcedId"),
                *_oneroster_files.BASE,
                key("userSourcedId"),
                *optional("roleType"),
                _oneroster_files.ROLE,
                *optional("beginDate", "endDate"),
                Column("orgSourcedId"),
                *optional("userProfileSourcedId"),
            ),
        ),
        _oneroster_files.CLASSES,
        _oneroster_files.ENROLLMENTS,
        _oneroster_files.DEMOGRAPHICS,
        _oneroster_files.COURSES,
        _oneroster_files.ACADEMIC_SESSIONS,
        File(
            "userProfiles.csv",
            optional(
                "sourcedId",
                "status",
                "dateLastModified",
                "userSourcedId",
                "profileType",
                "vendorId",
                "applicationId",
                "description",
                "credentialType",
                "username",
                "password",
            ),
            optional=True,
            unused=True,
        ),
    ),
    sources=(
        *_oneroster.sources(
            schools=_oneroster.SCHOOLS,
            class_school="schoolSourcedId",
            roles=("roles.csv", "userSourcedId", "orgSourcedId"),
            grade="grades",
            cells=_oneroster.CELLS,
        ),
        _oneroster.GUARDIANS_SOURCE,
        _oneroster.AGENTS_SOURCE,
    ),
)
