"""too-many-updates: the rows of a school do not all change their values overnight.

When they do, a column was shifted, a name was split differently, or somebody typed the export again: the values of one
person stand beside another's. A row that is new is no update, so neither a district's first delivery nor a new school
is held for this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rostergate.core import concerned
from rostergate.core.holding import HoldRule, SchoolView
from rostergate.core.plan import Action, Hold

if TYPE_CHECKING:
    import polars as pl

    from rostergate.core.policy import HoldLimits

_TABLES: Final = ("students", "teachers", "guardians", "classes", "guardianships")
"""The tables that have values; of people, those tied to the school."""


def _check(view: SchoolView, limits: HoldLimits) -> Hold | None:
    crossed = {
        table: rows
        for table in _TABLES
        if _crosses(view.count(table, Action.UPDATED), view, table, limits)
        and (rows := view.changed(table, Action.UPDATED)) is not None
    }
    if not crossed:
        return None
    worst = max(crossed, key=lambda table: crossed[table].height / _of(crossed[table], view, table))
    updated, of = crossed[worst].height, _of(crossed[worst], view, worst)
    told = ", ".join(_told(rows, view, table) for table, rows in crossed.items())
    return Hold(
        code=HOLD.code,
        message=(
            f"Other values are given for {told}. The limit is {limits.updates_percent_max:g} % of a table, from"
            f" {limits.updates_rows_min} rows on. {view.cause(HOLD.likely_cause)}"
        ),
        numbers={
            "table": worst,
            "updated": updated,
            "of": of,
            "percent": round(100 * updated / of, 1),
            "percent_max": limits.updates_percent_max,
            "rows_min": limits.updates_rows_min,
        },
        rows=concerned.together(concerned.rows(table, rows) for table, rows in crossed.items()),
    )


def _crosses(updated: int, view: SchoolView, table: str, limits: HoldLimits) -> bool:
    of = view.counts.get(table, 0)
    share = 100 * updated / max(updated, of) if of else 0.0
    return updated >= limits.updates_rows_min and share > limits.updates_percent_max


def _of(rows: pl.DataFrame, view: SchoolView, table: str) -> int:
    """Return of how many rows: who comes to the school with new values is among the updated ones as well."""
    return max(rows.height, view.counts[table])


def _told(rows: pl.DataFrame, view: SchoolView, table: str) -> str:
    of = _of(rows, view, table)
    return f"{rows.height} of {of} {table} ({100 * rows.height / of:.1f} %)"


HOLD = HoldRule(
    code="too-many-updates",
    title="Almost every row of a table would get other values.",
    likely_cause=(
        "Most often a column was shifted, or the export was typed or sorted by hand; when a school year begins, every"
        " grade changes."
    ),
    check=_check,
)
