"""The story of one delivery: everything the desk needs to tell it, as values.

A story is put together by whoever has the store at hand; the desk only words and lays out. It never holds a person:
`changes` is read by `changes.csv` alone, which shows ids.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from rostergate.core.findings import Finding, Severity
from rostergate.core.plan import Counts
from rostergate.core.plan_state import State as PlanState
from rostergate.core.school_status import URGENCY, Status, status
from rostergate.core.verdict import Outcome
from rostergate.desk.words import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from zoneinfo import ZoneInfo

    from rostergate.core.plan import Hold
    from rostergate.store.past import Past

Change: TypeAlias = tuple[str, str, pl.DataFrame]
"""(school id, canonical table, rows): the table's columns and `action` (values of `core.plan.Action`)."""

Held: TypeAlias = "tuple[str, tuple[Hold, ...]]"
"""(school id, its holds with the rows that each is about)."""

_URGENCY = {
    PlanState.HELD: 0,
    PlanState.UNMATCHED: 1,
    PlanState.CLEAR: 2,
    PlanState.APPLIED: 3,
    PlanState.DISCARDED: 4,
    PlanState.SUPERSEDED: 5,
    PlanState.DESELECTED: 6,
}


@dataclass(frozen=True, slots=True)
class HeldFor:
    """Why a school waits, or waited, for a person."""

    code: str
    message: str
    numbers: Mapping[str, str | int | float]


@dataclass(frozen=True)
class School:
    """One school of a delivery, as the reports show it. Names and ids are `plain`."""

    school_id: str
    name: str
    state: PlanState
    changes: Mapping[str, Counts]
    holds: tuple[HeldFor, ...]
    plan: str | None
    """What a release names; None in a preview."""
    reason: str | None
    """Why a person released or discarded it, in that person's words."""
    status: Status
    """Where it stands."""
    left_out: int
    """Rows of it that could not be used."""
    held_since: datetime | None = None
    """Since when it is on hold, aware; None where it is not, and in a dry run."""
    held_deliveries: int = 0
    """In how many deliveries, one after another, it was held since then."""

    @cached_property
    def total(self) -> Counts:
        """Changed rows of all its tables together."""
        every = self.changes.values()
        return Counts(
            added=sum(one.added for one in every),
            updated=sum(one.updated for one in every),
            removed=sum(one.removed for one in every),
        )

    @cached_property
    def changed(self) -> int:
        """How many rows change."""
        return sum((self.total.added, self.total.updated, self.total.removed))

    @property
    def released(self) -> bool:
        """Whether it was on hold and a person released it."""
        return bool(self.holds) and self.state in {PlanState.APPLIED, PlanState.CLEAR}


@dataclass(frozen=True, kw_only=True)
class Story:
    """One delivery, or one preview, as it stands now."""

    district: str
    """The district's slug."""
    name: str
    """The district's name."""
    zone: ZoneInfo
    """All times are told on this clock."""
    delivery: str | None
    """The delivery's id; None for a preview."""
    state: str | None
    """A value of `core.delivery.State`; None for a preview."""
    verdict: Mapping[str, Any] | None
    """`core.verdict.Verdict.as_json()`, and per school also `plan`, `reason`, `held_since` and `held_deliveries` where
    a plan is stored; other keys are ignored. None, or with `verdict` null, while the delivery is not decided and when
    it failed."""
    received_at: datetime
    """When the set was sealed; aware."""
    undoes: str | None = None
    """The delivery that this one undoes; None for a delivery with files."""
    undone_by: tuple[str, ...] = ()
    """Deliveries that undo this one, oldest first."""
    replaced_by: str | None = None
    """The delivery that took the place of one that is superseded; None when none did: an erasure ended it."""
    replaced_by_undo: bool = False
    """Whether that one is an undo."""
    decided_at: datetime | None = None
    day: date | None = None
    """The day of the district's calendar whose slot it took."""
    next_opening: datetime | None = None
    """When the district can upload again, aware; None: now."""
    history: tuple[Past, ...] = ()
    """The district's last deliveries, oldest first, this one the last; empty for a dry run and for an undo."""
    folder: str = ""
    """The report's folder as the district sees it; empty: `/reports/<delivery>/`, or none for a preview."""
    host: str = ""
    """The daemon's public host name, for hints; empty: no hint is given."""
    port: int = 22
    username: str = ""
    changes: Callable[[], Iterable[Change]] = tuple
    """Gives the changed rows, school by school; read once per report."""
    held: Callable[[], Iterable[Held]] = tuple
    """Gives the holds with their rows, school by school; read once per report."""

    @property
    def preview(self) -> bool:
        """Whether it is a dry run."""
        return self.delivery is None

    @property
    def place(self) -> str:
        """The report's folder as the district sees it; empty when it has none."""
        return self.folder or (f"/reports/{self.delivery}/" if self.delivery else "")

    @property
    def outcome(self) -> Outcome | None:
        """What became of the delivery as a whole; None without a verdict."""
        told = (self.verdict or {}).get("verdict")
        return Outcome(told) if told else None

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The findings in the verdict's order; file and column `plain`."""
        return tuple(_finding(one) for one in (self.verdict or {}).get("findings", ()))

    @cached_property
    def schools(self) -> tuple[School, ...]:
        """The schools, most urgent first, then by name."""
        schools = [_school(one) for one in (self.verdict or {}).get("schools", ())]
        return tuple(sorted(schools, key=lambda one: (*_urgency(one), one.name.casefold(), one.school_id)))

    @cached_property
    def statuses(self) -> Mapping[Status, int]:
        """How many schools there are of each status, most urgent first; only statuses with any."""
        counts = Counter(school.status for school in self.schools)
        return {status: counts[status] for status in Status if counts[status]}

    @property
    def totals(self) -> Mapping[str, Mapping[str, int]]:
        """By canonical table: added, updated, removed and unchanged rows of the district, each person once."""
        totals: Mapping[str, Mapping[str, int]] = (self.verdict or {}).get("totals") or {}
        return totals

    def found(self, severity: Severity) -> int:
        """How many faults of a severity were found."""
        return sum(one.count for one in self.findings if one.severity is severity)


def status_of(shape: Mapping[str, Any]) -> Status:
    """Return where a school of a verdict stands."""
    state, schools, left_out = PlanState(shape["state"]), shape["changes"]["schools"], shape.get("rows_left_out", 0)
    return status(state, in_files=not schools["removed"], new=bool(schools["added"]), left_out=left_out)


def _urgency(school: School) -> tuple[int, int]:
    return URGENCY[school.status], _URGENCY[school.state]


def _finding(shape: Mapping[str, Any]) -> Finding:
    return Finding(
        code=shape["code"],
        severity=Severity(shape["severity"]),
        file=None if shape["file"] is None else plain(shape["file"]),
        column=None if shape["column"] is None else plain(shape["column"]),
        count=shape["count"],
        lines=tuple(shape["lines"]),
        message=plain(shape["message"]),
        next_step=plain(shape["next_step"]),
    )


def _school(shape: Mapping[str, Any]) -> School:
    reason, since = shape.get("reason"), shape.get("held_since")
    return School(
        school_id=plain(shape["school_id"]),
        name=plain(shape["name"] or "") or plain(shape["school_id"]),
        state=PlanState(shape["state"]),
        changes={table: Counts(**counts) for table, counts in shape["changes"].items()},
        holds=tuple(_held_for(one) for one in shape["holds"]),
        plan=shape.get("plan"),
        reason=plain(reason) if reason else None,
        status=status_of(shape),
        left_out=shape.get("rows_left_out", 0),
        held_since=datetime.fromisoformat(since) if since else None,
        held_deliveries=shape.get("held_deliveries") or 0,
    )


def _held_for(shape: Mapping[str, Any]) -> HeldFor:
    numbers = {name: value for name, value in shape.items() if name not in {"code", "message"}}
    return HeldFor(code=shape["code"], message=plain(shape["message"]), numbers=numbers)
