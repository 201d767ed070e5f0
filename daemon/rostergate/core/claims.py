"""Claims: what the files say, in canonical columns, row by row, before anything is believed.

Claims still hold repeated rows, references to nothing and cells that make no sense; each row knows the file and line
it came from. The rules look at claims; the snapshot is what is left when the rows they leave out are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.core.problem import Problem

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
class Places:
    """Where the values of one claimed column stand, as far as not in the row's own column."""

    file: str | None
    rows: pl.DataFrame
    """`line` (of the claim), `cell` (as `cells.marked` has it), `own_line` (`pl.UInt32`, in `file`, null for the same
    row) and `own_column` (`pl.String`, null as declared)."""


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
    """By table, the rows left out so far: in what rules of stage `USABLE` see."""
    seen: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)
    """What has been looked up in the tables, see `once`; true as long as none of them loses rows."""

    def with_lost(self, table: str) -> pl.DataFrame:
        """Return every row of a table, those that can be used first."""
        usable, lost = self.tables[table], self.lost.get(table)
        return usable if lost is None else pl.concat([usable, lost])


P = ParamSpec("P")
Result = TypeVar("Result")


def once(look: Callable[Concatenate[Claims, P], Result]) -> Callable[Concatenate[Claims, P], Result]:
    """Look something up once for claims that have the same rows and ids; several ask."""

    @wraps(look)
    def looked_up(claims: Claims, /, *args: P.args, **kwargs: P.kwargs) -> Result:
        asked = (look, *args, *kwargs.items())
        if asked not in claims.seen:
            claims.seen[asked] = look(claims, *args, **kwargs)
        found: Result = claims.seen[asked]
        return found

    return looked_up
