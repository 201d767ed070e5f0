"""The model of one district that the stateful test keeps beside the database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from core.rosters import same
from rostergate.core.diff import apply
from rostergate.core.matching import Decision
from rostergate.core.plan_state import State
from rostergate.core.roster import TABLES, empty
from rostergate.core.selected import selected
from rostergate.core.snapshot import MENTIONED, Snapshot
from rostergate.core.target import orphans, target
from store.accounting import Accounts
from store.making import HOLD
from store.replaying import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from rostergate.core.plan import Plan
    from rostergate.core.roster import Frames

GUARDIANS = frozenset({"guardians", "guardianships"})
"""The tables that the guardians' file fills."""


@dataclass(eq=False)
class Open:
    """A plan that waits."""

    delivery: str
    plan: Plan
    wanted: Frames
    """What its school is to have."""


@dataclass
class District:
    """The model of one district."""

    slug: str
    roster: Frames = field(default_factory=empty)
    wanted: dict[str, Frames] = field(default_factory=dict)
    """School -> what its last applied or released plan wanted of it."""
    open: list[Open] = field(default_factory=list)
    closed: list[Open] = field(default_factory=list)
    """Held once, and superseded or closed since."""
    snapshots: list[Frames] = field(default_factory=list)
    left: dict[str, Frames] = field(default_factory=dict)
    """Delivery -> the roster as it left it."""
    accounts: Accounts = field(default_factory=Accounts)
    platform: Platform = field(default_factory=Platform)
    deselected: set[str] = field(default_factory=set)
    """Schools that are not rostered."""
    places: dict[str, str | None] = field(default_factory=dict)
    """School -> the platform's that it is; None: the platform makes it. Of schools that have left as well."""
    placed: set[str] = field(default_factory=set)
    """Schools whose place is settled, by a person or a match that was applied, and not forgotten since."""
    forgotten: set[str] = field(default_factory=set)
    """Schools whose place a person has had forgotten, and that have not got one since."""

    def follow(self, plans: list[Plan]) -> None:
        """Follow plans that were applied."""
        after = apply(self.roster, [one.changes for one in plans if one.changes])
        for one in plans:
            elsewhere = self.places.get(one.school_id) is not None and one.school_id not in self.placed
            if (one.platform_school is not None or elsewhere) and not one.counts["schools"].removed:
                self.places[one.school_id] = one.platform_school
                self.placed |= {one.school_id}
                self.forgotten -= {one.school_id}
        if not same(after, self.roster):
            self.accounts.follow(after)
        self.roster = after

    @property
    def held(self) -> list[Open]:
        """What waits for a person because of a hold."""
        return [one for one in self.open if one.plan.state is State.HELD]

    def unknown(self, plans: Iterable[Plan]) -> set[str]:
        """Return the schools of plans that nobody has placed yet, nor the roster has."""
        known = self.placed | self.deselected | (set(self.roster["schools"]["school_id"]) - self.forgotten)
        return {one.school_id for one in plans} - known

    def close(self, some: list[Open]) -> None:
        """Let plans that were open be closed."""
        self.open = [one for one in self.open if one not in some]
        self.closed += some

    def accept(self, delivery: str, chosen: tuple[Plan, ...], wanted: dict[str, Frames]) -> None:
        """Follow a delivery that was accepted; `wanted`: what each school of its plans is to have."""
        self.closed += self.held
        waits = [one for one in chosen if one.state in {State.HELD, State.UNMATCHED}]
        self.open = [Open(delivery, one, wanted[one.school_id]) for one in waits]
        clear = [one for one in chosen if one.state is State.CLEAR]
        self.follow(clear)
        for one in clear:
            self.wanted[one.school_id] = wanted[one.school_id]
        self.left[delivery] = self.roster

    def decide(self, school: str, decision: Decision, place: str | None) -> None:
        """Follow a person's decision about a school."""
        self.deselected -= {school}
        self.placed -= {school}
        self.forgotten -= {school}
        if decision is Decision.DESELECTED:
            self.deselected |= {school}
        elif decision is Decision.SELECTED:
            self.forgotten |= {school}
        else:
            self.places[school] = place
            self.placed |= {school}
        one = next((one for one in self.open if one.plan.school_id == school), None)
        if one is None or decision is Decision.SELECTED:
            return
        self.close([one])
        plan = replace(one.plan, platform_school=place)
        if decision is Decision.DESELECTED:
            return
        if plan.state is State.UNMATCHED and not plan.holds:
            self.follow([plan])
            self.wanted[school] = one.wanted
            self.left[one.delivery] = self.roster
            return
        self.closed.remove(one)
        self.open.append(Open(one.delivery, replace(plan, state=State.HELD), one.wanted))


def ref(one: Open) -> str:
    """Return what names a plan."""
    return f"{one.delivery}:{one.plan.hash}"


def stopped(plan: Plan) -> Plan:
    """Let a hold stop a plan, now or once its school is matched."""
    return replace(plan, state=State.HELD if plan.state is State.CLEAR else plan.state, holds=(HOLD,))


def selected_target(district: District, snapshot: Snapshot) -> Frames:
    """Return what the roster should be, schools that are not rostered left aside."""
    _, after = selected(district.roster, target(district.roster, snapshot), frozenset(district.deselected))
    return after


def assert_kept(district: District, snapshot: Snapshot, after: Frames) -> None:
    """See that what the roster has of a row that cannot be used, or in a file that did not come, is still there."""
    before, _ = selected(district.roster, after, frozenset(district.deselected))
    for name, keys in snapshot.mentioned.items():
        kept = before[name].join(keys, on=MENTIONED[name], how="semi")
        assert kept.join(after[name], on=TABLES[name].key, how="anti").is_empty(), name
    if snapshot.absent:
        stay = before["guardianships"].join(after["student_schools"], on=("school_id", "student_id"), how="semi")
        assert stay.join(after["guardianships"], on=stay.columns, how="anti", nulls_equal=True).is_empty()


def mentioned(random: Random, roster: Frames, tables: Frames) -> Frames:
    """Return keys of rows that are in the files but could not be used, of which the roster has some."""
    ids = {"school_id": "ABC", "teacher_id": ("t1", "t2"), "student_id": ("s1", "s2"), "guardian_id": ("g1",)}
    found = {}
    for table in random.sample(sorted(MENTIONED), 4):
        columns = MENTIONED[table]
        row = [random.choice(ids.get(column, ("c1", "c2"))) for column in columns]
        gone = roster[table].select(columns).unique().join(tables[table], on=columns, how="anti").sort(columns).rows()
        rows = {tuple(row), *random.sample(gone, min(1, len(gone)))}
        found[table] = pl.DataFrame(sorted(rows), schema=dict.fromkeys(columns, pl.String()), orient="row")
    return found


def sound(snapshot: Snapshot, now: Frames) -> Snapshot:
    """Leave out of `mentioned` what the snapshot has: only what could not be used is mentioned."""
    mentioned = {}
    for table in MENTIONED:
        columns = MENTIONED[table]
        rows = snapshot.mentioned.get(table, pl.DataFrame(schema=dict.fromkeys(columns, pl.String())))
        mentioned[table] = rows.join(snapshot.tables[table], on=columns, how="anti")
    assert not orphans(now)
    return Snapshot(snapshot.tables, mentioned, snapshot.absent)


def without_guardians(tables: Frames) -> Frames:
    """Return what a delivery says whose guardians' file did not come."""
    return {name: frame.clear() if name in GUARDIANS else frame for name, frame in tables.items()}


def of_school(frames: Frames, school_id: str) -> Frames:
    """Return the rows of a school."""
    of_school = pl.col("school_id") == school_id
    return {name: frames[name].filter(of_school) for name, table in TABLES.items() if not table.of_people}


def alike(one: Frames, other: Frames) -> bool:
    """Tell whether two schools have the same rows."""
    nothing = empty()
    return same({**nothing, **one}, {**nothing, **other})
