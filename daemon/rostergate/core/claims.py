"""Claims: what the files say, in canonical columns, row by row, before anything is believed.

Claims still hold repeated rows, references to nothing and cells that make no sense; each row knows the file and line
it came from. The rules look at claims; the snapshot is what is left when the rows they leave out are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from rostergate.core.cells import Places
    from rostergate.core.problem import Problem
    from rostergate.core.references import Reference

CLAIMED: dict[str, tuple[str, ...]] = {
    "schools": ("school_id", "name"),
    "teachers": ("teacher_id", "first_name", "last_name", "email", "phone"),
    "students": ("student_id", "first_name", "last_name", "grade", "birth_date", "email", "phone"),
    "guardians": ("guardian_id", "first_name", "last_name", "email", "phone"),
    "classes": ("school_id", "class_id", "name"),
    "teacher_schools": ("school_id", "teacher_id"),
    "student_schools": ("school_id", "student_id"),
    "guardianships": ("student_id", "guardian_id", "relationship", "contact_type"),
    "class_teachers": ("class_id", "teacher_id"),
    "enrollments": ("school_id", "class_id", "student_id"),
}
"""Canonical columns of each claimed table. Ties that a file does not place in a school get their school later, from the
class or the student; `enrollments.school_id` is null where the format does not state it."""

FILE: Final = pl.Categorical(pl.Categories("file", physical=pl.UInt8))
"""The type of a column `file`: one byte for each row, of which there may be millions. A format has a few files."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claimed tables of one delivery."""

    tables: dict[str, pl.DataFrame]
    """Every table of `CLAIMED`: its columns (`pl.String`), `file` (`FILE`) and `line` (`pl.UInt32`)."""
    columns: dict[tuple[str, str, str], str]
    """(file, table, canonical column) -> the file's own column name, for findings."""
    absent: frozenset[str] = frozenset()
    """Canonical tables, and columns of them (`students.birth_date`), whose optional file did not come: what the
    roster has of them stays untouched."""
    places: dict[tuple[str, str, str], Places] = field(default_factory=dict, repr=False)
    """The same -> where values stand that are not in the row's own column, see `cells`."""
    problems: tuple[Problem, ...] = ()
    """What was found on the way to the claims."""
    lost: dict[str, pl.DataFrame] = field(default_factory=dict, repr=False)
    """By table, the rows left out so far: only in what rules of stage `USABLE` see that may leave out or blank more."""
    strays: dict[Reference, pl.DataFrame] = field(default_factory=dict, repr=False, compare=False)
    """What refers to nothing, as far as `references.strays` has looked; true as long as no table loses rows."""
