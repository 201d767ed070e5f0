from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate.core.plan_state import State
from rostergate.desk.wording import changes_scope, changes_title, facts, hold_numbers, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.desk.story import Story


def test_numbers_of_a_hold_have_readable_labels() -> None:
    """Limits say on which side they limit, tables have their title, numbers are separated."""
    told = hold_numbers(
        {"table": "student_schools", "removed": 1412, "percent": 51.5, "percent_max": 20.0, "rows_min": 25}
    )
    assert told == (
        ("table", "Students in schools"),
        ("removed", "1,412"),
        ("percent", "51.5"),
        ("percent, at most", "20"),
        ("rows, at least", "25"),
    )


@pytest.mark.parametrize("state", State)
def test_every_state_of_a_school_has_words(tell: Callable[..., Story], stories: dict[str, Story], state: State) -> None:
    """No state is shown as a program's name for it, neither in a delivery nor in a dry run."""
    verdict = dict(stories["held"].verdict or {})
    verdict["schools"] = [{**verdict["schools"][0], "state": state.value}]
    story, preview = tell(verdict), tell(verdict, delivery=None, state=None)
    assert state_of(story, story.schools[0])
    assert state_of(preview, preview.schools[0]).startswith("would ") or state in {
        State.APPLIED, State.DISCARDED, State.SUPERSEDED, State.DESELECTED,
    }  # fmt: skip


@pytest.mark.parametrize(("deliveries", "words"), [(1, "on hold"), (3, "on hold since Mon 31 Aug 2026 (3 deliveries)")])
def test_a_school_that_was_held_before_says_since_when(
    tell: Callable[..., Story], stories: dict[str, Story], deliveries: int, words: str
) -> None:
    """By the district's calendar; what is held for the first time is on hold since this delivery."""
    verdict = dict(stories["all held"].verdict or {})
    wait = {"held_since": "2026-09-01T03:00:00+00:00", "held_deliveries": deliveries}
    story = tell({**verdict, "schools": [verdict["schools"][0] | wait]})
    assert state_of(story, story.schools[0]) == words


@pytest.mark.parametrize(
    ("kind", "title", "scope"),
    [
        ("changed", "What changed", "counted once."),
        ("same", "What the roster has", "counted once."),
        ("held", "What this delivery changes", "although nothing of them has changed yet."),
        ("discarded", "What this delivery was to change", "Schools whose changes were dropped are counted too."),
        ("superseded", "What this delivery was to change", "Schools whose changes were dropped are counted too."),
        ("preview", "What would change", "Schools that wait are counted too."),
    ],
)
def test_counts_say_what_they_count(stories: dict[str, Story], kind: str, title: str, scope: str) -> None:
    """The heading and the note above the counts fit what became of the changes."""
    assert changes_title(stories[kind]) == title
    assert changes_scope(stories[kind]).endswith(scope)


def test_unknown_facts_are_left_out(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """A delivery that is being checked has neither format nor time of decision; an unrecognised set says so."""
    assert [label for label, _ in facts(stories["sealed"])] == ["Delivery", "Received", "Next upload"]
    verdict = {**(stories["rejected"].verdict or {}), "format": None}
    assert ("Format", "not recognised") in facts(tell(verdict, state="rejected"))


def test_it_is_told_why_a_set_was_taken_for_a_format(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Where a format was recognised, the report says by what."""
    verdict = {**(stories["changed"].verdict or {}), "recognised": "6 of 6 files are those of direct."}
    assert ("Recognised by", "6 of 6 files are those of direct.") in facts(tell(verdict, state="settled"))
