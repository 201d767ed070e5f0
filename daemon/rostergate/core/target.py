"""The target: what the roster should be once a delivery is applied, which is the snapshot and whatever stays.

Rule 1: a roster row that the files mention but that could not be used stays as it is, and so does what it refers to.
Rule 2: a mentioned person with no tie left keeps the ties that the roster has, for nobody stays without one.
Rule 3: where an optional file did not come, its rows stay as far as what they refer to is still there. Guardians
follow their student: they are tied to every school the student is in now, and to no other.
Rule 4: where an optional file did not come that only fills a column, everybody keeps what the roster has in it.
Rule 5: a guardian whom the files name stays tied in every school in which rule 1 or 2 keeps their student.
Rule 6: the target never has a tie to nothing, nor a person without a tie. If it would, nothing is decided.
"""

from __future__ import annotations

import polars as pl

from rostergate.core.roster import PEOPLE, TABLES, Frames, Table
from rostergate.core.rows import SECOND_LOOK, first_rows, unmet
from rostergate.core.snapshot import MENTIONED, Snapshot

NEEDS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "classes": (("schools", ("school_id",)),),
    "teacher_schools": (("teachers", ("teacher_id",)), ("schools", ("school_id",))),
    "student_schools": (("students", ("student_id",)), ("schools", ("school_id",))),
    "guardianships": (("guardians", ("guardian_id",)), ("student_schools", ("school_id", "student_id"))),
    "class_teachers": (("classes", ("school_id", "class_id")), ("teacher_schools", ("school_id", "teacher_id"))),
    "enrollments": (("classes", ("school_id", "class_id")), ("student_schools", ("school_id", "student_id"))),
}
"""Table -> what each of its rows needs: (table referred to, columns that both have)."""


def target(roster: Frames, snapshot: Snapshot) -> Frames:
    """Return the canonical tables as they should be; row order is not defined.

    `roster` and `snapshot.tables` have every canonical table. Raises `AssertionError` when the result would have a
    tie to nothing: then the snapshot was not one.
    """
    after = {name: snapshot.tables[name][[*table.columns]] for name, table in TABLES.items()}
    if snapshot.absent or any(keys.height for keys in snapshot.mentioned.values()):
        gone = {name: roster[name].join(after[name], on=table.key, how="anti") for name, table in TABLES.items()}
        _add(after, _mentioned(gone, snapshot.mentioned))
        _add(after, {"guardianships": _beside_students(gone["guardianships"], after)})
        _rest(after, roster, snapshot.absent)
        _keep_columns(after, roster, snapshot.absent)
    for person in PEOPLE:
        tied = pl.concat(after[tie].select(person.key) for tie in person.tied_by)
        if len(unmet(after[person.name], tied, person.key)):
            after[person.name] = after[person.name].join(tied, on=person.key, how="semi")
    if missing := orphans(after):
        raise AssertionError(f"ties to nothing: {missing}")
    return after


def ties(frames: Frames, person: Table, people: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return who is tied to which school: `school_id` and the key of that table of people, unique.

    Of everybody, or of the `people` alone, which has the key.
    """
    on = ["school_id", *person.key]
    tied = pl.concat(frames[tie].select(on) for tie in person.tied_by)
    return first_rows(tied if people is None else tied.join(people, on=person.key, how="semi"), on)


def orphans(frames: Frames) -> dict[str, int]:
    """Count, by table, the rows that refer to nothing; only tables that have any."""
    found = {
        name: sum(unmet(frames[name], frames[other], on, seed=SECOND_LOOK).height for other, on in needs)
        for name, needs in NEEDS.items()
    }
    return {name: count for name, count in found.items() if count}


def _add(after: Frames, rows: Frames) -> None:
    """Put rows into the tables, save those whose key is there already."""
    for name, frame in rows.items():
        fresh = frame.join(after[name], on=TABLES[name].key, how="anti")
        after[name] = pl.concat([after[name], fresh]) if fresh.height else after[name]


def _mentioned(gone: Frames, mentioned: Frames) -> Frames:
    """Return which of the rows that are gone stay because the files mention them, and what those rows refer to."""
    stays = {name: _matching(gone[name], mentioned.get(name), MENTIONED[name]) for name in TABLES}
    for name, table in reversed(TABLES.items()):  # what refers comes before what is referred to
        for person in PEOPLE:
            if name in person.tied_by:
                untied = stays[person.name].join(stays[name], on=person.key, how="anti")
                stays[name] = _united(table, stays[name], _matching(gone[name], untied, person.key))
        for other, on in NEEDS.get(name, ()):
            stays[other] = _united(TABLES[other], stays[other], _matching(gone[other], stays[name], on))
    return stays


def _beside_students(gone: pl.DataFrame, after: Frames) -> pl.DataFrame:
    """Return the guardianships that are gone from a school only because no usable row puts their student there."""
    pairs = after["guardianships"].select("student_id", "guardian_id")
    return gone.join(after["student_schools"], on=("school_id", "student_id"), how="semi").join(
        pairs, on=("student_id", "guardian_id"), how="semi"
    )


def _matching(rows: pl.DataFrame, keys: pl.DataFrame | None, on: tuple[str, ...]) -> pl.DataFrame:
    if keys is None or not keys.height or not rows.height:
        return rows.clear()
    return rows.join(keys.select(pl.col(on).cast(pl.String)), on=on, how="semi")


def _united(table: Table, one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([one, other]).unique(table.key)


def _rest(after: Frames, roster: Frames, absent: frozenset[str]) -> None:
    """Let the rows of absent tables rest: what they refer to decides, in the order in which tables are written."""
    for name in TABLES:
        if name in absent:
            rows = _follow_students(roster[name], after) if name == "guardianships" else roster[name]
            for other, on in NEEDS.get(name, ()):
                rows = rows.join(after[other], on=on, how="semi")
            _add(after, {name: rows})


def _keep_columns(after: Frames, roster: Frames, absent: frozenset[str]) -> None:
    """Fill absent columns (`students.birth_date`) with what the roster has in them."""
    for name, _, column in (one.partition(".") for one in sorted(absent) if "." in one):
        kept = roster[name].select(*TABLES[name].key, kept=column)
        filled = after[name].join(kept, on=TABLES[name].key, how="left", maintain_order="left")
        after[name] = filled.with_columns(pl.coalesce(column, "kept").alias(column)).drop("kept")


def _follow_students(guardianships: pl.DataFrame, after: Frames) -> pl.DataFrame:
    """Tie each guardian to the schools their student is in now; a pair that is there already keeps its values."""
    pairs = guardianships.sort("school_id").unique(["student_id", "guardian_id"], keep="first")
    placed = pairs.drop("school_id").join(after["student_schools"], on="student_id").select(guardianships.columns)
    return pl.concat([guardianships, placed]).unique(TABLES["guardianships"].key, keep="first", maintain_order=True)
