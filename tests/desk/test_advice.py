from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rostergate.desk.advice import about_school, next_steps, opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.desk.story import Story


def test_everybody_is_told_what_to_do(stories: dict[str, Story]) -> None:
    """Whatever became of a delivery, there is at least one whole sentence on what to do."""
    for kind, story in stories.items():
        assert next_steps(story), kind
        assert all(step.endswith(".") for step in next_steps(story)), kind


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("rejected", "Correct what is listed under Findings"),
        ("held", "Look at each school on hold"),
        ("unmatched", "Schools that wait for a match are matched by the platform's operator."),
        ("faulty", "Correct the errors under Findings in your SIS"),
        ("preview", "Look at the errors under Findings first"),
        ("refused preview", "Correct what is listed under Findings, then upload all files to /preview/ again."),
        ("changed", "Nothing to do."),
    ],
)
def test_the_first_step_is_the_most_important(stories: dict[str, Story], kind: str, first: str) -> None:
    """What decides about the delivery comes before everything else."""
    assert next_steps(stories[kind])[0].startswith(first)


def test_alerts_alone_can_wait(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Alerts are mentioned when there is nothing graver."""
    verdict = dict(stories["faulty"].verdict or {})
    verdict["findings"] = [one for one in verdict["findings"] if one["severity"] == "alert"]
    assert next_steps(tell(verdict)) == ("Look at the alerts under Findings when you have time.",)


def test_the_next_upload_is_told_in_the_districts_zone(stories: dict[str, Story]) -> None:
    """The next opening has its zone; without one, an upload is possible now."""
    assert opening(stories["held"]) == "from Wed 2 Sep 2026, 00:00 CDT (America/Chicago)"
    assert opening(stories["rejected"]) == "now"


def test_an_undo_is_not_corrected_in_an_export(stories: dict[str, Story]) -> None:
    """It has no files: what waits of it is released or discarded."""
    undo = replace(stories["held"], undoes="lincoln-00016")
    steps = (*next_steps(undo)[1:], *about_school(undo, undo.schools[0]))
    assert not [one for one in steps if "export" in one]
    assert [one for one in steps if "ask the operator to discard it" in one]


def test_only_a_school_that_waits_has_advice(stories: dict[str, Story]) -> None:
    """A school that is done needs nothing; one without a match is not the district's to solve."""
    assert [bool(about_school(stories["held"], one)) for one in stories["held"].schools] == [True, False, False]
    told = about_school(stories["unmatched"], stories["unmatched"].schools[0])
    assert told == (
        "The platform's operator has to match it to a school of the platform. You need not upload it again.",
    )
