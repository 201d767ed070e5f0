"""Checking passwords: argon2id in a few threads of its own, at the same cost for whoever asks.

Rule 1: an unknown user, a user without a password and a wrong password take the same road through the same work.
Rule 2: each check holds its memory for its whole time, so the number of checks at once is bounded, and so is the queue,
in all and of one address.
Rule 3: the threads make way for everything else that the processor has to do: uploads go on during a flood of logins.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from rostergate import metrics
from rostergate.gate.addresses import crowd

if TYPE_CHECKING:
    from rostergate.config.settings import PasswordSettings

PASSWORD_CHARS_MAX: Final = 1_024
NICENESS: Final = 15  # of the threads: next to what is not nice, about a thirtieth of a processor (setpriority(2))


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
        self._nobody: str | None = None
        self._waiting_max = settings.waiting_max
        self._waiting_per_address_max = settings.waiting_per_address_max
        self._waiting: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="password", initializer=_make_way)

    async def prepare(self) -> None:
        """Make the hash that stands in for users who have none; call it once before the first check."""
        loop = asyncio.get_running_loop()
        self._nobody = await loop.run_in_executor(self._threads, self._hasher.hash, secrets.token_urlsafe())

    def digest(self, password: str) -> str:
        """Return the argon2id hash under which a new password is kept. Takes a moment; call it off the event loop."""
        return self._hasher.hash(password)

    async def match(self, stored: str | None, password: str, address: str) -> bool:
        """Say whether the password is the one behind the stored hash; None stands for a user who has none.

        A password that is impossibly long is wrong without a check. Raises `TooManyWaiting`, whoever asks.
        """
        assert self._nobody is not None, "prepare() comes first"  # noqa: S101 - a wrong order of calls is bad code
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
                same = await loop.run_in_executor(self._threads, self._same, stored or self._nobody, password)
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name]
        return same and stored is not None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _same(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _make_way() -> None:
    """Give the thread this runs in a low priority. On Linux a thread has one of its own, by its thread id."""
    thread = threading.get_native_id()
    with contextlib.suppress(OSError):  # not allowed: then it is as before
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))
