"""Small rosters for tests: made by hand, and made at random."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import polars as pl
from hypothesis import strategies as st

from rostergate.core.diff import compare, placed, shared
from rostergate.core.roster import TABLES, Frames, schema
from rostergate.core.target import target

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from rostergate.core.snapshot import Snapshot

T = TypeVar("T")

SCHOOLS = ("A", "B", "C")
TEACHERS = ("t1", "t2")
STUDENTS = ("s1", "s2", "s3")
GUARDIANS = ("g1", "g2")
CLASSES = ("c1", "c2")


def frames(**tables: Iterable[Iterable[str | None]]) -> Frames:
    """Return a roster from rows by table; a row may stop before its last columns, which are null then."""
    made = {}
    for name, table in TABLES.items():
        width = len(table.columns)
        rows = [(*row, *[None] * (width - len(tuple(row)))) for row in map(tuple, tables.get(name, ()))]
        made[name] = pl.DataFrame(rows, schema=schema(table), orient="row")
    return made


def diff(roster: Frames, snapshot: Snapshot) -> dict[str, Frames]:
    """Return, by school id, the changes of every school that has any, as `Plan.changes` describes them."""
    after = target(roster, snapshot)
    return shared(placed(compare(roster, after), roster, after))


def same(one: Frames, other: Frames) -> bool:
    """Tell whether two rosters have the same rows, in any order."""
    return all(_rows(one[name]) == _rows(other[name]) for name in TABLES)


def _rows(frame: pl.DataFrame) -> list[tuple[str, ...]]:
    return sorted(tuple("-" if cell is None else f"={cell}" for cell in row) for row in frame.iter_rows())


def at_random(random: Random) -> Frames:
    """Return a small sound roster: three schools at most, every tie with its ends, every person with a tie."""
    schools = _some(random, SCHOOLS)
    teacher_schools = _some(random, [(school, one) for school in schools for one in TEACHERS])
    student_schools = _some(random, [(school, one) for school in schools for one in STUDENTS])
    classes = _some(random, [(school, one) for school in schools for one in CLASSES])
    class_teachers = _some(random, [(s, c, t) for s, c in classes for other, t in teacher_schools if s == other])
    enrollments = _some(random, [(s, c, p) for s, c in classes for other, p in student_schools if s == other])
    pairs = _some(random, [(student, one) for student in STUDENTS for one in GUARDIANS])
    guardianships = [(s, p, g) for s, p in student_schools for other, g in pairs if p == other]
    return frames(
        schools=[(one, _value(random)) for one in schools],
        teachers=[(one, _value(random)) for one in sorted({one for _, one in teacher_schools})],
        students=[(one, _value(random), _value(random)) for one in sorted({one for _, one in student_schools})],
        guardians=[(one, _value(random)) for one in sorted({one for _, _, one in guardianships})],
        classes=[(*one, _value(random)) for one in classes],
        teacher_schools=teacher_schools,
        student_schools=student_schools,
        guardianships=[(*one, _value(random)) for one in guardianships],
        class_teachers=class_teachers,
        enrollments=enrollments,
    )


rosters = st.randoms(use_true_random=False).map(at_random)
"""Small sound rosters."""


def _some(random: Random, choices: Iterable[T]) -> list[T]:
    few = random.choice((1, 2, 3, 4))
    return [one for one in choices if random.randrange(4) < few]


def _value(random: Random) -> str | None:
    return random.choice((None, "x", "y", "z"))
