"""The wording that LATEST.txt and report.html share for schools, tables, findings and times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.findings import Finding, Severity
from rostergate.core.plan_state import OPEN
from rostergate.core.plan_state import State as PlanState
from rostergate.desk.words import counted, day, lines_of, moment, number, plain, table_title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.desk.story import School, Story

SEVERITY_TITLES = {
    Severity.FORMAT_ERROR: "Format errors",
    Severity.ERROR: "Errors",
    Severity.ALERT: "Alerts",
}
SEVERITY_MEANINGS = {
    Severity.FORMAT_ERROR: "The whole delivery is refused until these are corrected.",
    Severity.ERROR: "These rows are left out, unless it is said otherwise. What the roster has of such a row stays.",
    Severity.ALERT: "These rows are used, but something about them is incomplete.",
}

_NAME_CHARS_MAX = 200  # of a file or a column, which may be anything

_STATES = {
    PlanState.HELD: "on hold",
    PlanState.UNMATCHED: "waiting for a match",
    PlanState.CLEAR: "about to be applied",
    PlanState.APPLIED: "applied",
    PlanState.DISCARDED: "discarded",
    PlanState.SUPERSEDED: "replaced",
    PlanState.DESELECTED: "not rostered",
}
_CLOSED = frozenset(PlanState) - OPEN
_PREVIEW_STATES = {
    PlanState.HELD: "would be on hold",
    PlanState.UNMATCHED: "would wait for a match",
    PlanState.CLEAR: "would be applied",
    PlanState.DESELECTED: "not rostered",
}


def state_of(story: Story, school: School) -> str:
    """Return what became of a school: `on hold`, `released and applied`, `no changes`.

    One that has been held before, and nobody has decided about, is `on hold since Tue 1 Sep 2026 (3 deliveries)`.
    """
    if school.state is PlanState.HELD and school.held_since is not None and school.held_deliveries > 1:
        since = day(school.held_since.astimezone(story.zone))
        return f"{_STATES[school.state]} since {since} ({counted(school.held_deliveries, 'delivery', 'deliveries')})"
    if not school.changed and school.state in {PlanState.APPLIED, PlanState.CLEAR}:
        return "no changes"
    if story.preview and school.state in _PREVIEW_STATES:
        return _PREVIEW_STATES[school.state]
    if school.state is PlanState.SUPERSEDED:
        by = successor(story)
        return f"{_STATES[school.state]} by {by}" if by else "ended when a person was erased"
    return f"released and {_STATES[school.state]}" if school.released else _STATES[school.state]


def successor(story: Story) -> str:
    """Return what took the place of a delivery that is superseded; empty when an erasure ended it."""
    if story.replaced_by is None:
        return ""
    return f"the undo {story.replaced_by}" if story.replaced_by_undo else "a newer delivery"


def left_out(school: School) -> str:
    """Return how many of a school's rows could not be used; empty where all could."""
    return f"{counted(school.left_out, 'row')} could not be used, see findings" if school.left_out else ""


def changes_title(story: Story) -> str:
    """Return the heading above the counts per table."""
    if story.preview:
        return "What would change"
    states = {school.state for school in story.schools if school.changed}
    if not states:
        return "What the roster has"
    if states <= {PlanState.APPLIED}:
        return "What changed"
    return "What this delivery was to change" if states <= _CLOSED else "What this delivery changes"


def changes_scope(story: Story) -> str:
    """Return what the counts per table count."""
    scope = "Rows of the whole district; each person is counted once."
    states = {school.state for school in story.schools if school.changed}
    if states & {PlanState.HELD, PlanState.UNMATCHED}:
        scope += " Schools that wait are counted too" + (
            "." if story.preview else ", although nothing of them has changed yet."
        )
    elif states & {PlanState.DISCARDED, PlanState.SUPERSEDED}:
        scope += " Schools whose changes were dropped are counted too."
    return scope


def place_of(finding: Finding) -> str:
    """Return where a finding is: `students.csv, column email, lines 3 and 4`."""
    column = f"column {finding.column[:_NAME_CHARS_MAX]}" if finding.column else ""
    parts = (
        finding.file[:_NAME_CHARS_MAX] if finding.file else "the whole set",
        column,
        lines_of(finding.lines, finding.count),
    )
    return ", ".join(part for part in parts if part)


def facts(story: Story) -> tuple[tuple[str, str], ...]:
    """Return what a delivery is, as (label, value): id, times, format and why it is that one, next upload.

    Unknown values are left out.
    """
    verdict = story.verdict or {}
    files = verdict.get("files", ())
    rows = sum(one["rows"] for one in files)
    every = (
        ("Delivery", story.delivery or "dry run"),
        ("Undoes", story.undoes or ""),
        ("Undone by", ", ".join(story.undone_by)),
        ("Asked for" if story.undoes else "Received", moment(story.received_at, story.zone)),
        ("Decided", moment(story.decided_at, story.zone) if story.decided_at else ""),
        ("Format", verdict.get("format") or ("not recognised" if story.outcome and not story.undoes else "")),
        ("Recognised by", verdict.get("recognised") or ""),
        ("Files", f"{counted(len(files), 'file')}, {counted(rows, 'row')}" if files else ""),
        ("Next upload", _next_upload(story)),
    )
    return tuple((label, value) for label, value in every if value)


def hold_numbers(numbers: Mapping[str, str | int | float]) -> tuple[tuple[str, str], ...]:
    """Return the numbers behind a hold as (label, value): `percent_max` is called `percent, at most`."""
    return tuple((_label(name), _shown(name, value)) for name, value in numbers.items())


def _shown(name: str, value: str | float) -> str:
    if isinstance(value, str):
        return table_title(value) if name == "table" else plain(value)
    return number(value)


def _label(name: str) -> str:
    for ending, words in (("_max", ", at most"), ("_min", ", at least"), ("_most", ", the most")):
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ") + words
    return name.replace("_", " ")


def _next_upload(story: Story) -> str:
    if story.next_opening is None:
        return "possible now"
    return f"possible from {moment(story.next_opening, story.zone)}"
