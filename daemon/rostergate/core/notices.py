"""Notices: which mail follows from what happened. What a mail says stands in `desk`; when it goes out, in `service`.

Rule 1: a delivery is told at most once per kind and recipient: the verdict picks one kind, the most urgent.
Only the operators can match a school, so they are told of it besides, once per school.
Rule 2: a delivery that changed nothing and whose faults are those of the one before it is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rostergate.core.plan_state import OPEN
from rostergate.core.plan_state import State as PlanState
from rostergate.core.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from rostergate.core.findings import Finding
    from rostergate.core.verdict import Verdict


class Kind(StrEnum):
    """What a mail is about. The value is the name of its templates."""

    ACCESS = "access"  # to the district: credentials were issued
    RECEIVED = "received"  # a set is complete, and what became of it is not known for some minutes
    REFUSED = "refused"  # format errors; nothing was used
    HELD = "held"  # at least one school waits for a person
    APPLIED = "applied"  # changes are in the roster
    FAULTS = "faults"  # nothing changed, but errors or alerts are not those of the delivery before
    CLOSED = "closed"  # a person released or discarded the last school that waited
    OVERDUE = "overdue"  # a set was begun and never completed
    MIXED = "mixed"  # a set has files of two exports
    LATE = "late"  # it usually has arrived by this time of the day
    SILENT = "silent"  # nothing has come for some days
    FORGOTTEN = "forgotten"  # nothing has come for a quarter
    UNMATCHED = "unmatched"  # to the operators: schools that did not wait before wait to be matched
    FAILED = "failed"  # to district and operators: a delivery could not be decided
    DISK = "disk"  # to the operators: the disk is nearly full
    DEAD = "dead"  # to the operators: mail could not be delivered


TO_OPERATORS: Final = frozenset({Kind.UNMATCHED, Kind.DISK, Kind.DEAD})
"""Kinds that are told to the operators alone."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told of a district's deliveries."""

    recipients: tuple[str, ...] = ()
    """The district's."""
    left_out: frozenset[Kind] = frozenset()
    """Kinds that nobody is told."""
    operators: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[str, ...]:
        """Return who is told of this kind."""
        if kind in self.left_out:
            return ()
        if kind in TO_OPERATORS:
            return self.operators
        return (*self.operators, *self.recipients) if kind is Kind.FAILED else self.recipients


NOBODY = Audience()


def following(verdict: Verdict, before: Iterable[Finding] = ()) -> Kind | None:
    """Return what a verdict is told as, or nothing. `before`: the findings of the delivery accepted before it."""
    if verdict.outcome is not Outcome.ACCEPTED:
        return Kind.REFUSED
    if any(plan.state in OPEN and plan.state is not PlanState.CLEAR for plan in verdict.plans):
        return Kind.HELD
    if any(plan.state is PlanState.CLEAR and plan.changes for plan in verdict.plans):
        return Kind.APPLIED
    return None if _faults(verdict.findings) == _faults(before) else Kind.FAULTS


def newly_unmatched(verdict: Verdict, before: Collection[str] = ()) -> tuple[str, ...]:
    """Return the ids of the schools that wait to be matched, but for those that did `before`."""
    waiting = (plan.school_id for plan in verdict.plans if plan.state is PlanState.UNMATCHED)
    return tuple(school for school in waiting if school not in before)


def _faults(findings: Iterable[Finding]) -> set[tuple[str, str | None, str | None, int]]:
    """Return what tells the faults of one delivery from those of another: lines may have moved."""
    return {(one.code, one.file, one.column, one.count) for one in findings}
