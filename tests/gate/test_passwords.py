import asyncio
import os
from collections.abc import AsyncIterator
from threading import get_native_id

import pytest
from argon2 import PasswordHasher

from rostergate.config.settings import PasswordSettings
from rostergate.gate.passwords import NICENESS, Passwords, TooManyWaiting

SETTINGS = PasswordSettings(memory_kib=8_192, passes=1, lanes=1, threads=1, waiting_max=2)
ADDRESS = "192.0.2.1"
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
    assert await passwords.match(stored, "lincoln", password, ADDRESS) is matches


async def test_stand_ins_cost_what_hashes_cost() -> None:
    """A name that nobody has costs what somebody's hash costs: as often this as that, and each time the same."""
    dear = PasswordHasher(time_cost=2, memory_cost=8_192, parallelism=1).hash("right")
    one = Passwords(SETTINGS)
    await one.prepare([HASH, dear, dear, "not a hash"])
    costs = [one._stand_in(f"district-{number}").split("$")[3] for number in range(400)]
    assert 180 < costs.count("m=8192,t=2,p=1") < 350
    assert set(costs) == {"m=8192,t=1,p=1", "m=8192,t=2,p=1"}
    assert one._stand_in("district-1") is one._stand_in("district-1")
    assert not await one.match(None, "district-1", "right", ADDRESS)
    assert one.is_outdated(dear)
    assert not one.is_outdated(HASH)
    one.close()


async def test_too_long(passwords: Passwords) -> None:
    """A password longer than any real one is not even checked."""
    assert not await passwords.match(HASH, "lincoln", "x" * 2_000, ADDRESS)


@pytest.mark.parametrize(
    ("addresses", "limit"),
    [
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], "passwords.waiting_max"),
        (["192.0.2.1", "192.0.2.1"], "passwords.waiting_per_address_max"),
        (["2001:db8::1", "2001:db8::2"], "passwords.waiting_per_address_max"),
    ],
    ids=["in all", "of one address", "of one network"],
)
async def test_queue_is_bounded(addresses: list[str], limit: str) -> None:
    """With too many waiting, the next one is turned away without an answer, whatever the password."""
    one = Passwords(SETTINGS.model_copy(update={"waiting_per_address_max": 1}))
    await one.prepare()
    answers = await asyncio.gather(
        *(one.match(HASH, "lincoln", "right", each) for each in addresses), return_exceptions=True
    )
    assert answers[:-1] == [True] * (len(addresses) - 1)
    assert isinstance(answers[-1], TooManyWaiting)
    assert answers[-1].limit == limit
    assert await one.match(HASH, "lincoln", "right", addresses[-1])
    one.close()


async def test_who_goes_makes_room(passwords: Passwords) -> None:
    """A check that nobody waits for any more does not count as waiting, and the threads are no more than they were."""
    gone = [asyncio.create_task(passwords.match(HASH, "lincoln", "right", ADDRESS)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    assert await passwords.match(HASH, "lincoln", "right", ADDRESS)
    assert len(passwords._threads._threads) == SETTINGS.threads


async def test_the_threads_make_way(passwords: Passwords) -> None:
    """Passwords are checked behind everything else, which keeps its priority."""

    def place(thread: int) -> tuple[int, int]:
        return os.sched_getscheduler(thread), os.getpriority(os.PRIO_PROCESS, thread)

    before = place(0)
    there = await asyncio.get_running_loop().run_in_executor(passwords._threads, lambda: place(get_native_id()))
    assert there in ((os.SCHED_IDLE, before[1]), (before[0], max(NICENESS, before[1])))
    assert place(0) == before
