"""The life of a delivery: its states, what can happen to it, and what follows.

receiving ─completed► sealed ─refused► rejected
                      sealed ─accepted► planned ─last plan closed► settled
                      sealed ─gave up► failed ─retried► sealed
                      sealed | planned ─replaced► superseded
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from rostergate.core.states import step


class State(StrEnum):
    """The states of a delivery."""

    RECEIVING = "receiving"  # files are still coming in
    SEALED = "sealed"  # frozen: its bytes never change again
    REJECTED = "rejected"  # a format error: nothing of it is used, the slot is given back
    PLANNED = "planned"  # understood; at least one plan is still open
    SETTLED = "settled"  # every plan is closed
    FAILED = "failed"  # it could not be decided after all attempts
    SUPERSEDED = "superseded"  # a newer delivery took its place


CLOSED = frozenset({State.REJECTED, State.SETTLED, State.FAILED, State.SUPERSEDED})
"""The states in which nothing more is expected."""


class Event(StrEnum):
    """What can happen to a delivery."""

    COMPLETED = "completed"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    LAST_PLAN_CLOSED = "last-plan-closed"
    GAVE_UP = "gave-up"
    RETRIED = "retried"
    REPLACED = "replaced"


TRANSITIONS = MappingProxyType(
    {
        (State.RECEIVING, Event.COMPLETED): State.SEALED,
        (State.SEALED, Event.REFUSED): State.REJECTED,
        (State.SEALED, Event.ACCEPTED): State.PLANNED,
        (State.SEALED, Event.GAVE_UP): State.FAILED,
        (State.SEALED, Event.REPLACED): State.SUPERSEDED,
        (State.PLANNED, Event.LAST_PLAN_CLOSED): State.SETTLED,
        (State.PLANNED, Event.REPLACED): State.SUPERSEDED,
        (State.FAILED, Event.RETRIED): State.SEALED,
    }
)
"""(state, event) -> the state that follows. A pair that is not here is illegal."""


def after(state: State, event: Event) -> State:
    """Return the state that follows. Raises `IllegalTransition` for a pair that `TRANSITIONS` does not have."""
    return step(TRANSITIONS, state, event)
