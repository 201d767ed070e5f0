"""Accounts: the states of a person's account on the platform, and who is linked to an account that is there already.

    offered ─linked► linked        offered ─claimed► claimed        linked ─claimed► claimed

`offered` is the account of everybody whose plan was applied; it is there to be taken. `linked` is one that the platform
had before: its owner is on the platform already. `claimed` is one that its owner has taken. Whoever is archived and
returns has the same account, in the same state: nothing leads back.

Rule 1: an account is linked to one person at most, and a person to one account. Where two fit, nobody is linked: a
wrong link shows one family's children to another.
Rule 2: an e-mail address counts before a phone number, which families share.
Rule 3: a class is live from the moment on when one of its teachers is active, and stays so.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.states import step

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(StrEnum):
    """The states of an account."""

    OFFERED = "offered"  # made with the person; nobody has taken it yet
    LINKED = "linked"  # the platform had it before, with the person's e-mail address or phone number
    CLAIMED = "claimed"  # its owner has taken it


class Event(StrEnum):
    """What can happen to an account."""

    LINKED = "linked"
    CLAIMED = "claimed"


class ClassState(StrEnum):
    """The states of a class."""

    PENDING = "pending"  # none of its teachers has been active yet
    LIVE = "live"


ACTIVE = frozenset({State.LINKED, State.CLAIMED})
"""The states in which an account's owner is on the platform."""

TRANSITIONS = MappingProxyType(
    {
        (State.OFFERED, Event.LINKED): State.LINKED,
        (State.OFFERED, Event.CLAIMED): State.CLAIMED,
        (State.LINKED, Event.CLAIMED): State.CLAIMED,
    }
)
"""(state, event) -> the state that follows. A pair that is not here is illegal."""


def after(state: State, event: Event) -> State:
    """Return the state that follows. Raises `IllegalTransition` for a pair that `TRANSITIONS` does not have."""
    return step(TRANSITIONS, state, event)


def links(fitting: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return the pairs of which neither side fits another one, in order.

    A pair is a person, by canonical table and id, and an account of the platform.
    """
    schema = dict.fromkeys(("role", "person_id", "account"), pl.String)
    pairs = pl.DataFrame(sorted(set(fitting)), schema=schema, orient="row")
    alone = pl.len().over("role", "person_id") == 1
    return pairs.filter(alone & (pl.len().over("account") == 1)).rows()
