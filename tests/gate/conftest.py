"""A real gate on a free port, and the programs that talk to it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import structlog

from gate.ground import Ground
from gate.house import House

if TYPE_CHECKING:
    from pathlib import Path

MakeHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def make_house(tmp_path: Path) -> AsyncIterator[MakeHouse]:
    """Open houses with settings of the test's own, and close them."""
    opened: list[House] = []

    async def make(**settings: object) -> House:
        house = House(tmp_path / f"state-{len(opened)}", **settings)
        await house.open()
        opened.append(house)
        return house

    yield make
    for house in opened:
        async with asyncio.timeout(10):
            await house.gate.drain(0)


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    """Open a house with the default settings."""
    return await make_house()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Open a house for all examples of one test."""
    with asyncio.Runner() as runner, structlog.testing.capture_logs() as logged:
        house = House(tmp_path / "state")
        runner.run(house.open())
        ground = Ground(house, runner, logged)
        yield ground
        runner.run(ground.cut(*ground.connections))
        runner.run(house.gate.drain(0))


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    """Return the path of the program a test is marked for, or skip the test by the program's name."""
    name = request.node.get_closest_marker("client").args[0]
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
