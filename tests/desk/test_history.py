from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from desk.conftest import HISTORY, a_past
from rostergate.core.delivery import State
from rostergate.desk.history import HEIGHT, WIDTH, history

if TYPE_CHECKING:
    from rostergate.desk.story import Story


def test_the_line_goes_through_what_was_accepted(stories: dict[str, Story]) -> None:
    """Each delivery has a mark at its rows; one of which nothing was used lies at the bottom, beside the line."""
    told = history(stories["changed"])
    assert told is not None
    assert [mark.past for mark in told.marks] == list(HISTORY)
    assert told.path.count("L") == len(HISTORY) - 2
    refused = next(mark for mark in told.marks if mark.kind == "bad")
    assert (refused.y, refused.outcome) == (HEIGHT, "refused")
    assert f"{refused.x} {refused.y}" not in told.path
    assert all(0 <= mark.x <= WIDTH and 0 <= mark.y <= HEIGHT for mark in told.marks)
    assert [mark.x for mark in told.marks] == sorted(mark.x for mark in told.marks)
    assert told.highest == max(one.rows or 0 for one in HISTORY)


@pytest.mark.parametrize(
    ("before", "last", "sentence"),
    [
        (1_000, 1_000, "This delivery has 1,000 rows, as many as the one accepted before it."),
        (1_000, 1_250, "This delivery has 1,250 rows: 250 more (25 %) than the one accepted before it."),
        (3, 1, "This delivery has 1 row: 2 fewer (66.7 %) than the one accepted before it."),
        (3, None, "Nothing of this delivery was used, so it stands at the bottom."),
        (None, 7, "This delivery has 7 rows."),
        (0, 7, "This delivery has 7 rows: 7 more than the one accepted before it."),
    ],
)
def test_the_last_one_is_compared(
    stories: dict[str, Story], before: int | None, last: int | None, sentence: str
) -> None:
    """A sentence says how this delivery compares with the one before it."""
    states = [State.REJECTED if rows is None else State.SETTLED for rows in (before, last)]
    two = (a_past(1, states[0], before), a_past(2, states[1], last))
    told = history(replace(stories["changed"], history=two))
    assert told is not None
    assert told.sentence == sentence


@pytest.mark.parametrize("past", [(), (a_past(1),), (a_past(1, State.REJECTED, None), a_past(2, State.FAILED, None))])
def test_too_little_is_no_history(stories: dict[str, Story], past: tuple[object, ...]) -> None:
    """A first delivery, and one before anything was accepted, has no line."""
    assert history(replace(stories["changed"], history=past)) is None
