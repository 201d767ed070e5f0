"""The life of a plan: its states, what can happen to it, and what follows.

clear ─applied► applied        held ─released► clear      held ─discarded► discarded
unmatched ─matched► clear | held (two events)             unmatched ─deselected► deselected
clear | held | unmatched ─replaced► superseded
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from rostergate.core.states import step


class State(StrEnum):
    """The states of a plan."""

    CLEAR = "clear"  # may be applied
    HELD = "held"  # waits for a person: release or discard
    UNMATCHED = "unmatched"  # its school waits to be matched to a school of the platform
    APPLIED = "applied"  # written into the roster
    DISCARDED = "discarded"  # dropped by a person
    DESELECTED = "deselected"  # its school is not rostered
    SUPERSEDED = "superseded"  # a newer delivery took its place, or somebody whom it may name was erased


class Event(StrEnum):
    """What can happen to a plan."""

    APPLIED = "applied"
    RELEASED = "released"
    DISCARDED = "discarded"
    MATCHED_CLEAR = "matched-clear"  # its school was matched, and no hold stops it
    MATCHED_HELD = "matched-held"  # its school was matched, and a hold stops it
    DESELECTED = "deselected"
    REPLACED = "replaced"


OPEN = frozenset({State.CLEAR, State.HELD, State.UNMATCHED})
"""The states in which something can still follow."""

TRANSITIONS = MappingProxyType(
    {
        (State.CLEAR, Event.APPLIED): State.APPLIED,
        (State.HELD, Event.RELEASED): State.CLEAR,
        (State.HELD, Event.DISCARDED): State.DISCARDED,
        (State.UNMATCHED, Event.MATCHED_CLEAR): State.CLEAR,
        (State.UNMATCHED, Event.MATCHED_HELD): State.HELD,
        (State.UNMATCHED, Event.DESELECTED): State.DESELECTED,
    }
    | {(state, Event.REPLACED): State.SUPERSEDED for state in OPEN}
)
"""(state, event) -> the state that follows. A pair that is not here is illegal."""


def after(state: State, event: Event) -> State:
    """Return the state that follows. Raises `IllegalTransition` for a pair that `TRANSITIONS` does not have."""
    return step(TRANSITIONS, state, event)
