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
Rule 6: whoever has a role that the format does not list, or none, makes nothing, unless they are enrolled as the
teacher of a class; nor does an organisation or an enrollment of such a kind. They are claimed as what they may be, and
left out, so that what the roster has of them stays.
Rule 7: a set is whole or refused. Rows marked for deletion belong to sets of changes; in a whole one they are left out.
Rule 8: who has neither a school of their own nor a class makes nothing, and is told where the role stands.
Rule 9: of several birth dates of a person the first counts, and the others are told; so are rows that say one again.
Rule 10: where roles stand in a file of their own, a person of whom it has no row makes nothing, and is told once.
Rule 11: several roles tie a person to one organisation, or to one class, once. A row of another role is no repetition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.cells import Cell
from rostergate.core.declaration import Column, Sheets, Source
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.formats._oneroster_files import ENROLLED, ROLE, TYPE
from rostergate.core.listed import is_listed
from rostergate.core.rows import repeats

if TYPE_CHECKING:
    from collections.abc import Iterator

STUDENT = "student"
TEACHER = "teacher"
GUARDIANS = frozenset({"guardian", "parent", "relative"})

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


@dataclass(frozen=True, slots=True)
class Schools:
    """Which organisations become schools."""

    types: frozenset[str]
    """In lower case."""
    column: Column

    @property
    def may_be(self) -> pl.Expr:
        """The condition that an organisation is a school, or of a type that is not listed."""
        return among(self.column.name, self.types) | ~is_listed(self.column)


SCHOOLS = Schools(frozenset({"school"}), TYPE)


def among(column: str, values: frozenset[str]) -> pl.Expr:
    """Build the condition that a cell is one of these values, which are in lower case."""
    return pl.col(column).str.to_lowercase().is_in(values).fill_null(value=False)


def exploded(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a row for each value of a list in one cell, separated by commas; rows without a value are left out."""
    parts = rows.with_columns(pl.col(column).str.split(",")).explode(column)
    return parts.with_columns(pl.col(column).str.strip_chars()).filter(pl.col(column).str.len_bytes() > 0)


_FIRST = r"([^,\s](?:[^,]*[^,\s])?)"
"""The first value that a list in one cell has, without the white space around it; entries that are empty are none."""


def refuse(sheets: Sheets) -> Iterator[Finding]:
    """Yield why a set of OneRoster files cannot be taken as a whole."""
    manifest = sheets["manifest.csv"]
    modes = manifest.filter(pl.col("propertyName").str.starts_with("file.") & among("value", frozenset({"delta"})))
    if len(modes):
        yield finding(DELTA, file="manifest.csv", column="value", lines=modes["line"].to_list())
    yield from without_schools(sheets, SCHOOLS)


def with_details(users: pl.DataFrame, demographics: pl.DataFrame) -> pl.DataFrame:
    """Add what the sources derive: `own_email`, `own_phone` (texts before calls), `own_grade` and `birthDate`.

    And where they stand, as `CELLS` says.
    """
    born = demographics.select("sourcedId", "birthDate", pl.col("line").alias("birthDate line"))
    born = born.unique("sourcedId", keep="first", maintain_order=True)
    return (
        with_phones(users)
        .with_columns(
            own_email=pl.col("email"),
            own_grade=pl.col("grades").str.extract(_FIRST),
        )
        .join(born, on="sourcedId", how="left", maintain_order="left")
    )


def with_phones(users: pl.DataFrame) -> pl.DataFrame:
    """Add `own_phone`, which is `sms` or else `phone`, and which of them it is, as `CELLS` says."""
    texts = pl.when(pl.col("sms").is_not_null()).then(pl.lit("sms"))
    return users.with_columns(texts.alias("own_phone column"), own_phone=pl.coalesce("sms", "phone"))


def with_teachers(
    rows: pl.DataFrame,
    user: str,
    enrollments: pl.DataFrame,
    *,
    role: Column = ROLE,
    teaching: frozenset[str] = frozenset({TEACHER}),
) -> pl.DataFrame:
    """Make teachers of those rows of a role that is not listed whose `user` is enrolled as the teacher of a class.

    And add `stated role`, which the file gives them.
    """
    taught = enrollments.filter(among("role", teaching))["userSourcedId"].unique()
    is_teacher = ~is_listed(role) & pl.col(user).is_in(taught.implode())
    counts = pl.when(is_teacher).then(pl.lit(TEACHER)).otherwise(role.name)
    return rows.with_columns(counts.alias(role.name), pl.col(role.name).alias("stated role"))


def once_by_role(rows: pl.DataFrame, key: list[str], role: str) -> pl.DataFrame:
    """Return the rows without those that say under another role what an earlier row says already."""
    if not repeats(rows, key).any():
        return rows
    on = [*(pl.col(name) for name in key), pl.col(role).str.to_lowercase()]
    first = rows.filter(pl.struct(key).is_first_distinct()).select(*key, role)
    return rows.join(first, on=on, how="semi", nulls_equal=True, maintain_order="left")


def guardians(users: pl.DataFrame, roles: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the sheets `guardians` and `agents`: guardians of somebody, and the ties of agentSourcedIds."""
    adults = roles.filter(among("role", GUARDIANS) | ~is_listed(ROLE)).unique("user", keep="first", maintain_order=True)
    adult = adults.select("user", relationship=pl.col("role").str.to_lowercase())
    students = roles.filter(among("role", frozenset({STUDENT})) | ~is_listed(ROLE)).select("user")
    known = roles.filter(among("role", GUARDIANS)).select("user")
    named = exploded(users.select("sourcedId", "agentSourcedIds", "line"), "agentSourcedIds")
    by_student = named.join(students, left_on="sourcedId", right_on="user", how="semi").join(
        adult, left_on="agentSourcedIds", right_on="user"
    )
    by_adult = named.join(adult, left_on="sourcedId", right_on="user")
    met = by_adult.join(students, left_on="agentSourcedIds", right_on="user", how="semi")
    lost = (
        by_adult.join(met, on="sourcedId", how="anti")
        .join(users, left_on="agentSourcedIds", right_on="sourcedId", how="anti")
        .join(known, left_on="sourcedId", right_on="user", how="semi")
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


def without_schools(sheets: Sheets, schools: Schools) -> Iterator[Finding]:
    """Yield that none of the organisations is a school, if there are any: everything would make nothing."""
    orgs = sheets["orgs.csv"]
    if len(orgs) and not orgs.select(among("type", schools.types).any()).item():
        yield finding(NO_SCHOOLS, file="orgs.csv", column="type")


def people(
    sheets: Sheets,
    roles: pl.DataFrame,
    *,
    schools: Schools,
    class_school: str,
    role: Column = ROLE,
    enrolled: Column = ENROLLED,
    teaching: frozenset[str] = frozenset({TEACHER}),
) -> dict[str, pl.DataFrame]:
    """Return the sheets that `sources` names: people by role, their schools, and what is taught and attended.

    And `without a school`: a row of each person whom nothing places, neither a role nor a class.

    `roles`: `user`, `org` (may be null), `role`, `stated role` and `line`, from the file that states them.
    `class_school`: the column of classes.csv with the school. `role`, `enrolled`: the columns with the roles of people
    and of enrollments.
    """
    orgs, users, enrollments = sheets["orgs.csv"], sheets["users.csv"], sheets["enrollments.csv"]
    other = orgs.filter(~schools.may_be).select(org="sourcedId")
    placed = sheets["classes.csv"].select("sourcedId", org=class_school).unique("sourcedId", keep="first")
    known = placed.join(orgs.filter(schools.may_be).select(org="sourcedId"), on="org", how="semi")
    taught = once_by_role(enrollments.filter(among("role", teaching)), ["classSourcedId", "userSourcedId"], "role")
    attended = enrollments.filter(among("role", frozenset({STUDENT})))
    strange = enrollments.filter(~is_listed(enrolled))
    listed, unlisted = roles.filter(is_listed(role)), roles.filter(~is_listed(role))
    staff = listed.filter(~among("role", teaching | GUARDIANS | {STUDENT}))
    reachable = users.filter(pl.col("own_email").is_not_null())  # or they would be told as teachers without an address
    reachable = reachable.select(user="sourcedId")
    teachers = pl.concat([roles.filter(among("role", teaching)), _enrolled(staff, taught)])
    found: dict[str, pl.DataFrame] = {}
    nowhere: list[pl.DataFrame] = []
    for table, sure, perhaps, doubtful, seats, rows in (
        (
            "teachers",
            teachers,
            unlisted.join(reachable, on="user", how="semi"),
            _enrolled(staff, strange).join(reachable, on="user", how="semi").join(teachers, on="user", how="anti"),
            "taught",
            taught,
        ),
        ("students", roles.filter(among("role", frozenset({STUDENT}))), unlisted, staff.clear(), "attended", attended),
    ):
        otherwise = listed.join(sure, on="user", how="anti")
        ties = pl.concat([sure, perhaps.join(otherwise, on="user", how="anti")])
        own = ties.filter(pl.col("org").is_not_null()).join(other, on="org", how="anti", maintain_order="left")
        homeless = sure.join(own.filter(is_listed(role)), on="user", how="anti")
        homeless = pl.concat([homeless, doubtful])
        ties = pl.concat([ties, doubtful])
        found[table] = users.join(ties, left_on="sourcedId", right_on="user", how="semi", maintain_order="left")
        theirs = strange.join(found[table], left_on="userSourcedId", right_on="sourcedId", how="semi")
        found[seats] = pl.concat([rows, theirs])
        somewhere = pl.concat([own["user"], found[seats]["userSourcedId"]])
        nowhere.append(sure.filter(pl.col("user").is_first_distinct() & ~pl.col("user").is_in(somewhere.implode())))
        found[f"schools of {table}"] = once_by_role(own, ["user", "org"], "stated role").select("user", "org", "line")
        found[f"schools of {table} by class"] = (
            found[seats]
            .join(homeless, left_on="userSourcedId", right_on="user", how="semi", maintain_order="left")
            .join(known, left_on="classSourcedId", right_on="sourcedId", maintain_order="left")
            .select("org", "line", user="userSourcedId")
        )
    found["without a school"] = pl.concat(nowhere)
    return found


def _enrolled(roles: pl.DataFrame, enrollments: pl.DataFrame) -> pl.DataFrame:
    """Return the roles of those who are among the enrolled."""
    return roles.join(enrollments, left_on="user", right_on="userSourcedId", how="semi")


CELLS = {
    "phone": Cell(column="own_phone column"),
    "birth_date": Cell("demographics.csv", line="birthDate line", name="birthDate"),
}
_NAMES = {"first_name": "givenName", "last_name": "familyName"}
_CONTACTS = {"email": "own_email", "phone": "own_phone"}
_OWN_CONTACTS = {"email": "email", "phone": "phone"}
GUARDIANS_SOURCE = Source(
    "users.csv",
    "guardians",
    {"guardian_id": "sourcedId", **_NAMES, **_CONTACTS},
    own=_OWN_CONTACTS,
    sheet="guardians",
    cells=CELLS,
)
AGENTS_SOURCE = Source(
    "users.csv",
    "guardianships",
    {"student_id": "student", "guardian_id": "guardian", "relationship": "relationship"},
    own={"student_id": "agentSourcedIds", "guardian_id": "agentSourcedIds", "relationship": "role"},
    sheet="agents",
)
"""This and `GUARDIANS_SOURCE`: guardians of OneRoster, for the sheets of `guardians`."""


def sources(
    *,
    schools: Schools,
    class_school: str,
    roles: tuple[str, str, str],
    grade: str,
    cells: dict[str, Cell],
) -> tuple[Source, ...]:
    """Return the sources of all but guardians, for sheets as `people` gives them.

    `roles`: the file that states roles, and its columns for person and organisation. `grade`: what findings show for
    the derived grade. `cells`: where else the values of people stand.
    """
    file, user, org = roles
    return (
        Source("orgs.csv", "schools", {"school_id": "sourcedId", "name": "name"}, where=schools.may_be),
        Source(
            "users.csv",
            "teachers",
            {"teacher_id": "sourcedId", **_NAMES, **_CONTACTS},
            own=_OWN_CONTACTS,
            sheet="teachers",
            needed=("email",),
            cells=cells,
        ),
        Source(
            "users.csv",
            "students",
            {"student_id": "sourcedId", **_NAMES, "grade": "own_grade", "birth_date": "birthDate", **_CONTACTS},
            own={**_OWN_CONTACTS, "grade": grade, "birth_date": "birthDate (demographics.csv)"},
            sheet="students",
            joined={"birth_date": "demographics.csv"},
            cells=cells,
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
