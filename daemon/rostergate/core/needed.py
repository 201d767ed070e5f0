"""What a row has to have: the cells without which it makes nothing, and how long they may be.

Both follow from the declaration of a format. Ids are not judged here: a missing key is a format error of `layout`, an
unknown one is found by the rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.declaration import CLASS_NAME_CHARS_MAX, SCHOOL_NAME_CHARS_MAX
from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims
    from rostergate.core.declaration import File, Format, Source

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
    found = [problem for problem in claims.problems if not problem.rows.is_empty()]
    for source in fmt.sources:
        table = claims.tables[source.table]
        wrongs = [
            (code, canonical, (pl.col("file") == source.file) & wrong)
            for code, canonical, wrong in _wrongs(source, fmt.file(source.file))
        ]
        # One look at all of them: as usual there is none.
        looks = [wrong.any().alias(str(place)) for place, (_, _, wrong) in enumerate(wrongs)]
        there = table.select(looks).row(0) if looks else ()
        for (code, canonical, wrong), is_there in zip(wrongs, there, strict=True):
            if is_there:
                rows = table.filter(wrong).select("file", "line")
                found.append(Problem(code, source.table, canonical, rows, Effect.LEAVE_OUT))
    return found


def _wrongs(source: Source, file: File) -> Iterator[tuple[Code, str, pl.Expr]]:
    """Yield what may be wrong with the cells of a source: the code, the canonical column, and the condition."""
    declared = {column.name: column for column in file.columns}
    for canonical, name in source.columns.items():
        where, cell = (source.table, canonical), pl.col(canonical)
        column = declared.get(source.own.get(canonical, name))
        if canonical in source.needed or (column and column.required and not column.key):
            yield _NEEDED[where], canonical, cell.is_null()
        if column and column.chars_max is not None:
            yield _TOO_LONG[where], canonical, cell.str.len_chars() > column.chars_max
