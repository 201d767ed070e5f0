"""The difference between the roster and what it should be, school by school, and what applying it makes.

Rule 1: the changes of one school are self-contained. Every tie that they add finds its person among them or already
tied to that school, so that any choice of schools can be applied, in any order, and leaves a sound roster.
Rule 2: a person who is added or updated appears at every school that will have them, a person who is removed at every
school that had them. A person leaves the roster with the last tie, not with the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.plan import ACTION, Action
from rostergate.core.roster import PEOPLE, TABLES, Frames, Table, schema
from rostergate.core.rows import first_rows, in_both
from rostergate.core.target import ties
from rostergate.core.verdict import Totals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def compare(before: Frames, after: Frames) -> Frames:
    """Return, for every canonical table, the rows that differ, with `action`: added, updated or removed.

    Rows are told apart by key; absent cells are equal to each other. Removed rows have the values of `before`.
    """
    return {name: _compared(table, before[name], after[name]) for name, table in TABLES.items()}


def counted(rows: Frames, after: Frames) -> dict[str, Totals]:
    """Count the rows of `compare`; what of `after` is neither added nor updated is unchanged."""
    return {name: _totals(rows[name]["action"], after[name].height) for name in TABLES}


def placed(rows: Frames, before: Frames, after: Frames) -> Frames:
    """Return the rows of `compare` once for each school concerned, named as `place`; adds people's `kept` rows."""
    return {
        name: _placed(table, rows, before, after)
        .rename({"school_id": "place"})
        .select(*table.columns, "action", "place")
        if table.of_people
        else rows[name].with_columns(place=pl.col("school_id"))
        for name, table in TABLES.items()
    }


def gathered(plans: Mapping[str, Frames], table: str) -> pl.DataFrame | None:
    """Put what schools, by school id, change of a table together again, as `placed` has it; None without rows."""
    parts = {school_id: changes[table] for school_id, changes in plans.items() if table in changes}
    if not parts:
        return None
    places = pl.DataFrame({"place": list(parts), "times": [part.height for part in parts.values()]})
    place = places.select(pl.col("place").repeat_by("times").explode()).to_series()
    return pl.concat(parts.values()).with_columns(place)


def shared(rows: Frames) -> dict[str, Frames]:
    """Share the rows of `placed`, which is empty afterwards, among their schools. Only schools with rows.

    What each gets is a slice of one table, so that nothing is copied when they are put together again.
    """
    schools: dict[str, Frames] = {}
    for name in list(rows):  # each table is let go of as soon as it is shared: the largest may have a gigabyte
        whole = _side_by_side(rows.pop(name))
        runs, cells, start = whole["place"].rle().struct.unnest(), whole.drop("place"), 0
        for height, school_id in runs.iter_rows():
            schools.setdefault(school_id, {})[name] = cells[start : start + height]
            start += height
    return schools


def _side_by_side(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with those of each school together."""
    runs = rows["place"].rle().struct.field("value")
    if runs.n_unique() == len(runs):
        return rows
    return rows[rows["place"].cast(pl.Categorical).to_physical().arg_sort()]


def merged(changes: Iterable[Frames]) -> Frames:
    """Return the changes of several schools as one: every canonical table, people unique by key and action.

    Plans of one delivery agree on a person whom several of them carry, so the first one's row stands for all.
    """
    plans = list(changes)
    return {name: merged_rows(table, plans) for name, table in TABLES.items()}


def merged_rows(table: Table, changes: Iterable[Frames]) -> pl.DataFrame:
    """Return what `merged` does of one table."""
    nothing = pl.DataFrame(schema={**schema(table), "action": ACTION})
    rows = pl.concat([nothing, *(one[table.name] for one in changes if table.name in one)])
    return first_rows(rows, [*table.key, "action"]) if table.of_people else rows


def apply(roster: Frames, changes: Iterable[Frames]) -> Frames:
    """Return the roster after the changes of some schools: the pure mirror of what the store does with a plan.

    Rows are added or take their new values, ties go, then people without any tie go.
    """
    for plan in changes:
        roster = {name: _applied(table, roster[name], plan.get(name)) for name, table in TABLES.items()}
        for person in PEOPLE:
            roster[person.name] = roster[person.name].join(ties(roster, person), on=person.key, how="semi")
    return roster


def _compared(table: Table, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    before, after = before[[*table.columns]], after[[*table.columns]]
    if before.is_empty():
        return _with(Action.ADDED, after)
    stayed, remained = in_both(before, after)
    if stayed.all() and remained.all():
        return _with(Action.ADDED, after.clear())
    old, new = before.filter(~stayed), after.filter(~remained)  # keys are unique: a key in both has other values
    added, updated = new.join(old, on=table.key, how="anti"), new.join(old, on=table.key, how="semi")
    gone = old.join(new, on=table.key, how="anti")
    return pl.concat([_with(Action.ADDED, added), _with(Action.UPDATED, updated), _with(Action.REMOVED, gone)])


def _with(action: Action, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(action=pl.lit(action.value, ACTION))


def _totals(actions: pl.Series, after: int) -> Totals:
    added, updated, removed = (
        int((actions == action.value).sum()) for action in (Action.ADDED, Action.UPDATED, Action.REMOVED)
    )
    return Totals(added, updated, removed, unchanged=after - added - updated)


def _placed(table: Table, rows: Frames, before: Frames, after: Frames) -> pl.DataFrame:
    """Return the rows of a table of people with `school_id`: once for every school concerned."""
    changed = rows[table.name]
    stays = pl.col("action") != Action.REMOVED.value
    made, gone = changed.filter(stays), changed.filter(~stays)
    added = {tie: rows[tie].filter(pl.col("action") == Action.ADDED.value) for tie in table.tied_by}
    others = ties(added, table).join(changed, on=table.key, how="anti")
    kept = after[table.name].join(others, on=table.key, how="semi")
    return pl.concat(
        [
            made.join(ties(after, table, made), on=table.key),
            gone.join(ties(before, table, gone), on=table.key),
            _with(Action.KEPT, kept).join(others, on=table.key),
        ]
    )


def _applied(table: Table, rows: pl.DataFrame, changes: pl.DataFrame | None) -> pl.DataFrame:
    if changes is None:
        return rows
    action = pl.col("action")
    made = changes.filter(action.is_in([Action.ADDED.value, Action.UPDATED.value]))
    again = changes.filter(action == Action.KEPT.value).join(rows, on=table.key, how="anti")
    over = made if table.of_people else changes  # people go with their last tie, see `apply`
    stay = rows.join(over, on=table.key, how="anti")
    return pl.concat(part.select(table.columns) for part in (stay, made, again))
