"""Holding: what a hold looks at, and which schools have to wait for a person.

Rule 1: a hold looks at one school and stops one school; the others go on.
Rule 2: a school whose plan changes nothing is never held.
Rule 3: a message has numbers, the limit and the likely cause, never the value of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.core.roster import PEOPLE, TABLES, Frames
from rostergate.core.target import ties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import polars as pl

    from rostergate.core.plan import Hold
    from rostergate.core.policy import HoldLimits


@dataclass(frozen=True, slots=True)
class SchoolView:
    """One school, as holds see it."""

    school_id: str
    counts: Mapping[str, int]
    """Rows that the roster has of the school, by canonical table; of people, those tied to it. Empty for a new one."""
    changes: Frames
    """As in `Plan.changes`."""
    guardianships: pl.DataFrame
    """The school's guardianships as they would be with the changes applied."""


@dataclass(frozen=True, slots=True)
class HoldRule:
    """One hold: its code, what it says, and the check. The module's docstring says why the hold exists."""

    code: str
    title: str
    """One sentence that states what is unusual, for district staff."""
    likely_cause: str
    """One sentence: what most often lies behind it."""
    check: Callable[[SchoolView, HoldLimits], Hold | None]


def holds(view: SchoolView, rules: Iterable[HoldRule], limits: HoldLimits) -> tuple[Hold, ...]:
    """Return why a school has to wait, in the order of the rules; nothing when it may go on."""
    if not view.changes:
        return ()
    return tuple(hold for rule in rules if (hold := rule.check(view, limits)))


def views(changes: Mapping[str, Frames], roster: Frames, after: Frames) -> dict[str, SchoolView]:
    """Return the view of every school that has changes. `after`: the roster as it would be (`target.target`)."""
    counts = _counts(roster)
    tied = after["guardianships"]
    parts = {str(school_id): part for (school_id,), part in tied.partition_by("school_id", as_dict=True).items()}
    return {
        school_id: SchoolView(school_id, counts.get(school_id, {}), plan, parts.get(school_id, tied.clear()))
        for school_id, plan in changes.items()
    }


def _counts(roster: Frames) -> dict[str, dict[str, int]]:
    """Count each school's rows, by school id and table."""
    people = {person.name: ties(roster, person) for person in PEOPLE}
    counts: dict[str, dict[str, int]] = {}
    for name in TABLES:
        for school_id, rows in people.get(name, roster[name]).group_by("school_id").len().iter_rows():
            counts.setdefault(school_id, {})[name] = rows
    return counts
