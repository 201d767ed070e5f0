"""The verdict: everything that was decided about one delivery, as values.

`Verdict.as_json` is a published contract (`rostergate preview --json`, `rostergate show --json`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rostergate.core.school_status import urgency

if TYPE_CHECKING:
    from rostergate.core.findings import Finding
    from rostergate.core.plan import Plan
    from rostergate.core.roster import Frames


class Outcome(StrEnum):
    """What became of the delivery as a whole."""

    ACCEPTED = "accepted"  # it was understood; plans say what follows, school by school
    REJECTED = "rejected"  # at least one format error: nothing of it is used
    INCOMPLETE = "incomplete"  # a required file is missing: nothing was decided


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of the delivery."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Totals:
    """Rows of one canonical table across the district, each person counted once."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of `decide`."""

    format: str | None
    outcome: Outcome
    files: tuple[FileFacts, ...]
    findings: tuple[Finding, ...]
    plans: tuple[Plan, ...] = ()
    """One per school concerned, ordered by school id; schools with nothing to change have a plan without changes."""
    totals: dict[str, Totals] | None = None
    """By canonical table; None unless accepted."""
    recognised: str | None = None
    """Why the files were taken for the format, for people; None where the policy names the format."""
    target: Frames | None = field(default=None, repr=False, compare=False)
    """The roster once every plan is applied, whichever wait; None where nothing was compared."""

    def as_json(self) -> dict[str, Any]:
        """Return the published shape: format, recognised, verdict, files, findings, schools, totals.

        Schools come most urgent first, then by name.
        """
        schools = sorted(self.plans, key=lambda one: urgency(one.status, one.name, one.school_id))
        return {
            "format": self.format,
            "recognised": self.recognised,
            "verdict": self.outcome.value,
            "files": [asdict(one) for one in self.files],
            "findings": [{**asdict(one), "lines": list(one.lines)} for one in self.findings],
            "schools": [plan.as_json() for plan in schools],
            "totals": {name: asdict(one) for name, one in (self.totals or {}).items()},
        }
