"""Who has failed to log in too often: scores that fade, and bans that grow.

Rule 1: each failure adds a point to the address and to the account; points halve every ten minutes.
Rule 2: too many points are a ban, twice as long as the one before; a ban that is over and stays over is forgotten.
Rule 3: a banned account is closed to addresses it is not known at; otherwise anybody could lock a district out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

HALF_LIFE_SECONDS: Final = 600.0
ADDRESS_POINTS_MAX: Final = 12.0
ACCOUNT_POINTS_MAX: Final = 30.0
BAN_SECONDS_MIN: Final = 60.0
BAN_SECONDS_MAX: Final = 3_600.0
SCORES_MAX: Final = 20_000  # entries of each kind; the one least recently seen makes room
KNOWN_ADDRESSES_MAX: Final = 16  # addresses remembered for each account


@dataclass(slots=True)
class _Score:
    points: float = 0.0
    at: float = 0.0
    bans: int = 0
    banned_until: float = 0.0


@dataclass(slots=True)
class _Scores:
    """Scores of one kind by name, the least recently seen first."""

    points_max: float
    by_name: dict[str, _Score] = field(default_factory=dict)

    def fail(self, name: str, now: float) -> None:
        score = self.by_name.pop(name, None) or _Score(at=now)
        self.by_name[name] = score
        if len(self.by_name) > SCORES_MAX:
            del self.by_name[next(iter(self.by_name))]
        faded = 0.5 ** ((now - score.at) / HALF_LIFE_SECONDS)
        if now - score.banned_until > BAN_SECONDS_MAX:
            score.bans = 0
        score.points, score.at = score.points * faded + 1.0, now
        if score.points >= self.points_max:
            score.banned_until = now + min(BAN_SECONDS_MIN * 2**score.bans, BAN_SECONDS_MAX)
            score.bans += 1
            score.points = 0.0

    def banned(self, name: str, now: float) -> bool:
        score = self.by_name.get(name)
        return score is not None and now < score.banned_until


class Throttle:
    """What is remembered of failed logins. Nothing of it outlives the process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._addresses = _Scores(ADDRESS_POINTS_MAX)
        self._accounts = _Scores(ACCOUNT_POINTS_MAX)
        self._known: dict[str, list[str]] = {}

    def failed(self, account: str, address: str) -> None:
        """Note a login that was refused."""
        now = self._clock()
        self._addresses.fail(address, now)
        self._accounts.fail(account, now)

    def succeeded(self, account: str, address: str) -> None:
        """Note a login: the address is known for this account from now on, and forgiven."""
        self._addresses.by_name.pop(address, None)
        known = [one for one in self._known.get(account, []) if one != address]
        self._known[account] = [*known, address][-KNOWN_ADDRESSES_MAX:]

    def address_banned(self, address: str) -> bool:
        """Say whether nobody may log in from there now."""
        return self._addresses.banned(address, self._clock())

    def account_banned(self, account: str, address: str) -> bool:
        """Say whether this account may not log in from there now."""
        return address not in self._known.get(account, []) and self._accounts.banned(account, self._clock())
