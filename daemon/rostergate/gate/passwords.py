"""Checking passwords: argon2id in a few threads of its own, at the same cost for whoever asks.

Rule 1: an unknown user, a user without a password and a wrong password take the same road through the same work. Where
hashes differ in cost, because the settings have changed since some were made, so do the stand-ins, name by name.
Rule 2: each check holds its memory for its whole time, so the number of checks at once is bounded, and so is the queue,
in all and of one address.
Rule 3: the threads make way for everything else that the processor has to do: uploads go on during a flood of logins.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from rostergate import metrics
from rostergate.gate.addresses import crowd
from rostergate.standing_back import stand_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rostergate.config.settings import PasswordSettings

PASSWORD_CHARS_MAX: Final = 1_024
STAND_INS_MAX: Final = 8
NICENESS: Final = 19  # of the threads, where they are nice: next to what is not, a hundredth of a processor (sched(7))

Cost: TypeAlias = tuple[int, int, int]
"""Passes, KiB of memory, lanes."""


class TooManyWaiting(Exception):  # noqa: N818 - it names what is the case
    """So many wait for their password to be checked that this one is not; `limit` is the key of the limit."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


class Passwords:
    """Checks passwords against argon2id hashes."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.passes, memory_cost=settings.memory_kib, parallelism=settings.lanes
        )
        self._secret = secrets.token_bytes(32)
        self._stand_ins: list[tuple[str, int]] = []
        self._waiting_max = settings.waiting_max
        self._waiting_per_address_max = settings.waiting_per_address_max
        self._waiting: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="password", initializer=_make_way)

    async def prepare(self, hashes: Iterable[str] = ()) -> None:
        """Make the hashes that stand in for users who have none; call it once before the first check.

        `hashes`: those of all users. A stand-in is made at the cost of each kind that there is, and is met as often.
        """
        costs = Counter(cost for one in hashes if (cost := _cost(one))) or Counter([_cost_of(self._hasher)])
        loop = asyncio.get_running_loop()
        for cost, times in costs.most_common(STAND_INS_MAX):
            hasher = PasswordHasher(time_cost=cost[0], memory_cost=cost[1], parallelism=cost[2])
            made = await loop.run_in_executor(self._threads, hasher.hash, secrets.token_urlsafe())
            self._stand_ins.append((made, times))

    def digest(self, password: str) -> str:
        """Return the argon2id hash under which a new password is kept. Takes a moment; call it off the event loop."""
        return self._hasher.hash(password)

    def is_outdated(self, stored: str) -> bool:
        """Say whether a hash was made at another cost than today's."""
        return _cost(stored) != _cost_of(self._hasher)

    async def renewed(self, password: str) -> str:
        """Return the hash of a password at today's cost, made where passwords are checked."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def match(self, stored: str | None, username: str, password: str, address: str) -> bool:
        """Say whether the password is the one behind the stored hash; None stands for a user who has none.

        A password that is impossibly long is wrong without a check. Raises `TooManyWaiting`, whoever asks.
        """
        assert self._stand_ins, "prepare() comes first"  # noqa: S101 - a wrong order of calls is bad code
        name = crowd(address)
        if self._waiting.total() >= self._waiting_max:
            raise TooManyWaiting("passwords.waiting_max")
        if self._waiting[name] >= self._waiting_per_address_max:
            raise TooManyWaiting("passwords.waiting_per_address_max")
        if len(password) > PASSWORD_CHARS_MAX:
            return False
        self._waiting[name] += 1
        try:
            loop = asyncio.get_running_loop()
            with metrics.PASSWORD_SECONDS.time():
                same = await loop.run_in_executor(
                    self._threads, self._same, stored or self._stand_in(username), password
                )
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]
        return same and stored is not None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _stand_in(self, username: str) -> str:
        """Return the hash that stands in for one name: always the same, and nobody can tell which."""
        digest = hashlib.blake2b(username.encode(errors="surrogatepass"), key=self._secret, digest_size=8).digest()
        at = int.from_bytes(digest, "big") % sum(times for _, times in self._stand_ins)
        for made, times in self._stand_ins:
            if at < times:
                return made
            at -= times
        raise AssertionError("the times add up")

    def _same(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _cost(stored: str) -> Cost | None:
    """Return what it costs to check a hash, or None when it is no hash."""
    try:
        found = extract_parameters(stored)
    except InvalidHashError:
        return None
    return found.time_cost, found.memory_cost, found.parallelism


def _cost_of(hasher: PasswordHasher) -> Cost:
    return hasher.time_cost, hasher.memory_cost, hasher.parallelism


def _make_way() -> None:
    stand_back(behind=os.getpid(), niceness=NICENESS)
