"""district-wide-removals: half of a district's people, or a whole school, do not vanish overnight.

When they do, one of the files was cut off or a school was left out of the export. Schools that look well by themselves
are then of the same broken export, so every school waits. Who comes back under another id has not left, see
reissued-ids. Where a school vanishes and most of its students are at other schools, it is told that it may be closed. A
district's first delivery removes nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rostergate.core.holding import DistrictView, HoldRule, SchoolView
from rostergate.core.plan import Action, Hold
from rostergate.core.roster import PEOPLE

if TYPE_CHECKING:
    import polars as pl

    from rostergate.core.policy import HoldLimits

_CLOSED: Final = "Most often a school was closed, merged with another or split, or has another id now."
"""What lies behind schools that are gone while most of their students are at others."""

_EACH_TIME: Final = (
    "That goes on with each delivery until somebody decides about what is gone: the plan of such a school is released"
    " if it has closed or has another id, the school is deselected if it is to stay as it is, or it is put back into"
    " the export."
)
"""What a school that is gone means for all others, as long as the roster has it."""


def _check(view: SchoolView, limits: HoldLimits) -> Hold | None:
    seen = view.district
    many = seen.removed >= limits.removals_rows_min and (
        100 * seen.removed > limits.district_removals_percent_max * seen.people
    )
    large = {one: students for one, students in seen.vanished.items() if students > limits.vanished_students_max}
    if not many and not large:
        return None
    percent = 100 * seen.removed / seen.people
    told = [_people(seen, percent, limits)] if many else []
    elsewhere = sum(seen.elsewhere.get(one, 0) for one in large)
    told += [_schools([*large.values()], elsewhere, view, limits)] if large else []
    told += ["Every school that would change waits."]
    told += [view.cause(HOLD.likely_cause if many or 2 * elsewhere <= sum(large.values()) else _CLOSED)]
    told += [_EACH_TIME] if large and not seen.is_undo else []
    return Hold(
        code=HOLD.code,
        message=" ".join(told),
        numbers={
            "table": "people" if many else "schools",
            "removed": seen.removed,
            "of": seen.people,
            "percent": round(percent, 1),
            "percent_max": limits.district_removals_percent_max,
            "rows_min": limits.removals_rows_min,
            "schools_vanished": len(large),
            "students_of_vanished": sum(large.values()),
            "students_elsewhere": elsewhere,
            "vanished_students_max": limits.vanished_students_max,
        },
        rows=_rows(view),
    )


def _people(seen: DistrictView, percent: float, limits: HoldLimits) -> str:
    return (
        f"The district would lose {seen.removed} of {seen.people} people ({percent:.1f} %); the limit is"
        f" {limits.district_removals_percent_max:g} %, from {limits.removals_rows_min} people on."
    )


def _schools(large: list[int], elsewhere: int, view: SchoolView, limits: HoldLimits) -> str:
    many, are = ("1 school", "is") if len(large) == 1 else (f"{len(large)} schools", "are")
    gone, stay = (
        ("would go", "would stay") if view.district.is_undo else (f"{are} not in the files", "are in the files")
    )
    others = f" {elsewhere} of these students {stay} at other schools." if elsewhere else ""
    return (
        f"{many} of the roster with {sum(large)} students {gone}; a school with more than"
        f" {limits.vanished_students_max} students does not vanish unseen.{others}"
    )


def _rows(view: SchoolView) -> pl.DataFrame:
    """Return the school's part: the people who leave the roster and, where the school vanishes, its students' ties."""
    tables = [person.name for person in PEOPLE]
    if view.has_vanished:
        tables = ["schools", *tables, "student_schools"]
    return view.rows_of(tables, Action.REMOVED)


HOLD = HoldRule(
    code="district-wide-removals",
    title="A large part of the district would be removed.",
    likely_cause="Most often a file was cut off, or a school was left out of the export.",
    check=_check,
)
