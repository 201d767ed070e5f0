"""The undo: the roster as it would be if one delivery had not changed it, and the plans that lead there.

Rule 1: only what the delivery changed, and what is still as it left it, is put back. A row that was changed again since
is left alone, for whoever changed it knew more.
Rule 2: what the delivery added stays where something that stays refers to it; what it removed returns only where all
that it refers to is there. People come with their first tie and go with their last one, as ever.
Rule 3: the result is planned, and held, like any delivery; so nothing of a school that is not rostered is put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.decide import planned
from rostergate.core.diff import apply, compare
from rostergate.core.plan import Action
from rostergate.core.roster import PEOPLE, TABLES, Frames
from rostergate.core.snapshot import Snapshot
from rostergate.core.target import NEEDS, ties
from rostergate.core.verdict import Outcome, Totals, Verdict

if TYPE_CHECKING:
    from rostergate.core.plan import Plan
    from rostergate.core.policy import Policy
    from rostergate.core.roster import Table


@dataclass(frozen=True, slots=True)
class Undo:
    """What an undo comes to."""

    verdict: Verdict
    """Accepted, without files and findings; plans only of schools that change."""
    left: dict[str, int]
    """Rows that the delivery changed and the undo leaves alone, by canonical table; only tables that have any."""


def undo(now: Frames, before: Frames, after: Frames, policy: Policy, school_id: str | None = None) -> Undo:
    """Work out how to undo a delivery, for the whole district or one school.

    `now`: the roster. `before`, `after`: the roster that the delivery found and left; rows that both have, and `now`
    has too, may be missing from both. Raises `AssertionError` when one of them is not sound.
    """
    wanted = target(now, before, after, school_id)
    plans, totals = planned(now, Snapshot(wanted, {}), policy, is_undo=True)
    chosen = tuple(plan for plan in plans if plan.changes and school_id in {None, plan.school_id})
    if school_id is not None:
        totals = _totals(now, chosen)
    if school_id is not None or policy.deselected:
        wanted = apply(now, [plan.changes for plan in chosen])  # a person's change may belong to other schools alone
    verdict = Verdict(None, Outcome.ACCEPTED, (), (), chosen, totals)
    return Undo(verdict, _left(wanted, before, after, school_id))


def target(now: Frames, before: Frames, after: Frames, school_id: str | None = None) -> Frames:
    """Return the roster as it should be once a delivery is undone: every canonical table; the order is not defined."""
    rows = _concerned(compare(before, after), now, before, after, school_id)
    added = {name: _as_left(TABLES[name], frame, Action.ADDED, now[name]) for name, frame in rows.items()}
    stays = {name: now[name].join(added[name], on=table.key, how="anti") for name, table in TABLES.items()}
    _keep_what_is_needed(stays, added)
    wanted: Frames = {}
    for name, table in TABLES.items():  # what is referred to comes before what refers to it
        updated = _as_left(table, rows[name], Action.UPDATED, now[name])
        restored = before[name].join(updated, on=table.key, how="semi")
        there = stays[name].join(restored, on=table.key, how="anti")
        returning = _returning(table, rows[name], before[name], now[name])
        for other, on in NEEDS.get(name, ()):
            returning = returning.join(wanted[other], on=on, how="semi")
        wanted[name] = pl.concat(part.select(table.columns) for part in (there, restored, returning))
    for person in PEOPLE:
        wanted[person.name] = wanted[person.name].join(ties(wanted, person), on=person.key, how="semi")
    return wanted


def _concerned(rows: Frames, now: Frames, before: Frames, after: Frames, school_id: str | None) -> Frames:
    """Return those of the rows that belong to a school; people belong to those they are, or were, tied to."""
    if school_id is None:
        return rows
    of_school = pl.col("school_id") == school_id
    chosen = {}
    for name, table in TABLES.items():
        if table.of_people:
            tied = pl.concat(ties(frames, table).filter(of_school) for frames in (now, before, after))
            chosen[name] = rows[name].join(tied, on=table.key, how="semi")
        else:
            chosen[name] = rows[name].filter(of_school)
    return chosen


def _as_left(table: Table, rows: pl.DataFrame, action: Action, roster: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of an action that the roster still has as the delivery left them."""
    chosen = rows.filter(pl.col("action") == action.value)
    if chosen.is_empty():
        return chosen.select(table.columns)
    return chosen.select(table.columns).join(roster, on=table.columns, how="semi", nulls_equal=bool(table.values))


def _keep_what_is_needed(stays: Frames, added: Frames) -> None:
    """Move what the staying rows refer to from `added` to them; what refers comes before what is referred to."""
    for name in reversed(TABLES):
        for other, on in NEEDS.get(name, ()):
            if added[other].height:
                needed = added[other].join(stays[name], on=on, how="semi")
                added[other] = added[other].join(needed, on=TABLES[other].key, how="anti")
                stays[other] = pl.concat([stays[other], needed])


def _returning(table: Table, rows: pl.DataFrame, before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that may come back. Anybody who was there before may: only those with a tie will."""
    removed = rows.filter(pl.col("action") == Action.REMOVED.value)
    chosen = before if table.of_people else before.join(removed, on=table.key, how="semi")
    return chosen.join(now, on=table.key, how="anti")


def _totals(now: Frames, plans: tuple[Plan, ...]) -> dict[str, Totals]:
    """Count what the plan of one school does, and what of the district stays as it is."""
    totals = {name: Totals(unchanged=frame.height) for name, frame in now.items()}
    for plan in plans:
        for name, counts in plan.counts.items():
            unchanged = now[name].height - counts.updated - counts.removed
            totals[name] = Totals(counts.added, counts.updated, counts.removed, unchanged)
    return totals


def _left(wanted: Frames, before: Frames, after: Frames, school_id: str | None) -> dict[str, int]:
    """Count the rows that the delivery changed and that will not be as they were before it."""
    rows = _concerned(compare(before, after), wanted, before, after, school_id)
    found = {}
    for name, table in TABLES.items():
        keys = rows[name].select(table.key)
        if keys.is_empty():
            continue
        be = wanted[name].join(keys, on=table.key, how="semi")
        was = before[name].join(keys, on=table.key, how="semi")
        same = be.join(was, on=table.columns, how="semi", nulls_equal=bool(table.values)).height
        absent = keys.join(be, on=table.key, how="anti").join(was, on=table.key, how="anti").height
        if left := keys.height - same - absent:
            found[name] = left
    return found
