"""A whole nation of districts with the sizes that American ones have, and a hundredth of it taken down the road.

    python benchmarks/nation.py [--percent 1] [--workers 2]

Sizes: National Center for Education Statistics (NCES), Digest of Education Statistics 2022, tables 214.20 (regular
districts by size, 2021-22) and 216.30 (their enrollment); the shares of students by size of district are those of the
Digest 2005, table 85, and 2004, table 86. Figures only; the districts are made up.

Rule 1: the same nation every time: 13,318 districts and 49 million students, each district of `district.founded`.
Rule 2: a hundredth has one district for every hundred, of their mean size: 133 districts, from 118,000 students to 100.
Rule 3: what is timed is what the daemon does once the files lie in an inbox: begin and seal one delivery after the
other, and meanwhile take those that are sealed down the road in worker processes, which leave SQLite's log to it.
`first` is each district's first delivery, `daily` the next day's with 1 % churn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import district
from entering import AT, entered, walk
from rostergate import store
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries
from rostergate.worker.processes import Processes

if TYPE_CHECKING:
    from rostergate.worker.road import Walked

BAR_SECONDS: Final = 36.0
"""For a hundredth of the nation on two cores: the whole of it in an hour."""
STRETCH_SECONDS: Final = 18.0


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Districts of similar size."""

    fewest: int
    most: int
    districts: int
    mean: float
    """Students of one of them."""


NATION: Final = (
    SizeClass(25_000, 1_000_000, 266, 61_640),
    SizeClass(10_000, 24_999, 610, 15_290),
    SizeClass(5_000, 9_999, 996, 7_640),
    SizeClass(2_500, 4_999, 1_854, 3_998),
    SizeClass(1_000, 2_499, 3_185, 1_803),
    SizeClass(600, 999, 1_810, 787),
    SizeClass(300, 599, 1_922, 440),
    SizeClass(10, 299, 2_558, 150),
    SizeClass(
        300, 599, 117, 440
    ),  # those that reported no enrollment: as many as half of all districts have fewer than
)


@dataclass(frozen=True, slots=True)
class Place:
    """One district of the nation."""

    slug: str
    students: int
    seed: int


@cache
def sizes() -> tuple[int, ...]:
    """Return the students of every district, the largest first."""
    return tuple(sorted((size for some in NATION for size in _spread(some)), reverse=True))


def districts(percent: float = 100.0) -> tuple[Place, ...]:
    """Return that part of the nation, the largest first; each place stands for as many of similar size."""
    every, step = sizes(), round(100 / percent)
    means = (sum(every[at : at + step]) // step for at in range(0, len(every) - step + 1, step))
    return tuple(Place(f"us-{number:05}", students, seed=number) for number, students in enumerate(means, start=1))


def _spread(some: SizeClass) -> list[int]:
    """Return the sizes of a class: a curve from the fewest to the most that has its mean."""
    bend = (some.most - some.fewest) / (some.mean - some.fewest) - 1
    return [
        round(some.fewest + (some.most - some.fewest) * ((place + 0.5) / some.districts) ** bend)
        for place in range(some.districts)
    ]


def main() -> None:
    """Measure both days of a part of the nation and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--percent", type=float, default=1.0)
    parser.add_argument("--students-max", type=int, help="leave out larger districts")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where scratch data go; removed at the end")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    arguments = parser.parse_args()
    most = arguments.students_max
    places = tuple(one for one in districts(arguments.percent) if most is None or one.students <= most)
    students = sum(one.students for one in places)
    print(f"{len(places)} districts, {students:,} students, {arguments.workers} worker processes")
    with tempfile.TemporaryDirectory(prefix="nation-", dir=arguments.folder) as folder:
        figures = measured(places, Path(folder), arguments.workers)
    print(f"\n{'day':8}{'seconds':>9}{'deliveries':>12}{'rows':>12}{'changes':>11}   bar")
    for day, told in figures.items():
        print(
            f"{day:8}{told['seconds']:>9.1f}{told['deliveries']:>12,}{told['rows']:>12,}{told['changes']:>11,}", end=""
        )
        print(f"   {_judged(told['seconds'], arguments.percent)}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"students": students, "days": figures}))


def measured(places: tuple[Place, ...], folder: Path, workers: int) -> dict[str, dict[str, float]]:
    """Take two days of the places down the road; return by day: seconds, deliveries, rows and changes."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(_write, places, [folder / "files"] * len(places)))
    spool = Spool(folder / "state")
    spool.prepare()
    store.upgrade(spool.database)
    return asyncio.run(_measured(spool, places, folder / "files", workers))


async def _measured(spool: Spool, places: tuple[Place, ...], files: Path, workers: int) -> dict[str, dict[str, float]]:
    processes = Processes(workers, seconds_max=600)
    # As in a daemon that has been up for a while: each process has its modules loaded.
    await asyncio.gather(*(processes.run(time.sleep, 0.5) for _ in range(workers)))
    figures = {}
    for day in ("first", "daily"):
        for one in places:
            (files / day / one.slug).rename(spool.inbox(one.slug, Area.UPLOAD))
        started = time.monotonic()
        told = await _delivered(spool, places, processes, workers)
        figures[day] = {
            "seconds": time.monotonic() - started,
            "deliveries": len(told),
            "rows": sum(one.rows for one in told),
            "changes": sum(sum(one.changes.values()) for one in told),
        }
        for one in places:
            spool.inbox(one.slug, Area.UPLOAD).rmdir()
    await processes.close()
    return figures


async def _delivered(spool: Spool, places: tuple[Place, ...], processes: Processes, workers: int) -> list[Walked]:
    """Seal every district's files, the largest first, and take them down the road, as many at a time as workers."""
    engine, turns = store.open(spool.database), asyncio.Semaphore(workers)

    async def walked(delivery: str) -> Walked:
        async with turns:
            told = await processes.run(walk, spool, delivery)
        if told.state != "settled" or told.findings:
            raise AssertionError(f"{delivery} is {told.state}, with {told.codes}: a sound district is applied whole")
        async with store.writing(engine) as tx:
            await deliveries.reported(tx, delivery, AT)  # and SQLite's log is brought into the file
        return told

    walks = [asyncio.create_task(walked((await entered(engine, spool, one.slug)).delivery)) for one in places]
    told = await asyncio.gather(*walks)
    await engine.dispose()
    return told


def _write(one: Place, folder: Path) -> None:
    today = district.founded(one.students, one.seed)
    district.write(today.tables, folder / "first" / one.slug)
    district.write(district.next_day(today).tables, folder / "daily" / one.slug)


def _judged(seconds: float, percent: float) -> str:
    bar, stretch = BAR_SECONDS * percent, STRETCH_SECONDS * percent
    told = "meets" if seconds <= bar else "MISSES"
    return f"{told} {bar:.0f} s, stretch {stretch:.0f} s: {'met' if seconds <= stretch else 'not met'}"


if __name__ == "__main__":
    main()
