from __future__ import annotations

from core.claiming import claims, lines
from rostergate.core.claims import CLAIMED
from rostergate.core.findings import Code, Severity
from rostergate.core.references import REFERENCES, unknown

CODE = Code("unknown", Severity.ERROR, "It is not there.", "Put it there.")


def test_references_name_claimed_columns() -> None:
    """Both ends of a reference exist, and no id column of a tie is forgotten."""
    for one in REFERENCES:
        assert one.column in CLAIMED[one.table]
        assert one.column in CLAIMED[one.to]
    owned = {("schools", "school_id"), ("classes", "class_id")}
    owned |= {(f"{role}s", f"{role}_id") for role in ("teacher", "student", "guardian")}
    ids = {(table, column) for table, columns in CLAIMED.items() for column in columns if column.endswith("_id")}
    assert {(one.table, one.column) for one in REFERENCES} == ids - owned


def test_only_references_to_the_table_asked_for_are_looked_at() -> None:
    """A row with two unmet references is reported for the one that was asked for."""
    claimed = claims(enrollments=[{"class_id": "c", "student_id": "s"}])
    assert lines(list(unknown(claimed, CODE, to="students"))) == {("enrollments", "student_id", "enrollments.csv", 2)}
    assert lines(list(unknown(claimed, CODE, to="teachers"))) == set()
