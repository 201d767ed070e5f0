"""The decision: from files, roster and policy to a verdict, as one function.

Rule 1: whatever cannot be understood is refused whole; whatever looks like a mistake waits, school by school.
Rule 2: doubt is never resolved by applying. An inconsistency inside raises, and then nothing was decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rostergate.core import (
    catalogue,
    checking,
    damage,
    diff,
    endings,
    layout,
    left_out,
    matching,
    needed,
    values,
)
from rostergate.core.findings import Code, Finding, Severity, finding, in_order, refuses
from rostergate.core.holding import district_view, stopped, views
from rostergate.core.matching import Match, Standing
from rostergate.core.plan import Counts, Hold, Plan, counted_by_school, digests
from rostergate.core.plan_state import State
from rostergate.core.reading import Reading, read
from rostergate.core.recognition import recognise
from rostergate.core.selected import selected
from rostergate.core.snapshot import Snapshot, take
from rostergate.core.target import target
from rostergate.core.verdict import FileFacts, Outcome, Totals, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rostergate.core.claims import Claims
    from rostergate.core.declaration import Format
    from rostergate.core.policy import Policy
    from rostergate.core.roster import Frames

FORMAT_UNKNOWN = Code(
    "format-unknown",
    Severity.FORMAT_ERROR,
    "The files match no format.",
    "Give every file and column the exact name that a format in README.txt of your SFTP account lists; case counts.",
)
CODES = (FORMAT_UNKNOWN,)


def decide(files: Mapping[str, bytes], roster: Frames, policy: Policy) -> Verdict:
    """Decide about one delivery: read, check, snapshot, diff, hold, plan.

    `files`: the bytes of each file by name. `roster`: every canonical table as applied so far. Raises `ValueError` when
    the policy names a format that does not exist; never raises on bad data.
    """
    return against(roster, understood(files, policy), policy)


@dataclass(frozen=True, slots=True)
class Understood:
    """What a delivery says by itself, whatever the roster is."""

    verdict: Verdict
    """Without plans."""
    snapshot: Snapshot | None = None
    """None when the delivery is refused."""


def understood(files: Mapping[str, bytes], policy: Policy) -> Understood:
    """Read, check and take the snapshot: the part of `decide` that needs no roster. Raises as `decide`."""
    readings = _read(files, policy)
    fmt, why = _recognise(files, policy)
    if fmt is None:
        return Understood(_unknown(readings, why or ""))
    del files  # each stage lets go of what the next one does not need: it may be a gigabyte
    claims, faults = _claim(fmt, readings, policy)
    if claims is None:
        return Understood(replace(_refused(fmt, readings, faults), recognised=why))
    facts = _facts(readings)
    del readings
    checked = _check(fmt, claims, policy)
    del claims
    findings = in_order([*faults, *checked.findings])
    return Understood(Verdict(fmt.name, Outcome.ACCEPTED, facts, findings, recognised=why), take(checked))


def against(roster: Frames, delivery: Understood, policy: Policy) -> Verdict:
    """Compare with the roster, hold, plan: the rest of `decide`."""
    if delivery.snapshot is None:
        return delivery.verdict
    decision = _diff(roster, delivery.snapshot, policy)
    return replace(delivery.verdict, plans=_plans(decision), totals=decision.totals, target=decision.target)


def planned(
    roster: Frames, snapshot: Snapshot, policy: Policy, *, is_undo: bool = False
) -> tuple[tuple[Plan, ...], dict[str, Totals]]:
    """Return the plans, by school id, that lead from a roster to a snapshot, and what they change of each table."""
    decision = _diff(roster, snapshot, policy, is_undo=is_undo)
    return _plans(decision), decision.totals


def _read(files: Mapping[str, bytes], policy: Policy) -> dict[str, Reading]:
    return {name: read(name, files[name], encoding=policy.encoding, limits=policy.reading) for name in sorted(files)}


def _recognise(files: Mapping[str, bytes], policy: Policy) -> tuple[Format | None, str | None]:
    """Return the format that the policy names, or the one that the files show, if any, and why."""
    formats = catalogue.formats()
    if policy.format == "auto":
        found = recognise(files, list(formats.values()))
        return found.format, found.why if files else "There are no files."
    if policy.format not in formats:
        raise ValueError(f"there is no format {policy.format}")
    return formats[policy.format], None


def _claim(fmt: Format, readings: Mapping[str, Reading], policy: Policy) -> tuple[Claims | None, list[Finding]]:
    """Return what the files say, or nothing when a format error refuses them; and what was found so far."""
    declared = layout.check(fmt, readings)
    faults = [*layout.explained(_findings(readings), declared), *declared]
    if refuses(faults):
        return None, faults
    claims = layout.claims(fmt, {name: one.frame for name, one in readings.items() if one.frame is not None})
    faults += damage.check(claims)
    ends = {name: endings.End(one.unended, one.header[-1]) for name, one in readings.items() if one.rows}
    faults += endings.check(claims, ends, phone_region=policy.phone_region)
    return (None if refuses(faults) else claims), faults


def _check(fmt: Format, claims: Claims, policy: Policy) -> checking.Checked:
    """Tell what can be used from what cannot. Required cells are judged as they stand in the files."""
    normal, invalid = values.normalised(claims, phone_region=policy.phone_region)
    return checking.check(normal, [*needed.problems(fmt, claims), *invalid], catalogue.rules().values())


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is known about every school, by school id."""

    names: dict[str, str]
    matches: dict[str, Match]
    changes: dict[str, Frames]
    counts: dict[str, dict[str, Counts]]
    holds: dict[str, tuple[Hold, ...]]
    hashes: dict[str, str]
    totals: dict[str, Totals]
    left_out: dict[str, int]
    target: Frames
    """The roster once every school's changes are applied, without schools that are not rostered."""


def _diff(roster: Frames, snapshot: Snapshot, policy: Policy, *, is_undo: bool = False) -> _Decision:
    """Compare roster and snapshot without the schools that are not rostered, and hold what looks like a mistake."""
    before, after = selected(roster, target(roster, snapshot), policy.deselected)
    names = _names(roster, snapshot.tables)
    leaving = set(before["schools"]["school_id"]) - set(after["schools"]["school_id"])
    rows = diff.compare(before, after)
    totals, placed = diff.counted(rows, after), diff.placed(rows, before, after)
    whole = district_view(rows, before, after, is_undo=is_undo)
    del rows
    hashes, counts, changes = digests(names, placed), counted_by_school(names, placed), diff.shared(placed)
    del placed
    seen = views(changes, counts, before, after, whole)
    return _Decision(
        names=names,
        matches=matching.match(names, set(roster["schools"]["school_id"]), policy, leaving),
        changes=changes,
        counts=counts,
        holds=stopped(seen, catalogue.holds().values(), policy),
        hashes=hashes,
        totals=totals,
        left_out=left_out.by_school(snapshot),
        target=after,
    )


def _names(roster: Frames, tables: Frames) -> dict[str, str]:
    """Return every school of roster or delivery with its name, the delivery's before the roster's."""
    both = [*roster["schools"].iter_rows(), *tables["schools"].iter_rows()]
    return {school_id: name or school_id for school_id, name in both}


def _plans(decision: _Decision) -> tuple[Plan, ...]:
    return tuple(_plan(school_id, decision) for school_id in sorted(decision.names))


def _plan(school_id: str, decision: _Decision) -> Plan:
    match = decision.matches[school_id]
    reasons = decision.holds.get(school_id, ())
    return Plan(
        school_id=school_id,
        name=decision.names[school_id],
        state=_state(match, reasons),
        changes=decision.changes.get(school_id, {}),
        counts=decision.counts[school_id],
        holds=reasons,
        platform_school=match.platform_school,
        hash=decision.hashes[school_id],
        left_out=decision.left_out.get(school_id, 0),
    )


def _state(match: Match, reasons: tuple[Hold, ...]) -> State:
    if match.standing is Standing.DESELECTED:
        return State.DESELECTED
    if match.standing is Standing.UNMATCHED:
        return State.UNMATCHED
    return State.HELD if reasons else State.CLEAR


def _unknown(readings: Mapping[str, Reading], why: str) -> Verdict:
    outcome = Outcome.REJECTED if readings else Outcome.INCOMPLETE
    faults = [finding(FORMAT_UNKNOWN, file=None, message=why), *_findings(readings)]
    return Verdict(None, outcome, _facts(readings), in_order(faults))


def _refused(fmt: Format, readings: Mapping[str, Reading], faults: Iterable[Finding]) -> Verdict:
    missing = any(fault.code == layout.MISSING_FILE.code for fault in faults)
    outcome = Outcome.INCOMPLETE if missing else Outcome.REJECTED
    return Verdict(fmt.name, outcome, _facts(readings), in_order(faults))


def _findings(readings: Mapping[str, Reading]) -> list[Finding]:
    return [fault for one in readings.values() for fault in one.findings]


def _facts(readings: Mapping[str, Reading]) -> tuple[FileFacts, ...]:
    return tuple(FileFacts(one.name, one.rows, one.bytes, one.sha256) for one in readings.values())
