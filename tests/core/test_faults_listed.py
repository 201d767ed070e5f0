"""The faults that the plan of the house lists, one by one: where each is declared, and how far it reaches."""

from __future__ import annotations

from importlib import import_module

import pytest

from rostergate.core import catalogue
from rostergate.core.findings import Severity

RULES = "rules"
LISTED = {
    "missing-file": (Severity.FORMAT_ERROR, "layout"),
    "unexpected-file": (Severity.FORMAT_ERROR, "layout"),
    "empty-file": (Severity.FORMAT_ERROR, "sheet"),
    "archive": (Severity.FORMAT_ERROR, "reading"),
    "unreadable-encoding": (Severity.FORMAT_ERROR, "encodings"),
    "nul-byte": (Severity.FORMAT_ERROR, "encodings"),
    "missing-header": (Severity.FORMAT_ERROR, "header"),
    "header-mismatch": (Severity.FORMAT_ERROR, "header"),
    "duplicate-header": (Severity.FORMAT_ERROR, "sheet"),
    "wrong-column-count": (Severity.FORMAT_ERROR, "sheet"),
    "bad-quotes": (Severity.FORMAT_ERROR, "sheet"),
    "row-too-long": (Severity.FORMAT_ERROR, "sheet"),
    "missing-id": (Severity.FORMAT_ERROR, "layout"),
    "duplicate-school": (Severity.FORMAT_ERROR, "layout"),
    "spreadsheet-damage": (Severity.FORMAT_ERROR, "damage"),
    "teacher-email-missing": (Severity.ERROR, "needed"),
    "teacher-email-invalid": (Severity.ERROR, "values"),
    "contact-taken": (Severity.ERROR, RULES),
    "unknown-school": (Severity.ERROR, RULES),
    "unknown-teacher": (Severity.ERROR, RULES),
    "unknown-class": (Severity.ERROR, RULES),
    "unknown-student": (Severity.ERROR, RULES),
    "class-without-teacher": (Severity.ERROR, RULES),
    "student-not-in-school": (Severity.ERROR, RULES),
    "duplicate-class": (Severity.ERROR, RULES),
    "class-name-too-long": (Severity.ERROR, "needed"),
    "name-missing": (Severity.ERROR, "needed"),
    "student-unreachable": (Severity.ALERT, RULES),
    "guardian-unreachable": (Severity.ALERT, RULES),
    "email-invalid": (Severity.ALERT, "values"),
    "phone-invalid": (Severity.ALERT, "values"),
    "birth-date-missing": (Severity.ALERT, RULES),
    "birth-date-invalid": (Severity.ALERT, "values"),
    "grade-unknown": (Severity.ALERT, "values"),
    "class-without-students": (Severity.ALERT, RULES),
    "teacher-without-classes": (Severity.ALERT, RULES),
    "conflicting-values": (Severity.ALERT, RULES),
    "repeated-row": (Severity.ALERT, RULES),
}
"""Code -> its severity, and the room of the core that declares it: `rules`, a file each, or the `CODES` of a module."""


@pytest.mark.parametrize("code", LISTED)
def test_a_listed_fault_is_found_where_it_is_said_to_be(code: str) -> None:
    """Each code stands in its place, reaches as far as listed, and says what to do."""
    severity, place = LISTED[code]
    declared = catalogue.codes()[code]
    assert declared.severity is severity
    assert declared.title.endswith(".")
    assert declared.next_step.endswith(".")
    if place == RULES:
        assert catalogue.rules()[code].code is declared
    else:
        assert declared in import_module(f"rostergate.core.{place}").CODES
