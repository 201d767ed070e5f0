"""The snapshot: what a delivery says the roster should be.

Rule 1: of several rows with one key the first counts, as a whole.
Rule 2: class ties and enrollments are placed in the school of their class, guardianships in each school of the student.
Rule 3: who teaches a class is a teacher of its school, whether or not a row says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.roster import TABLES, Frames, Table
from rostergate.core.rows import first_rows
from rostergate.core.seats import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rostergate.core.checking import Checked
    from rostergate.core.claims import Claims


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a delivery says, once the rows that cannot be used are left out.

    Applied, it makes the roster equal to `tables`, save for `mentioned` and `absent`.
    """

    tables: Frames
    """The canonical tables: unique by key, no row without what it refers to."""
    mentioned: Frames
    """Keys (columns as in `claims.CLAIMED`, keys only) of rows that are in the files but could not be used.
    They remove nothing: what the roster has of them stays, and so does what they refer to."""
    absent: frozenset[str] = frozenset()
    """Tables, and columns of them (`students.birth_date`), whose optional file did not come; they stay as they are."""
    implied: pl.DataFrame | None = None
    """Those of the mentioned `teacher_schools` that no row states: by rule 3 they follow from what cannot be used."""


MENTIONED: dict[str, tuple[str, ...]] = {
    "schools": ("school_id",),
    "teachers": ("teacher_id",),
    "students": ("student_id",),
    "guardians": ("guardian_id",),
    "classes": ("school_id", "class_id"),
    "teacher_schools": ("school_id", "teacher_id"),
    "student_schools": ("school_id", "student_id"),
    "guardianships": ("student_id", "guardian_id"),
    "class_teachers": ("class_id", "teacher_id"),
    "enrollments": ("class_id", "student_id"),
}
"""The key of each claimed table: what its rows state by themselves."""


def take(checked: Checked) -> Snapshot:
    """Return the snapshot of what can be used, and the keys of what cannot and is not in the snapshot anyway."""
    tables = _placed(checked.usable)
    implied = _implied(checked)
    return Snapshot(
        tables={name: _canonical(table, tables[name]) for name, table in TABLES.items()},
        mentioned=_mentioned(checked, tables, implied),
        absent=checked.usable.absent,
        implied=implied,
    )


def _placed(claims: Claims) -> Frames:
    """Return the claims with every tie placed in a school; rows may still repeat."""
    claimed = claims.tables
    place = _of_class(claimed["classes"])
    class_teachers = claimed["class_teachers"].join(place, on="class_id", maintain_order="left")
    tie = ("school_id", "teacher_id")
    return {
        **claimed,
        "teacher_schools": pl.concat([claimed["teacher_schools"].select(tie), class_teachers.select(tie)]),
        "guardianships": claimed["guardianships"].join(
            claimed["student_schools"].select("student_id", "school_id").unique(maintain_order=True),
            on="student_id",
            maintain_order="left_right",
        ),
        "class_teachers": class_teachers,
        "enrollments": claimed["enrollments"].with_columns(places(claims).alias("school_id")),
    }


def _implied(checked: Checked) -> pl.DataFrame:
    """Return the ties of teachers to schools that unusable class ties state by rule 3, and no unusable row does."""
    lost = checked.unusable
    classes = pl.concat([checked.usable.tables["classes"], lost["classes"]])
    ties = lost["class_teachers"].join(_of_class(classes), on="class_id").select(MENTIONED["teacher_schools"])
    return ties.join(lost["teacher_schools"], on=ties.columns, how="anti").unique()


def _mentioned(checked: Checked, tables: Frames, implied: pl.DataFrame) -> Frames:
    """Return the keys of unusable claims that no row of the snapshot has.

    By rule 3 a class tie states two things. Both stay as they are while it cannot be used.
    """
    lost = dict(checked.unusable)
    lost["teacher_schools"] = pl.concat([lost["teacher_schools"].select(implied.columns), implied])
    return {table: _unmade(lost[table].select(key), tables[table], key) for table, key in MENTIONED.items()}


def _unmade(lost: pl.DataFrame, made: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    if lost.is_empty():
        return lost
    return lost.unique(maintain_order=True).join(made.select(key), on=key, how="anti", maintain_order="left")


def _of_class(classes: pl.DataFrame) -> pl.DataFrame:
    """Return the school of each class id."""
    return first_rows(classes.select("class_id", "school_id"), ["class_id"])


def _canonical(table: Table, claimed: pl.DataFrame) -> pl.DataFrame:
    return first_rows(claimed[[*table.columns]], table.key)
