"""Holding: what a hold looks at, and which schools have to wait for a person.

Rule 1: a hold stops one school; the others go on. One that looks at the whole district says so for each of its schools.
Rule 2: a school whose plan changes nothing is never held.
Rule 3: a message has numbers, the limit and the likely cause, never the value of a cell. The rows that it counts are
named beside it, by their ids.
Rule 4: a hold that explains what others merely count is told instead of them, and beside them where it explains only a
part of it.
Rule 5: an undo has no files. Where one is held, no message speaks of files or of an export.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate.core import concerned, reissue
from rostergate.core.diff import merged_rows
from rostergate.core.plan import Action
from rostergate.core.roster import PEOPLE, TABLES, Frames
from rostergate.core.rows import in_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rostergate.core.plan import Counts, Hold
    from rostergate.core.policy import HoldLimits, Policy

_UNDONE: Final = "This is what the undo would take back of what its delivery changed."
"""What lies behind whatever an undo does."""

_ROWS_COUNTED: Final = 1_000_000
"""Rows that are counted at a time: it takes several times as much memory as they do."""


@dataclass(frozen=True, slots=True)
class DistrictView:
    """The whole district, as holds see it."""

    people: int = 0
    """People whom the roster has, each counted once."""
    removed: int = 0
    """Those of them who leave the roster; who surely comes back under another id is not counted."""
    vanished: Mapping[str, int] = field(default_factory=dict)
    """School id -> students that the roster has, of each school that leaves the roster."""
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    """School id -> those of them who stay in the roster, or surely come back under another id; only where any do."""
    reissued: Frames = field(default_factory=dict)
    """As `reissue.reissued`."""
    left: int = 0
    """People who leave the roster, be it for another id."""
    is_undo: bool = False
    """Whether an undo would do it."""


@dataclass(frozen=True, slots=True)
class SchoolView:
    """One school, as holds see it."""

    school_id: str
    counts: Mapping[str, int]
    """Rows that the roster has of the school, by canonical table; of people, those tied to it. Empty for a new one."""
    changes: Frames
    """As in `Plan.changes`."""
    plan_counts: Mapping[str, Counts]
    """As in `Plan.counts`."""
    tied: pl.DataFrame
    """The district's guardianships as they would be with the changes applied."""
    guardians_most: int = 0
    """The most guardians that any of its students would have whose guardians change."""
    district: DistrictView = field(default_factory=DistrictView)

    @property
    def guardianships(self) -> pl.DataFrame:
        """The school's guardianships as they would be with the changes applied."""
        return self.tied.filter(pl.col("school_id") == self.school_id)

    @property
    def has_vanished(self) -> bool:
        """Whether the school leaves the roster."""
        return self.school_id in self.district.vanished

    def cause(self, likely: str) -> str:
        """Return what lies behind what is seen: most likely that, or the undo that would do it."""
        return _UNDONE if self.district.is_undo else likely

    def changed(self, table: str, action: Action) -> pl.DataFrame | None:
        """Return the rows of a table to which that happens; None where there are none."""
        return self.changes[table].filter(pl.col("action") == action.value) if self.count(table, action) else None

    def rows_of(self, tables: Iterable[str], action: Action) -> pl.DataFrame:
        """Return the rows of those tables to which that happens, in the shape of `core.concerned`."""
        changed = ((table, self.changed(table, action)) for table in tables)
        return concerned.together(concerned.rows(table, rows) for table, rows in changed if rows is not None)

    def count(self, table: str, action: Action) -> int:
        """Return to how many rows of a table that happens, be they added, updated or removed."""
        return int(getattr(self.plan_counts[table], action.value))


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
    found = [hold for rule in rules if (hold := rule.check(view, limits))]
    explained = frozenset[str]().union(*(hold.instead_of for hold in found))
    return tuple(hold for hold in found if hold.code not in explained)


def stopped(
    views_of_schools: Mapping[str, SchoolView], rules: Iterable[HoldRule], policy: Policy
) -> dict[str, tuple[Hold, ...]]:
    """Return why each school has to wait, by its own limits; empty for those that may go on."""
    rules = tuple(rules)
    return {one: holds(view, rules, policy.limits_of(one)) for one, view in views_of_schools.items()}


def district_view(rows: Frames, roster: Frames, after: Frames, *, is_undo: bool = False) -> DistrictView:
    """Return the view of the whole district.

    `rows`: what differs (`diff.compare`) between `roster` and `after`, the roster as it would be.
    """
    left = sum(int((rows[person.name]["action"] == Action.REMOVED.value).sum()) for person in PEOPLE)
    again = reissue.reissued(rows) if left else {}
    gone = roster["schools"].join(after["schools"], on="school_id", how="anti").select("school_id")
    students = roster["student_schools"].join(gone, on="school_id", how="semi")
    elsewhere = students.join(_leaving(rows["students"], again.get("students")), on="student_id", how="anti")
    return DistrictView(
        people=sum(roster[person.name].height for person in PEOPLE),
        removed=left - sum(int(pairs["sure"].sum()) for pairs in again.values()),
        vanished=dict.fromkeys(gone["school_id"], 0) | dict(students.group_by("school_id").len().iter_rows()),
        elsewhere=dict(elsewhere.group_by("school_id").len().iter_rows()),
        reissued=again,
        left=left,
        is_undo=is_undo,
    )


def _leaving(students: pl.DataFrame, again: pl.DataFrame | None) -> pl.DataFrame:
    """Return the `student_id` of the students, of those who differ, who leave; not of who surely has another id."""
    gone = students.filter(pl.col("action") == Action.REMOVED.value).select("student_id")
    return gone if again is None else gone.join(again.filter("sure"), left_on="student_id", right_on="old", how="anti")


def views(
    changes: Mapping[str, Frames],
    plan_counts: Mapping[str, Mapping[str, Counts]],
    roster: Frames,
    after: Frames,
    district: DistrictView,
) -> dict[str, SchoolView]:
    """Return the view of every school that has changes. `after`: the roster as it would be (`target.target`)."""
    counts = _counts(roster)
    tied = after["guardianships"]
    pairs = merged_rows(TABLES["guardianships"], changes.values()).select("school_id", "student_id")
    each = tied.join(pairs, on=pairs.columns, how="semi").group_by(pairs.columns).len("guardians")
    most = dict(each.group_by("school_id").agg(pl.col("guardians").max()).iter_rows())
    return {
        school_id: SchoolView(
            school_id=school_id,
            counts=counts.get(school_id, {}),
            changes=plan,
            plan_counts=plan_counts[school_id],
            tied=tied,
            guardians_most=most.get(school_id, 0),
            district=district,
        )
        for school_id, plan in changes.items()
    }


def _counts(roster: Frames) -> dict[str, dict[str, int]]:
    """Count each school's rows, by school id and table; of people, those who are tied to it."""
    counts: dict[str, dict[str, int]] = {}
    for name, table in TABLES.items():
        people = table.key if table.of_people else ()
        rows = pl.concat(roster[one].select("school_id", *people) for one in table.tied_by or (name,))
        number = pl.col(*people).n_unique() if people else pl.len()
        for part in in_parts(rows, "school_id", _ROWS_COUNTED):
            for school_id, count in part.group_by("school_id").agg(number.alias("count")).iter_rows():
                counts.setdefault(school_id, {})[name] = count
    return counts
