"""What a row has to have: the cells without which it makes nothing, and how long they may be.

Both follow from the declaration of a format. Ids are not judged here: a missing key is a format error of `layout`, an
unknown one is found by the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.layout import CLASS_NAME_CHARS_MAX, SCHOOL_NAME_CHARS_MAX
from rostergate.core.problem import Effect, Problem
from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from rostergate.core.claims import Claims
    from rostergate.core.layout import Format

TEACHER_EMAIL_MISSING = Code(
    "teacher-email-missing",
    Severity.ERROR,
    "The teacher has no e-mail address, so no account can be made.",
    "Fill in the teacher's e-mail address in the SIS.",
)
NAME_MISSING = Code(
    "name-missing",
    Severity.ERROR,
    "The name is missing: the row, and what belongs to it, cannot be used.",
    "Fill in the name in the SIS.",
)
CLASS_SCHOOL_MISSING = Code(
    "class-school-missing",
    Severity.ERROR,
    "The class has no school, so it cannot be made.",
    "Fill in the school of the class in the SIS, or leave the class out of the export.",
)
CLASS_NAME_TOO_LONG = Code(
    "class-name-too-long",
    Severity.ERROR,
    "The name of the class is too long, so the class cannot be made.",
    f"Shorten the name of the class in the SIS to at most {CLASS_NAME_CHARS_MAX} characters.",
)
SCHOOL_NAME_TOO_LONG = Code(
    "school-name-too-long",
    Severity.ERROR,
    "The name of the school is too long: the school, and everything in it, cannot be used.",
    f"Shorten the name of the school in the SIS to at most {SCHOOL_NAME_CHARS_MAX} characters.",
)

CODES = (TEACHER_EMAIL_MISSING, NAME_MISSING, CLASS_SCHOOL_MISSING, CLASS_NAME_TOO_LONG, SCHOOL_NAME_TOO_LONG)

_NEEDED = {
    ("teachers", "email"): TEACHER_EMAIL_MISSING,
    ("classes", "school_id"): CLASS_SCHOOL_MISSING,
    **{
        (table.name, column): NAME_MISSING
        for table in TABLES.values()
        for column in table.values
        if column in ("name", "first_name", "last_name")
    },
}
_TOO_LONG = {("classes", "name"): CLASS_NAME_TOO_LONG, ("schools", "name"): SCHOOL_NAME_TOO_LONG}


def problems(fmt: Format, claims: Claims) -> list[Problem]:
    """Return the rows that lack a required value, or have one that is too long or not listed. They make nothing."""
    found = [*claims.problems]
    for source in fmt.sources:
        declared = {column.name: column for column in fmt.file(source.file).columns}
        stated = claims.tables[source.table].filter(pl.col("file") == source.file)
        for canonical, name in source.columns.items():
            where, cell = (source.table, canonical), pl.col(canonical)
            column = declared.get(source.own.get(canonical, name))
            if canonical in source.needed or (column and column.required and not column.key):
                rows = stated.filter(cell.is_null()).select("file", "line")
                found.append(Problem(_NEEDED[where], source.table, canonical, rows, Effect.LEAVE_OUT))
            if column and column.chars_max is not None:
                rows = stated.filter(cell.str.len_chars() > column.chars_max).select("file", "line")
                found.append(Problem(_TOO_LONG[where], source.table, canonical, rows, Effect.LEAVE_OUT))
    return [problem for problem in found if not problem.rows.is_empty()]
