"""too-many-updates: the rows of a school do not all change their values overnight.

When they do, a column was shifted, a name was split differently, or somebody typed the export again: the values of one
person stand beside another's. A row that is new is no update, so neither a district's first delivery nor a new school
is held for this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rostergate.core.holding import HoldRule, SchoolView
from rostergate.core.plan import Action, Hold
from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from rostergate.core.policy import HoldLimits

_TABLES: Final = ("students", "teachers", "guardians", "classes", "guardianships")
"""The tables that have values; of people, those tied to the school."""


def _check(view: SchoolView, limits: HoldLimits) -> Hold | None:
    crossed = [table for table in _TABLES if _crosses(view, table, limits)]
    if not crossed:
        return None
    worst = max(crossed, key=lambda table: _percent(view, table))
    told = (
        f"{view.count(table, Action.UPDATED)} of {_of(view, table)} {TABLES[table].words}"
        f" ({_percent(view, table):.1f} %)"
        for table in crossed
    )
    return Hold(
        code=HOLD.code,
        message=(
            f"Other values are given for {', '.join(told)}. The limit is {limits.updates_percent_max:g} % of a table,"
            f" from {limits.updates_rows_min} rows on. {view.cause(HOLD.likely_cause)}"
        ),
        numbers={
            "table": worst,
            "updated": view.count(worst, Action.UPDATED),
            "of": _of(view, worst),
            "percent": round(_percent(view, worst), 1),
            "percent_max": limits.updates_percent_max,
            "rows_min": limits.updates_rows_min,
        },
        rows=view.rows_of(crossed, Action.UPDATED),
    )


def _crosses(view: SchoolView, table: str, limits: HoldLimits) -> bool:
    if table not in view.counts or view.count(table, Action.UPDATED) < limits.updates_rows_min:
        return False
    return _percent(view, table) > limits.updates_percent_max


def _of(view: SchoolView, table: str) -> int:
    """Return of how many rows: who comes to the school with new values is among the updated ones as well."""
    return max(view.count(table, Action.UPDATED), view.counts[table])


def _percent(view: SchoolView, table: str) -> float:
    return 100 * view.count(table, Action.UPDATED) / _of(view, table)


HOLD = HoldRule(
    code="too-many-updates",
    title="Almost every row of a table would get other values.",
    likely_cause=(
        "Most often a column was shifted, or the export was typed or sorted by hand; when a school year begins, every"
        " grade changes."
    ),
    check=_check,
)
