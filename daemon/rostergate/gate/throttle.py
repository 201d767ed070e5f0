"""Who has failed to log in too often: scores that fade, and bans that grow. Its numbers are `[throttle]`'s.

Rule 1: each failure adds a point to the address and to the account, and a connection that does not even try adds a part
of one to the address. Points halve every `half_life_seconds`.
Rule 2: too many points are a ban, twice as long as the one before; a ban that is over and stays over is forgotten.
Rule 3: a banned account is closed to addresses it is not known at; otherwise anybody could lock a district out.
Rule 4: what is tried during a ban adds nothing: one wrong client behind an address shared by many shuts them out for no
longer than the ban, and the first of them that logs in afterwards clears the address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rostergate.gate.addresses import crowd

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.config.settings import ThrottleSettings


@dataclass(slots=True)
class _Score:
    points: float = 0.0
    at: float = 0.0
    bans: int = 0
    banned_until: float = 0.0


@dataclass(slots=True)
class _Scores:
    """Scores of one kind by name, the least recently seen first."""

    settings: ThrottleSettings
    points_max: float
    by_name: dict[str, _Score] = field(default_factory=dict)

    def fail(self, name: str, points: float, now: float) -> bool:
        """Add points; say whether that is a ban."""
        score = self.by_name.pop(name, None) or _Score(at=now)
        self.by_name[name] = score
        if len(self.by_name) > self.settings.scores_max:
            del self.by_name[next(iter(self.by_name))]
        if now < score.banned_until:
            return False
        faded = 0.5 ** ((now - score.at) / self.settings.half_life_seconds)
        score.points, score.at = score.points * faded + points, now
        if score.points < self.points_max:
            return False
        if now - score.banned_until > self.settings.ban_seconds_max:
            score.bans = 0
        score.banned_until = now + min(self.settings.ban_seconds_min * 2**score.bans, self.settings.ban_seconds_max)
        score.bans += 1
        score.points = 0.0
        return True

    def banned(self, name: str, now: float) -> bool:
        score = self.by_name.get(name)
        return score is not None and now < score.banned_until


class Throttle:
    """What is remembered of failed logins. Nothing of it outlives the process."""

    def __init__(self, settings: ThrottleSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._addresses = _Scores(settings, settings.address_points_max)
        self._accounts = _Scores(settings, settings.account_points_max)
        self._known: dict[str, list[str]] = {}

    def failed(self, account: str, address: str) -> list[str]:
        """Note a login that was refused; return the keys of the limits that this has reached."""
        now = self._clock()
        bans = {
            "throttle.address_points_max": self._addresses.fail(crowd(address), 1.0, now),
            "throttle.account_points_max": self._accounts.fail(account, 1.0, now),
        }
        return [limit for limit, banned in bans.items() if banned]

    def unfinished(self, address: str) -> list[str]:
        """Note a connection that ended without a try; return the keys of the limits that this has reached."""
        banned = self._addresses.fail(crowd(address), self._settings.unfinished_points, self._clock())
        return ["throttle.address_points_max"] if banned else []

    def succeeded(self, account: str, address: str) -> None:
        """Note a login: the address is known for this account from now on, and forgiven."""
        name = crowd(address)
        self._addresses.by_name.pop(name, None)
        known = [one for one in self._known.get(account, []) if one != name]
        self._known[account] = [*known, name][-self._settings.known_addresses_max :]

    def address_banned(self, address: str) -> bool:
        """Say whether nobody may log in from there now."""
        return self._addresses.banned(crowd(address), self._clock())

    def account_banned(self, account: str, address: str) -> bool:
        """Say whether this account may not log in from there now."""
        known = crowd(address) in self._known.get(account, [])
        return not known and self._accounts.banned(account, self._clock())
