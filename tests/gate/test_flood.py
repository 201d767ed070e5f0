"""A flood of wrong logins: what is under way goes on, and what the flood takes is bounded."""

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import asyncssh
import pytest

from gate.house import SLUG, House, until

FLOOD = 40
THREADS = 2
DATA = b"x" * 3_000_000


@pytest.fixture
def released() -> Iterator[Event]:
    """Give what lets the checks of passwords go on; at the end they do in any case."""
    event = Event()
    yield event
    event.set()


@pytest.fixture
async def flooded(make_house: Any, released: Event) -> House:
    """Open a house whose checks of passwords do not come to an end before they are let."""
    house: House = await make_house(
        passwords={"threads": THREADS, "waiting_max": FLOOD // 2, "waiting_per_address_max": FLOOD},
        throttle={"address_points_max": 1_000.0, "account_points_max": 1_000.0},
    )
    check = house.gate.passwords._same
    house.gate.passwords._same = lambda stored, password: (released.wait(), check(stored, password))[1]  # type: ignore[method-assign]
    return house


async def wrong(house: House, number: int) -> None:
    """Try a wrong password, for a user there is or one there is not."""
    name = SLUG if number % 2 else f"nobody-{number}"
    options = house.options(username=name, client_keys=None, password="wrong", preferred_auth="password")
    with pytest.raises((asyncssh.PermissionDenied, asyncssh.ServiceNotAvailable)):
        await asyncssh.connect(**options)


async def test_uploads_go_on_during_a_flood(flooded: House, released: Event) -> None:
    """With every thread busy with a wrong password and the queue full, uploads go on and keys let others in.

    No more threads are made than the settings say, no more checks wait than they say, and all that was tried is refused
    in the end.
    """
    passwords = flooded.gate.passwords
    async with flooded.sftp() as sftp, sftp.open("schools.csv", "wb") as file:
        await file.write(DATA)
        flood = [asyncio.create_task(wrong(flooded, number)) for number in range(FLOOD)]
        await until(lambda: passwords._waiting.total() == FLOOD // 2 and sum(one.done() for one in flood) == FLOOD // 2)
        assert len(passwords._threads._threads) == THREADS
        await file.write(DATA)
        async with flooded.sftp() as other, other.open("students.csv", "wb") as second:
            await second.write(DATA)
        assert passwords._waiting.total() == FLOOD // 2
    assert flooded.committed() == {"schools.csv": DATA + DATA, "students.csv": DATA}
    released.set()
    async with asyncio.timeout(60):
        await asyncio.gather(*flood)
    assert not passwords._waiting
    assert len(passwords._threads._threads) == THREADS
