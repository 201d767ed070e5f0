import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher

from rostergate.config.settings import PasswordSettings
from rostergate.gate.passwords import Passwords

SETTINGS = PasswordSettings(memory_kib=8_192, passes=1, lanes=1, threads=1, waiting_max=2)
HASH = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("right")


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """Return what is ready to check."""
    one = Passwords(SETTINGS)
    await one.prepare()
    yield one
    one.close()


@pytest.mark.parametrize(
    ("stored", "password", "matches"),
    [(HASH, "right", True), (HASH, "wrong", False), (None, "right", False), ("not a hash", "right", False)],
    ids=["right", "wrong", "nobody", "broken hash"],
)
async def test_match(passwords: Passwords, stored: str | None, password: str, matches: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Only the right password of somebody who has one matches; a broken hash matches nothing."""
    assert await passwords.match(stored, password) is matches


async def test_too_long(passwords: Passwords) -> None:
    """A password longer than any real one is not even checked."""
    assert not await passwords.match(HASH, "x" * 2_000)


async def test_queue_is_bounded(passwords: Passwords) -> None:
    """With too many waiting, the next one is refused at once, even with the right password."""
    answers = await asyncio.gather(*(passwords.match(HASH, "right") for _ in range(5)))
    assert answers == [True, True, False, False, False]
    assert await passwords.match(HASH, "right")
