"""too-many-removals: most of a school's rows do not vanish overnight.

When they do, the export was cut off, filtered or taken from the wrong school year far more often than the pupils left.
Where only classes and who is in them go, and others come in their place, it is told that a new term may have begun. A
school that vanished from the files loses everything, 100 %, and is told as that. A school that is new has nothing to
lose, so neither it nor a district's first delivery is ever held for this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rostergate.core.holding import HoldRule, SchoolView
from rostergate.core.plan import Action, Hold
from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rostergate.core.policy import HoldLimits

_TABLES = {
    "students": "student_schools",
    "teachers": "teacher_schools",
    "classes": "classes",
    "guardianships": "guardianships",
    "class_teachers": "class_teachers",
    "enrollments": "enrollments",
}
"""Table as reported -> table whose rows are counted: a person who leaves a school is a tie that goes."""

_FOLLOWING = frozenset({"guardianships", "class_teachers", "enrollments"})
"""Ties that go when their person or class goes: named first only when nothing else crossed the limit."""

_OF_A_TERM = frozenset({"classes", "class_teachers", "enrollments"})
"""What a new term replaces as a whole."""

_NEW_TERM = (
    "Others would come in their place: most often a new term has begun, students were scheduled anew, or the classes"
    " have new ids."
)
"""What lies behind the loss of nothing else, where at least half as many rows come."""

_VANISHED: Final = (
    "Most often it was left out of the export, or it was closed, merged with another or split, or has another id now."
)
"""What lies behind a school that has gone as a whole."""


@dataclass(frozen=True, slots=True)
class _Loss:
    table: str
    removed: int
    of: int

    @property
    def percent(self) -> float:
        return 100 * self.removed / self.of

    def __str__(self) -> str:
        return f"{self.removed} of {self.of} {TABLES[self.table].words} ({self.percent:.1f} %)"


def _check(view: SchoolView, limits: HoldLimits) -> Hold | None:
    crossed = [loss for loss in _losses(view) if _crosses(loss, limits)]
    if not crossed:
        return None
    crossed.sort(key=lambda loss: (loss.table in _FOLLOWING, -loss.percent))
    worst = crossed[0]
    return Hold(
        code=HOLD.code,
        message=(
            f"{_seen(view)} {', '.join(map(str, crossed))}. The limit is {limits.removals_percent_max:g} % of a"
            f" table, from {limits.removals_rows_min} rows on. {_cause(view, crossed)}"
        ),
        numbers={
            "table": worst.table,
            "removed": worst.removed,
            "of": worst.of,
            "percent": round(worst.percent, 1),
            "percent_max": limits.removals_percent_max,
            "rows_min": limits.removals_rows_min,
        },
        rows=view.rows_of([_TABLES[loss.table] for loss in crossed], Action.REMOVED),
    )


def _seen(view: SchoolView) -> str:
    if not view.has_vanished:
        return "The school would lose"
    return "The whole school would go:" if view.district.is_undo else "The school is not in the files. It would lose"


def _cause(view: SchoolView, crossed: Iterable[_Loss]) -> str:
    if view.has_vanished:
        return view.cause(_VANISHED)
    exchanged = all(
        loss.table in _OF_A_TERM and 2 * view.count(loss.table, Action.ADDED) >= loss.removed for loss in crossed
    )
    return view.cause(_NEW_TERM if exchanged else HOLD.likely_cause)


def _losses(view: SchoolView) -> list[_Loss]:
    return [
        _Loss(table, removed, view.counts[counted])
        for table, counted in _TABLES.items()
        if view.counts.get(counted) and (removed := view.count(counted, Action.REMOVED))
    ]


def _crosses(loss: _Loss, limits: HoldLimits) -> bool:
    if limits.classes_may_turn_over and loss.table in _OF_A_TERM:
        return False
    enough = loss.removed >= limits.removals_rows_min
    return enough and 100 * loss.removed > limits.removals_percent_max * loss.of


HOLD = HoldRule(
    code="too-many-removals",
    title="A large part of the school would be removed.",
    likely_cause="Most often the export was cut off or filtered, or was taken from another school year.",
    check=_check,
)
