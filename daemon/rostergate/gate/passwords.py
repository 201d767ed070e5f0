"""Checking passwords: argon2id in a few threads of its own, at the same cost for whoever asks.

Rule 1: an unknown user, a user without a password and a wrong password take the same road through the same work.
Rule 2: each check holds its memory for its whole time, so the number of checks at once is bounded, and so is the queue.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

if TYPE_CHECKING:
    from rostergate.config.settings import PasswordSettings

PASSWORD_CHARS_MAX: Final = 1_024


class Passwords:
    """Checks passwords against argon2id hashes."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.passes, memory_cost=settings.memory_kib, parallelism=settings.lanes
        )
        self._nobody: str | None = None
        self._waiting_max = settings.waiting_max
        self._waiting = 0
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="password")

    async def prepare(self) -> None:
        """Make the hash that stands in for users who have none; call it once before the first check."""
        loop = asyncio.get_running_loop()
        self._nobody = await loop.run_in_executor(self._threads, self._hasher.hash, secrets.token_urlsafe())

    def digest(self, password: str) -> str:
        """Return the argon2id hash under which a new password is kept. Takes a moment; call it off the event loop."""
        return self._hasher.hash(password)

    async def match(self, stored: str | None, password: str) -> bool:
        """Say whether the password is the one behind the stored hash; None stands for a user who has none.

        Says no at once, without a check, when too many wait already or the password is impossibly long.
        """
        assert self._nobody is not None, "prepare() comes first"  # noqa: S101 - a wrong order of calls is bad code
        if self._waiting >= self._waiting_max or len(password) > PASSWORD_CHARS_MAX:
            return False
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            same = await loop.run_in_executor(self._threads, self._same, stored or self._nobody, password)
        finally:
            self._waiting -= 1
        return same and stored is not None

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _same(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
