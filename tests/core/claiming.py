"""Claims for tests, from as little as a test wants to say about them."""

from __future__ import annotations

import pkgutil
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core import rules
from rostergate.core.claims import CLAIMED, FILE, Claims

if TYPE_CHECKING:
    from rostergate.core.problem import Effect, Problem
    from rostergate.core.rule import Rule

FILES = {
    "schools": "schools.csv",
    "teachers": "teachers.csv",
    "students": "students.csv",
    "guardians": "guardians.csv",
    "classes": "classes.csv",
    "teacher_schools": "teachers.csv",
    "student_schools": "students.csv",
    "guardianships": "guardians.csv",
    "class_teachers": "classes.csv",
    "enrollments": "enrollments.csv",
}
"""The file that feeds a table unless a row names another."""

Row = Mapping[str, str | int | None]

NAMES = {("schools", "name"): "school_name", ("classes", "name"): "class_name"}
"""Columns that the files call otherwise than the claims do."""


def claims(
    *, absent: Collection[str] = (), without: Collection[tuple[str, str]] = (), **tables: Sequence[Row]
) -> Claims:
    """Build claims from rows by table. Columns not named are null; `file` defaults to `FILES`, `line` counts from 2.

    `without` names (table, column) pairs that the format does not have.
    """
    frames = {table: _frame(table, tables.pop(table, ())) for table in CLAIMED}
    assert not tables, f"no such claimed table: {sorted(tables)}"
    places = {(file, table) for table, frame in frames.items() for file in {FILES[table], *frame["file"].to_list()}}
    columns = {
        (file, table, column): NAMES.get((table, column), column)
        for file, table in places
        for column in CLAIMED[table]
        if (table, column) not in without
    }
    return Claims(frames, columns, frozenset(absent))


def _frame(table: str, rows: Sequence[Row]) -> pl.DataFrame:
    schema: dict[str, type[pl.DataType]] = dict.fromkeys(CLAIMED[table], pl.String)
    unknown = {column for row in rows for column in row} - {*schema, "file", "line"}
    assert not unknown, f"{table} has no column {sorted(unknown)}"
    full = [{"file": FILES[table], "line": number, **row} for number, row in enumerate(rows, start=2)]
    return pl.DataFrame(full, schema={**schema, "file": FILE, "line": pl.UInt32})


def lines(problems: Collection[Problem]) -> set[tuple[str, str | None, str, int]]:
    """Return (table, column, file, line) of everything that the problems concern."""
    return {
        (problem.table, problem.column, file, line)
        for problem in problems
        for file, line in problem.rows.select("file", "line").iter_rows()
    }


def effects(problems: Collection[Problem]) -> set[Effect]:
    """Return the effects of the problems that concern any row."""
    return {problem.effect for problem in problems if len(problem.rows)}


def rule_set() -> tuple[Rule, ...]:
    """Return every rule of `rostergate.core.rules`, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(rules.__path__))
    return tuple(import_module(f"{rules.__name__}.{name}").RULE for name in names)


def sound(**more: Sequence[Row]) -> Claims:
    """Build claims in which nothing is wrong: one school with one of everything. `more` adds rows by table."""
    rows: dict[str, list[Row]] = {
        "schools": [{"school_id": "1", "name": "Lincoln"}],
        "teachers": [{"teacher_id": "t", "last_name": "Hill", "email": "t@school.org"}],
        "teacher_schools": [{"school_id": "1", "teacher_id": "t"}],
        "students": [{"student_id": "s", "last_name": "Dale", "birth_date": "2012-03-04"}],
        "student_schools": [{"school_id": "1", "student_id": "s"}],
        "guardians": [{"guardian_id": "g", "last_name": "Dale", "email": "g@home.org"}],
        "guardianships": [{"student_id": "s", "guardian_id": "g", "relationship": "mother"}],
        "classes": [{"school_id": "1", "class_id": "c", "name": "Algebra"}],
        "class_teachers": [{"class_id": "c", "teacher_id": "t"}],
        "enrollments": [{"class_id": "c", "student_id": "s"}],
    }
    return claims(**{table: [*some, *more.get(table, ())] for table, some in rows.items()})
