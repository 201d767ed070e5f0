"""The model of one district that the stateful test keeps beside the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.rosters import same
from rostergate.core.diff import apply
from rostergate.core.roster import empty
from store.accounting import Accounts
from store.replaying import Platform

if TYPE_CHECKING:
    from rostergate.core.plan import Plan
    from rostergate.core.roster import Frames


@dataclass
class Open:
    """A plan that waits."""

    delivery: str
    plan: Plan
    wanted: Frames
    """What its school is to have."""


@dataclass
class District:
    """The model of one district."""

    slug: str
    roster: Frames = field(default_factory=empty)
    wanted: dict[str, Frames] = field(default_factory=dict)
    """School -> what its last applied or released plan wanted of it."""
    open: list[Open] = field(default_factory=list)
    closed: list[Open] = field(default_factory=list)
    """Held once, and superseded or closed since."""
    snapshots: list[Frames] = field(default_factory=list)
    left: dict[str, Frames] = field(default_factory=dict)
    """Delivery -> the roster as it left it."""
    accounts: Accounts = field(default_factory=Accounts)
    platform: Platform = field(default_factory=Platform)

    def apply(self, changes: list[Frames]) -> None:
        """Let the model follow what was applied."""
        after = apply(self.roster, changes)
        if not same(after, self.roster):
            self.accounts.follow(after)
        self.roster = after
