"""Advice: what the district can do now, in words for someone who runs an SIS export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core.delivery import State
from rostergate.core.findings import Severity
from rostergate.core.plan_state import State as PlanState
from rostergate.core.verdict import Outcome
from rostergate.desk.words import moment

if TYPE_CHECKING:
    from rostergate.desk.story import School, Story


def next_steps(story: Story) -> tuple[str, ...]:
    """Return what to do about a delivery, most important first; at least one sentence."""
    if story.preview:
        return _after_preview(story)
    if story.state == State.SUPERSEDED:
        if story.replaced_by is None:
            return ("Nothing to correct: your next delivery brings again what still waited.",)
        return ("Look at the report of your newest delivery instead.",)
    if story.outcome is None:
        return _undecided(story)
    if story.outcome is not Outcome.ACCEPTED:
        return (
            "Correct what is listed under Findings in your SIS or in its export.",
            f"Upload all files again, {_when(story)}. A refused delivery does not use your upload of the day.",
        )
    return _after_acceptance(story)


def opening(story: Story) -> str:
    """Return when the district can upload again: `now`, or `from Wed 2 Sep 2026, 00:00 CDT (America/Chicago)`."""
    return "now" if story.next_opening is None else f"from {moment(story.next_opening, story.zone)}"


def about_school(story: Story, school: School) -> tuple[str, ...]:
    """Return what to do about one school that waits; empty for any other."""
    if school.state is PlanState.UNMATCHED:
        return ("The platform's operator has to match it to a school of the platform. You need not upload it again.",)
    if school.state is not PlanState.HELD:
        return ()
    if story.preview:
        return (
            "If the numbers are right: upload as usual, then ask the platform's operator to release the school.",
            "If they are not: correct the export and try again.",
        )
    plan = school.plan or "(not known)"
    if story.undoes:
        return (
            f"If that is to be taken back: ask the platform's operator to release plan {plan}.",
            "If it is not: ask the operator to discard it. The school stays as it is.",
            "A new delivery replaces the plans of this undo that are still open.",
        )
    return (
        f"If the numbers are right: ask the platform's operator to release plan {plan}.",
        f"If they are not: correct the export and upload all files again, {_when(story)}.",
        "A new delivery replaces the plans of this one that are still open.",
    )


def _after_preview(story: Story) -> tuple[str, ...]:
    if story.outcome is not Outcome.ACCEPTED:
        return ("Correct what is listed under Findings, then upload all files to /preview/ again.",)
    steps = ["To deliver for real, upload the same files to the top folder instead of /preview/."]
    if story.found(Severity.ERROR):
        steps.insert(0, "Look at the errors under Findings first: those rows would be left out.")
    return tuple(steps)


def _undecided(story: Story) -> tuple[str, ...]:
    if story.state == State.FAILED:
        return (
            f"Tell the platform's operator, and name delivery {story.delivery}: it can be processed again as it is.",
            f"Or upload all files again, {_when(story)}. A failed delivery does not use your upload of the day.",
        )
    return ("Wait: this page is written again as soon as the files are checked.",)


def _after_acceptance(story: Story) -> tuple[str, ...]:
    states = {school.state for school in story.schools}
    steps = []
    if story.undoes:
        steps.append(
            f"Correct in your SIS what was wrong in delivery {story.undoes}: "
            "if your next upload has the same rows, it makes the same changes again."
        )
    if PlanState.HELD in states:
        otherwise = "discarded" if story.undoes else "correct the export"
        steps.append(f"Look at each school on hold, and have it released or {otherwise}, as described there.")
    if PlanState.UNMATCHED in states:
        steps.append("Schools that wait for a match are matched by the platform's operator.")
    if story.found(Severity.ERROR):
        steps.append(
            "Correct the errors under Findings in your SIS; the next delivery picks them up. "
            "What the roster already has of those rows stays as it is until then."
        )
    if story.found(Severity.ALERT) and not story.found(Severity.ERROR):
        steps.append("Look at the alerts under Findings when you have time.")
    return tuple(steps) or ("Nothing to do. Your next export can come as usual.",)


def _when(story: Story) -> str:
    """Word a moment to upload so that the sentence around it stays right: `now` or `from ... on`."""
    return opening(story) if story.next_opening is None else f"{opening(story)} on"
