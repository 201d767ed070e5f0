"""Whose account is what, and which classes are live, told once more without a database: a model for the store's tests.

Written down here once more: a test must not ask the code whom it has to link.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from rostergate.store.accounts import PlatformAccount

if TYPE_CHECKING:
    from random import Random

    from rostergate.core.roster import Frames

IDS = {"teachers": "teacher_id", "students": "student_id", "guardians": "guardian_id"}
EMAILS = ("one@x.example", "two@x.example", "three@x.example")
PHONES = ("+12025550101", "+12025550102")

Person = tuple[str, str]
"""A canonical table and an id."""


@dataclass
class Accounts:
    """The accounts of one district as they should be."""

    platform: list[PlatformAccount] = field(default_factory=list)
    states: dict[Person, tuple[str, str | None]] = field(default_factory=dict)
    """Person -> state and the platform's account; of those who were archived as well."""
    live: set[tuple[str, str]] = field(default_factory=set)
    """School and class."""

    def load(self, platform: list[PlatformAccount], roster: Frames) -> None:
        """Put these in the place of the accounts that the platform had."""
        self.platform = platform
        self.follow(roster)

    def follow(self, roster: Frames) -> None:
        """Link whoever fits one account that fits nobody else, by e-mail first; enliven active teachers' classes."""
        for sign in ("email", "phone"):
            fitting = list(self._fitting(roster, sign))
            people, accounts = Counter(one for one, _ in fitting), Counter(account for _, account in fitting)
            for person, account in fitting:
                if people[person] == accounts[account] == 1:
                    self.states[person] = ("linked", account)
        self._enliven(roster)

    def claim(self, teacher_id: str, roster: Frames) -> None:
        """Let a teacher take the account."""
        _, account = self.states.get(("teachers", teacher_id), ("offered", None))
        self.states["teachers", teacher_id] = ("claimed", account)
        self._enliven(roster)

    def listed(self, roster: Frames) -> set[tuple[str, str, str, str | None]]:
        """Return role, id, state and account of those in the roster who are linked or have claimed."""
        there = {(role, person) for role, name in IDS.items() for person in roster[role][name]}
        return {(*person, *states) for person, states in self.states.items() if person in there}

    def classes(self, roster: Frames) -> set[tuple[str, str, str]]:
        """Return school, class and state of every class in the roster."""
        rows = roster["classes"].select("school_id", "class_id").rows()
        return {(*one, "live" if one in self.live else "pending") for one in rows}

    def _fitting(self, roster: Frames, sign: str) -> set[tuple[Person, str]]:
        taken = {account for _, account in self.states.values()}
        found = set()
        for role, name in IDS.items():
            if sign not in roster[role].columns:
                continue
            for person, value in roster[role].select(name, sign).rows():
                for one in self.platform:
                    same = value is not None and getattr(one, sign) == value.lower()
                    if same and one.role in {None, role} and (role, person) not in self.states:
                        found.add(((role, person), one.account))
        return {(person, account) for person, account in found if account not in taken}

    def _enliven(self, roster: Frames) -> None:
        for school, one, teacher in roster["class_teachers"].select("school_id", "class_id", "teacher_id").rows():
            if ("teachers", teacher) in self.states:
                self.live.add((school, one))


def platform_at_random(random: Random) -> list[PlatformAccount]:
    """Return some accounts, of which several may have one address."""
    return [
        PlatformAccount(
            f"a{number}",
            random.choice((None, None, *IDS)),
            random.choice((None, *EMAILS)),
            random.choice((None, *PHONES)),
        )
        for number in range(random.randrange(4))
    ]


def reachable(tables: Frames, random: Random) -> Frames:
    """Return a roster in which some people have an e-mail address or a phone number, perhaps that of another one."""
    changed = dict(tables)
    for role in IDS:
        rows = tables[role]
        for sign, values in (("email", EMAILS), ("phone", PHONES)):
            if sign in rows.columns:
                chosen = [random.choice((None, *values)) for _ in range(rows.height)]
                rows = rows.with_columns(pl.Series(sign, chosen, pl.String()))
        changed[role] = rows
    return changed
