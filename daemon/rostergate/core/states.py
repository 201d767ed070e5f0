"""State machines as tables: what may follow what, and nothing else.

Rule 1: a machine is one mapping of (state, event) to the next state; a pair that is not in it is illegal.
Rule 2: an illegal pair raises and changes nothing: it is a fault of the program, never of the data.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class IllegalTransition(AssertionError):  # noqa: N818 - it names what happened
    """An event came in a state that does not know it."""


def step(transitions: Mapping[tuple[S, E], S], state: S, event: E) -> S:
    """Return the state that follows. Raises `IllegalTransition` when the table has no such pair."""
    try:
        return transitions[state, event]
    except KeyError:
        raise IllegalTransition(f"a {state.value} one cannot be {event.value}") from None
