"""Roles and types that the format does not list: told with what is allowed, and nobody leaves for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.sets import ONEROSTER_1_1, ONEROSTER_1_2, SDS_2_1, found, verdict
from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.plan import Action
from rostergate.core.policy import Policy
from rostergate.core.roster import empty

if TYPE_CHECKING:
    from rostergate.core.verdict import Verdict


def then(files: dict[str, str], changed: dict[str, str]) -> Verdict:
    """Decide about a set with changes, after the sound one was applied in full."""
    roster = apply(empty(), [plan.changes for plan in verdict(files).plans])
    later = {name: text.encode() for name, text in {**files, **changed}.items()}
    return decide(later, roster, Policy())


def removed(told: Verdict) -> set[str]:
    """Return the tables that would lose a row."""
    return {
        table
        for plan in told.plans
        for table, rows in plan.changes.items()
        if Action.REMOVED.value in rows["action"].to_list()
    }


UNLISTED: dict[str, tuple[dict[str, str], str, str, str, tuple[str, str, int]]] = {
    "a student, 1.1": (ONEROSTER_1_1, "users.csv", ",student,s1", ",Pupil,s1", ("users.csv", "role", 6)),
    "a student without a role, 1.1": (ONEROSTER_1_1, "users.csv", ",student,s1", ",,s1", ("users.csv", "role", 6)),
    "a student, 1.2": (ONEROSTER_1_2, "roles.csv", "s1,primary,student", "s1,primary,pupil", ("roles.csv", "role", 6)),
    "a student, SDS": (SDS_2_1, "roles.csv", "Student", "Pupil", ("roles.csv", "role", 5)),
    "a guardian, 1.2": (ONEROSTER_1_2, "roles.csv", "parent", "mother", ("roles.csv", "role", 9)),
    "a relationship, SDS": (
        SDS_2_1,
        "relationships.csv",
        "Parent",
        "Mother",
        ("relationships.csv", "relationshipRole", 2),
    ),
    "a school, 1.1": (ONEROSTER_1_1, "orgs.csv", "Adams,school", "Adams,high school", ("orgs.csv", "type", 4)),
    "a school, SDS": (SDS_2_1, "orgs.csv", "college", "lyceum", ("orgs.csv", "type", 4)),
    "an enrollment as a student, SDS": (
        SDS_2_1,
        "enrollments.csv",
        "c1,s1,student",
        "c1,s1,learner",
        ("enrollments.csv", "role", 4),
    ),
    "an enrollment of other staff as a teacher, SDS": (
        SDS_2_1,
        "enrollments.csv",
        "c2,p1,teacher",
        "c2,p1,lead",
        ("enrollments.csv", "role", 3),
    ),
    "an enrollment as a teacher, SDS": (
        SDS_2_1,
        "enrollments.csv",
        "c1,t1,teacher",
        "c1,t1,lead",
        ("enrollments.csv", "role", 2),
    ),
}


@pytest.mark.parametrize(("files", "file", "old", "new", "where"), UNLISTED.values(), ids=UNLISTED)
def test_what_the_roster_has_of_such_a_row_stays(
    files: dict[str, str], file: str, old: str, new: str, where: tuple[str, str, int]
) -> None:
    """The cell is told with the values that are allowed, and nothing is removed for it."""
    assert old in files[file]
    told = then(files, {file: files[file].replace(old, new, 1)})
    (unlisted,) = [one for one in told.findings if one.code == "unlisted-value"]
    assert (unlisted.file, unlisted.column, *unlisted.lines) == where
    assert f"`{where[1]}` has to be one of " in unlisted.message
    assert removed(told) == set()


def test_such_a_row_makes_nothing() -> None:
    """On a first delivery there is no student whose role is not known, nor a reference to them that is unknown."""
    files = {**SDS_2_1, "roles.csv": SDS_2_1["roles.csv"].replace("Student", "Pupil")}
    told = verdict(files)
    made = [plan.changes["students"]["student_id"].to_list() for plan in told.plans if "students" in plan.changes]
    assert [id_ for ids in made for id_ in ids] == ["s2"]
    assert [one.code for one in told.findings if one.severity == "error"] == ["unlisted-value"]


def test_a_teacher_of_a_class_may_be_called_anything() -> None:
    """Who is enrolled as the teacher of a class is its teacher; a role that is not listed is no fault then."""
    files = {**SDS_2_1, "roles.csv": SDS_2_1["roles.csv"].replace("professor", "maestro")}
    assert found(files) == []
    assert removed(then(SDS_2_1, {"roles.csv": files["roles.csv"]})) == set()


def test_values_of_ones_own_are_allowed_where_the_format_allows_them() -> None:
    """An extension of OneRoster's list makes nothing and is no fault."""
    roles = ONEROSTER_1_2["roles.csv"].replace("principal", "ext:registrar")
    assert "unlisted-value" not in {one[0] for one in found({**ONEROSTER_1_2, "roles.csv": roles})}
    roles = SDS_2_1["roles.csv"].replace("principal", "ext:registrar")
    users = SDS_2_1["enrollments.csv"].replace("c2,p1,teacher\n", "")
    assert ("unlisted-value", "roles.csv", "role", (4,)) in found(
        {**SDS_2_1, "roles.csv": roles, "enrollments.csv": users}
    )


def test_rows_that_are_marked_for_deletion_are_not_looked_at() -> None:
    """They make nothing, whatever they say."""
    row = "r9,tobedeleted,,g2,primary,whatever,,,,\n"
    assert found({**ONEROSTER_1_2, "roles.csv": ONEROSTER_1_2["roles.csv"] + row}) == found(ONEROSTER_1_2)
