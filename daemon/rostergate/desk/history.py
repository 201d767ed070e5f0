"""The history of a district's last deliveries, as a line that stands in report.html and says the same as its table.

Rule: the drawing has no text and no size of its own: it is stretched, and its marks keep their shape by their strokes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rostergate.core.delivery import State
from rostergate.desk.words import counted, day, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rostergate.desk.story import Story
    from rostergate.store.past import Past

WIDTH: Final = 1_000
HEIGHT: Final = 100
_EDGE: Final = 10  # units that the outermost marks keep from the sides
_TOP: Final = 12  # units above the highest
_FEW: Final = 2  # one delivery has no history

WAITING, GOOD, BAD, QUIET = "waiting", "good", "bad", "quiet"
_KINDS: Final = {
    State.SETTLED: (GOOD, "accepted"),
    State.PLANNED: (WAITING, "a school waits"),
    State.REJECTED: (BAD, "refused"),
    State.FAILED: (BAD, "not processed"),
    State.SUPERSEDED: (QUIET, "ended before all of it was decided"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One delivery on the line, in units of the drawing, and in words."""

    x: float
    y: float
    kind: str
    outcome: str
    day: str
    past: Past


@dataclass(frozen=True, slots=True)
class History:
    """The last deliveries, oldest first."""

    marks: tuple[Mark, ...]
    path: str
    """Of the line through those that were accepted (SVG path data)."""
    highest: int
    """Rows at the top of the drawing; its bottom is 0."""
    sentence: str
    """What the last one has beside the one before it."""


def history(story: Story) -> History | None:
    """Return the history that ends with this delivery; None where there is too little of it."""
    told = [one for one in story.history if one.state in _KINDS]
    highest = max((one.rows or 0 for one in told), default=0)
    if len(told) < _FEW or not highest:
        return None
    step = (WIDTH - 2 * _EDGE) / (len(told) - 1)
    marks = tuple(
        Mark(
            x=round(_EDGE + place * step, 1),
            y=round(HEIGHT - (HEIGHT - _TOP) * (one.rows or 0) / highest, 1),
            kind=_KINDS[one.state][0],
            outcome=_KINDS[one.state][1],
            day=day(one.received_at.astimezone(story.zone)),
            past=one,
        )
        for place, one in enumerate(told)
    )
    through = [f"{mark.x} {mark.y}" for mark in marks if mark.past.rows is not None]
    return History(marks, f"M{' L'.join(through)}", highest, _sentence(told))


def _sentence(told: Sequence[Past]) -> str:
    *before, last = told
    if last.rows is None:
        return "Nothing of this delivery was used, so it stands at the bottom."
    earlier = next((one.rows for one in reversed(before) if one.rows is not None), None)
    if earlier is None:
        return f"This delivery has {counted(last.rows, 'row')}."
    if last.rows == earlier:
        return f"This delivery has {counted(last.rows, 'row')}, as many as the one accepted before it."
    more = "more" if last.rows > earlier else "fewer"
    share = f" ({number(round(100 * abs(last.rows - earlier) / earlier, 1))} %)" if earlier else ""
    return (
        f"This delivery has {counted(last.rows, 'row')}: {number(abs(last.rows - earlier))} {more}{share} "
        "than the one accepted before it."
    )
