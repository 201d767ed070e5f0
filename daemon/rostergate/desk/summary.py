"""The summary: one delivery in one sentence, the same in LATEST.txt, report.html, status.json and mail.

Rule: a sentence holds counts and, for a single format error, its file, column and lines. It names no school and no
person, so that it may stand in a mail's subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rostergate.core.delivery import State
from rostergate.core.findings import Severity
from rostergate.core.plan_state import State as PlanState
from rostergate.core.verdict import Outcome
from rostergate.desk import wording
from rostergate.desk.words import counted, listed, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rostergate.desk.story import School, Story

DRY_RUN = "DRY RUN: nothing was changed, your upload of the day is not used."


class Tone(StrEnum):
    """How a summary is shown: its colour and its icon."""

    GOOD = "good"  # done
    WAIT = "wait"  # somebody has to decide, or has to wait
    BAD = "bad"  # the district has to correct something
    QUIET = "quiet"  # nothing happened, and that is right


@dataclass(frozen=True, slots=True)
class Summary:
    """A delivery in one sentence, in its two halves."""

    tone: Tone
    headline: str
    """Two to five words: `Accepted in part`."""
    body: str
    """The rest of the sentence, without its full stop."""


def sentence(story: Story) -> str:
    """Return the verdict in one sentence, for example `Accepted: 57 changes in 3 schools are in the roster.`."""
    told = summary(story)
    start = f"Dry run, {told.headline[0].lower()}{told.headline[1:]}" if story.preview else told.headline
    return f"{start}: {told.body}."


def summary(story: Story) -> Summary:
    """Return what became of a delivery, or what would become of a preview."""
    if story.state == State.SUPERSEDED:
        return _superseded(story)
    match story.outcome:
        case None:
            return _undecided(story)
        case Outcome.REJECTED:
            return _rejected(story)
        case Outcome.INCOMPLETE:
            return Summary(Tone.BAD, "Not complete", "required files are missing, so nothing was decided")
        case Outcome.ACCEPTED:
            return _accepted(story)


def _undecided(story: Story) -> Summary:
    if story.state == State.FAILED:
        return Summary(Tone.BAD, "Not processed", "something went wrong on our side, and nothing was changed")
    return Summary(Tone.WAIT, "Received", "the files are being checked, and nothing has been changed yet")


def _rejected(story: Story) -> Summary:
    headline, effect = ("Would be refused", "would be") if story.preview else ("Refused", "was")
    return Summary(Tone.BAD, headline, f"{_found(story)}, so nothing {effect} changed")


def _superseded(story: Story) -> Summary:
    by = wording.successor(story)
    body = f"{f'{by} took its place' if by else 'a person was erased'} before all its schools were decided"
    applied = _in(story, PlanState.APPLIED)
    if _rows(story, applied):
        body += f"; {_changes(story, applied)} had been made before"
    return Summary(Tone.QUIET, "Replaced" if by else "Ended", body)


def _accepted(story: Story) -> Summary:
    waiting = [*_in(story, PlanState.HELD), *_in(story, PlanState.UNMATCHED)]
    free = [*_in(story, PlanState.CLEAR), *_in(story, PlanState.APPLIED)]
    clauses = _undo_clauses(story) + _waiting_clauses(story) + _discarded_clauses(story)
    faults = _faults(story)
    if _rows(story, free):
        clauses.append(_applied_clause(story, free))
    elif clauses:
        clauses.append("nothing else changes" if story.preview else "nothing else has changed")
    elif story.schools and len(_in(story, PlanState.DESELECTED)) == len(story.schools):
        clauses.append("none of its schools is rostered")
    else:
        clauses, faults = [*faults, f"{'otherwise ' if faults else ''}the roster is already as the files say"], []
    return Summary(_tone(story, waiting, free), _headline(story, waiting, free), "; ".join(clauses + faults))


def _headline(story: Story, waiting: Sequence[School], free: Sequence[School]) -> str:
    if waiting and _rows(story, free):
        return "Would be accepted in part" if story.preview else "Accepted in part"
    if waiting and any(school.state is PlanState.HELD for school in waiting):
        return "Would be on hold" if story.preview else "On hold"
    if waiting:
        return "Would wait for a match" if story.preview else "Waiting for a match"
    if _rows(story, free):
        return "Would be accepted" if story.preview else "Accepted"
    if _in(story, PlanState.DISCARDED):
        return "Discarded"
    return "Would change nothing" if story.preview else "Nothing changed"


def _tone(story: Story, waiting: Sequence[School], free: Sequence[School]) -> Tone:
    if waiting:
        return Tone.WAIT
    return Tone.GOOD if _rows(story, free) else Tone.QUIET


def _undo_clauses(story: Story) -> list[str]:
    if story.undoes:
        return [f"the platform's operator takes back what delivery {story.undoes} changed"]
    return [f"taken back since, as far as told in {listed(story.undone_by)}"] if story.undone_by else []


def _waiting_clauses(story: Story) -> list[str]:
    held, unmatched = _in(story, PlanState.HELD), _in(story, PlanState.UNMATCHED)
    clauses = []
    if held:
        verb = "would wait" if story.preview else "waits" if len(held) == 1 else "wait"
        clauses.append(f"{_of(held, story)} {verb} for a person to look at {'it' if len(held) == 1 else 'them'}")
    if unmatched:
        clauses.append(
            f"{_of(unmatched, story)} {'is' if len(unmatched) == 1 else 'are'} not known to the platform yet"
        )
    return clauses


def _discarded_clauses(story: Story) -> list[str]:
    discarded = _in(story, PlanState.DISCARDED)
    return [f"a person decided against the changes of {counted(len(discarded), 'school')}"] if discarded else []


def _applied_clause(story: Story, schools: Sequence[School]) -> str:
    changes = _changes(story, schools)
    if story.preview:
        return f"{changes} would be made"
    verb = "is" if _rows(story, schools) == 1 else "are"
    done = all(school.state is PlanState.APPLIED for school in schools)
    return f"{changes} {verb} {'in the roster' if done else 'about to be made'}"


def _faults(story: Story) -> list[str]:
    counts = ((story.found(Severity.ERROR), "error"), (story.found(Severity.ALERT), "alert"))
    told = [counted(count, noun) for count, noun in counts if count]
    one = sum(count for count, _ in counts) == 1
    return [f"{listed(told)} {'was' if one else 'were'} found"] if told else []


def _found(story: Story) -> str:
    count = story.found(Severity.FORMAT_ERROR)
    places = [one for one in story.findings if one.severity is Severity.FORMAT_ERROR]
    found = f"{counted(count, 'format error')} {'was' if count == 1 else 'were'} found"
    return f"{found} ({wording.place_of(places[0])})" if len(places) == 1 else found


def _in(story: Story, state: PlanState) -> list[School]:
    return [school for school in story.schools if school.state is state]


def _of(some: Sequence[School], story: Story) -> str:
    every = len(story.schools)
    if len(some) < every:
        return f"{number(len(some))} of {counted(every, 'school')}"
    return "the school" if every == 1 else f"all {counted(every, 'school')}"


def _changes(story: Story, schools: Sequence[School]) -> str:
    touched = sum(1 for school in schools if school.changed)
    return f"{counted(_rows(story, schools), 'change')} in {counted(touched, 'school')}"


def _rows(story: Story, schools: Sequence[School]) -> int:
    """Count changed rows. A person of two schools stands in both plans; the totals, where they fit, count them once."""
    touched = [school for school in schools if school.changed]
    if touched and len(touched) == sum(1 for school in story.schools if school.changed):
        once = sum(table["added"] + table["updated"] + table["removed"] for table in story.totals.values())
        if once:
            return once
    return sum(school.changed for school in touched)
