from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rostergate.desk.summary import Tone, sentence, summary

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.desk.story import Story

SENTENCES = {
    "changed": "Accepted: 100 changes in 1 school are in the roster.",
    "same": "Nothing changed: the roster is already as the files say.",
    "faulty": "Accepted: 100 changes in 1 school are in the roster; 2 errors and 118 alerts were found.",
    "rejected": "Refused: 1 format error was found (students.csv, line 1042), so nothing was changed.",
    "held": "Accepted in part: 1 of 3 schools waits for a person to look at it; "
    "100 changes in 1 school are in the roster.",
    "all held": "On hold: the school waits for a person to look at it; nothing else has changed.",
    "released": "Accepted: 528 changes in 2 schools are in the roster.",
    "discarded": "Accepted: a person decided against the changes of 1 school; "
    "100 changes in 1 school are in the roster.",
    "unmatched": "Accepted in part: 1 of 2 schools is not known to the platform yet; "
    "100 changes in 1 school are in the roster.",
    "superseded": "Replaced: a newer delivery took its place before all its schools were decided; "
    "100 changes in 1 school had been made before.",
    "superseded by an undo": "Replaced: the undo lincoln-00018 took its place before all its schools were decided; "
    "100 changes in 1 school had been made before.",
    "ended by an erasure": "Ended: a person was erased before all its schools were decided; "
    "100 changes in 1 school had been made before.",
    "preview": "Dry run, would be accepted in part: 1 of 2 schools would wait for a person to look at it; "
    "100 changes in 1 school would be made; 2 errors were found.",
    "refused preview": "Dry run, would be refused: 1 format error was found (students.csv, line 1042), "
    "so nothing would be changed.",
    "incomplete": "Dry run, not complete: required files are missing, so nothing was decided.",
    "failed": "Not processed: something went wrong on our side, and nothing was changed.",
    "sealed": "Received: the files are being checked, and nothing has been changed yet.",
}


@pytest.mark.parametrize("kind", SENTENCES)
def test_every_kind_of_delivery_has_its_sentence(stories: dict[str, Story], kind: str) -> None:
    """The verdict is told in one sentence, with singular and plural right."""
    assert sentence(stories[kind]) == SENTENCES[kind]


def test_no_kind_is_forgotten(stories: dict[str, Story]) -> None:
    """Every story that the tests know has its sentence checked."""
    assert SENTENCES.keys() == stories.keys()


@pytest.mark.parametrize(
    ("kind", "tone"),
    [("changed", Tone.GOOD), ("same", Tone.QUIET), ("held", Tone.WAIT), ("rejected", Tone.BAD), ("failed", Tone.BAD)],
)
def test_the_tone_says_whether_to_act(stories: dict[str, Story], kind: str, tone: Tone) -> None:
    """The tone follows what became of the delivery."""
    assert summary(stories[kind]).tone is tone


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (("unmatched",), "Waiting for a match: the school is not known to the platform yet; nothing else has changed."),
        (
            ("unmatched", "unmatched"),
            "Waiting for a match: all 2 schools are not known to the platform yet; nothing else has changed.",
        ),
        (("clear",), "Accepted: 100 changes in 1 school are about to be made."),
        (("discarded",), "Discarded: a person decided against the changes of 1 school; nothing else has changed."),
        (("held", "held"), "On hold: all 2 schools wait for a person to look at them; nothing else has changed."),
        (("deselected",), "Nothing changed: none of its schools is rostered."),
    ],
)  # fmt: skip
def test_schools_are_counted(
    tell: Callable[..., Story], stories: dict[str, Story], states: tuple[str, ...], told: str
) -> None:
    """The sentence counts the schools by what became of them."""
    verdict = dict(stories["changed"].verdict or {})
    lincoln = verdict["schools"][0]
    verdict["schools"] = [{**lincoln, "school_id": str(place), "state": state} for place, state in enumerate(states)]
    assert sentence(tell(verdict, state="planned")) == told


def test_what_was_found_comes_before_what_stays(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Where nothing changed, a mail is about the faults alone: its subject is read no further than they stand."""
    verdict = {**(stories["same"].verdict or {}), "findings": (stories["faulty"].verdict or {})["findings"]}
    assert sentence(tell(verdict)) == (
        "Nothing changed: 2 errors and 118 alerts were found; otherwise the roster is already as the files say."
    )


def test_an_undo_is_told_on_both_sides(stories: dict[str, Story]) -> None:
    """The undo names the delivery whose changes it takes back; that delivery names the undo."""
    undo, undone = (
        replace(stories["changed"], undoes="lincoln-00016"),
        replace(stories["changed"], undone_by=("lincoln-00018",)),
    )
    assert sentence(undo) == (
        "Accepted: the platform's operator takes back what delivery lincoln-00016 changed; "
        "100 changes in 1 school are in the roster."
    )
    assert "taken back since, as far as told in lincoln-00018" in sentence(undone)
