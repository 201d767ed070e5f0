"""The status of a school: where it stands after the district's last accepted delivery, in one word."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from rostergate.core.plan_state import State

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """Where a school stands, most urgent first."""

    ON_HOLD = "on hold"  # its plan waits for a person to release or discard it
    WAITING = "waiting for a match"  # its plan waits for a person to match it to a school of the platform
    ERRORS = "errors"  # rows of it could not be used; what the roster has of them stays
    CONNECTED = "connected"  # it is rostered, and nothing is wrong
    DESELECTED = "deselected"  # a person took it out: nothing of it is written
    NOT_IN_FILES = (
        "not in the files"  # the delivery does not name it, or what would have brought it was dropped or undone
    )


_OF_STATE: Final[Mapping[State, Status]] = {
    State.HELD: Status.ON_HOLD,
    State.UNMATCHED: Status.WAITING,
    State.DESELECTED: Status.DESELECTED,
}
"""The states that are a status whatever the files say."""

_DROPPED: Final = frozenset({State.DISCARDED, State.SUPERSEDED})
"""The states of a plan of which nothing was written."""

URGENCY: Final = {status: place for place, status in enumerate(Status)}
"""Status -> its place in a list, most urgent first."""


def urgency(told: Status, name: str, school_id: str) -> tuple[int, str, str]:
    """Return what schools are sorted by: most urgent first, then by name, then by id."""
    return URGENCY[told], name.casefold(), school_id


def status(state: State, *, in_files: bool, new: bool, left_out: int) -> Status:
    """Return the most urgent status of a school by its plan: the state, and how many of its rows could not be used.

    A plan that was discarded or superseded says nothing about the roster: its school stands as it stood before. One
    that the plan would have brought into the roster (`new`) stands as if the files did not name it.
    """
    if told := _OF_STATE.get(state):
        return told
    if new and state in _DROPPED:
        return Status.NOT_IN_FILES
    if left_out:
        return Status.ERRORS
    return Status.CONNECTED if in_files else Status.NOT_IN_FILES
