"""Who of OneRoster and School Data Sync makes nothing, and which rows about one person do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core import values
from rostergate.core.claims import FILE
from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.rows import repeats
from rostergate.core.rules import conflicting_values, repeated_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.declaration import Sheets

SCHOOL_MISSING = Code(
    "school-missing",
    Severity.ERROR,
    "The person belongs to no school: the row names none, and the person is in no class, so it makes nothing.",
    "Give the person a school in the SIS, or a class. Until then the roster keeps what it has of the person.",
)
ROLE_MISSING = Code(
    "role-missing",
    Severity.ERROR,
    "The person has no role: no row of roles.csv is about them, so they are made nothing.",
    "Export a role for each person in the export, or leave the person out. Until then the roster keeps what it has.",
)
CODES = (SCHOOL_MISSING, ROLE_MISSING)


def with_roleless(roles: pl.DataFrame, roleless: pl.DataFrame) -> pl.DataFrame:
    """Add a row without organisation and role for each user without any, who may be anybody.

    `roles`: as `_oneroster.people` takes them. `roleless`: rows of users.csv.
    """
    return pl.concat([roles, roleless.select("line", user="sourcedId")], how="diagonal")


def without_role(sheets: Sheets, next_step: str | None = None) -> Problem:
    """Return the users of whom no row says what they are; `next_step` in place of the code's."""
    rows = _lines(sheets["without a role"], "users.csv")
    return Problem(ROLE_MISSING, "", "sourcedId", rows, Effect.LEAVE_OUT, next_step=next_step)


def problems(sheets: Sheets, *, roles: str, org: str) -> Iterator[Problem]:
    """Yield who has no school, by the file and column that would state it, and further birth dates of one person."""
    yield without_school(sheets, roles, org)
    yield from of_demographics(sheets["demographics.csv"], "sourcedId")


def without_school(sheets: Sheets, file: str, org: str) -> Problem:
    """Return the first row of each person whom `people` finds without a school."""
    return Problem(SCHOOL_MISSING, "", org, _lines(sheets["without a school"], file), Effect.LEAVE_OUT)


def of_demographics(rows: pl.DataFrame, user: str) -> Iterator[Problem]:
    """Yield the rows of demographics.csv that give a person another birth date, and those that say the same again."""
    stated = pl.col("birthDate")
    said = rows.filter(repeats(rows, [user])).with_columns(stated=pl.coalesce(values.iso_date(stated), stated))
    yield disagreeing(said, "demographics.csv", user, "birthDate", pl.col("stated"))
    again = said.filter(~pl.struct(user, "stated").is_first_distinct())
    yield Problem(repeated_row.CODE, "", None, _lines(again, "demographics.csv"))


def disagreeing(rows: pl.DataFrame, file: str, user: str, column: str, stated: pl.Expr) -> Problem:
    """Return the rows of a person that give another value than the first one, which is used.

    `stated`: the value, equal where two of them are spellings of one.
    """
    several = rows.filter(repeats(rows, [user])).with_columns(stated=stated)
    first = several.filter(pl.col(user).is_first_distinct()).select(user, first=pl.col("stated").fill_null(""))
    other = several.join(first, on=user, maintain_order="left").filter(pl.col("stated") != pl.col("first"))
    return Problem(conflicting_values.CODE, "", column, _lines(other, file))


def _lines(rows: pl.DataFrame, file: str) -> pl.DataFrame:
    return rows.select(pl.lit(file, FILE).alias("file"), "line")
