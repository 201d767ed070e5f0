"""What a delivery costs, from sealed files to the roster in the database, against what merely reading them costs.

    python benchmarks/pipeline.py --size M              S, M or L, or a number of students
    python benchmarks/pipeline.py --size M --quoted     every cell in quotation marks
    python benchmarks/pipeline.py --size L --runs 3     fewer runs than the five that are usual
    python benchmarks/pipeline.py --size M --json FILE  the figures as JSON as well

Measured are three deliveries of one district, each by `rostergate.worker.road.walk`, as a worker process runs it:

    first     the district's first delivery, on an empty database
    daily     the next day's, with 1 % churn (`district.Churn`)
    nothing   the same files once more

and two floors, on the same files in the same run: `sha256` of every file, and polars merely reading every file.

Rule 1: every measurement is a process of its own, which has taken a tiny district down the road before the clock
starts: a worker process has its modules loaded, too. Peak memory is that of the process (`resource.getrusage`).
Rule 2: the cases take turns, so that a noisy moment does not fall on one of them alone; medians are shown.
Rule 3: every delivery is begun and sealed as the daemon does it, and its walk starts on a copy of the same state.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

import district
from rostergate import store
from rostergate.core.policy import Policy
from rostergate.core.verdict import FileFacts
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries
from rostergate.worker import road

SLUG: Final = "northfield"
AT: Final = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
RUNS: Final = 5

FLOORS: Final = ("sha256", "reading")
WALKS: Final = ("first", "daily", "nothing")
BARS: Final = {"first": ("reading", 30, 20), "daily": ("reading", 15, 8), "nothing": ("sha256", 2, None)}
"""Case -> the floor it is compared with, the bar and the stretch, as ratios."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one case."""

    seconds: float
    cpu_seconds: float
    """Of all its threads: what is left when others use the machine, too."""
    peak_mib: float
    walked: dict[str, Any] | None = None


def main() -> None:
    """Measure every case and print the table; or be the process that measures one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="S", help="S, M, L or a number of students")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--cases", default=",".join((*FLOORS, *WALKS)))
    parser.add_argument("--quoted", action="store_true")
    parser.add_argument("--folder", type=Path, help="where scratch data go; removed at the end")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--state", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(asdict(_measured(arguments.measure, arguments.state))))
        return
    students = district.SIZES.get(arguments.size) or int(arguments.size)
    with tempfile.TemporaryDirectory(prefix="pipeline-", dir=arguments.folder) as folder:
        _compare(students, Path(folder), arguments)


def _compare(students: int, folder: Path, arguments: argparse.Namespace) -> None:
    # In another process: what a process takes at its peak counts for those that it starts as well.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        rows, size = pool.submit(_prepare, students, folder, quoted=arguments.quoted).result()
    print(f"{students:,} students, {rows:,} rows, {size / 1e6:.0f} MB, {os.cpu_count()} cores, {arguments.runs} runs")
    cases = arguments.cases.split(",")
    runs: dict[str, list[Measured]] = {case: [] for case in cases}
    for _ in range(arguments.runs):
        for case in cases:
            runs[case].append(_in_a_process(case, folder))
    medians = {case: statistics.median(one.seconds for one in some) for case, some in runs.items()}
    print(f"\n{'case':10}{'seconds':>9}{'cpu':>9}{'MiB':>8}{'x sha256':>10}{'x reading':>11}   bar")
    for case, seconds in medians.items():
        ratios = "".join(
            f"{seconds / medians[floor]:>{width}.1f}" if floor in medians else " " * width
            for floor, width in zip(FLOORS, (10, 11), strict=True)
        )
        peak = max(one.peak_mib for one in runs[case])
        cpu = statistics.median(one.cpu_seconds for one in runs[case])
        print(f"{case:10}{seconds:>9.3f}{cpu:>9.3f}{peak:>8.0f}{ratios}   {_judged(case, medians)}")
    for case in WALKS:
        for one in runs.get(case, ())[-1:]:
            told = one.walked or {}
            print(f"{case}: {told['state']}, {told['changes']}, faults {told['findings']}, {told['seconds']}")
    if arguments.json:
        told = {case: [asdict(one) for one in some] for case, some in runs.items()}
        arguments.json.write_text(json.dumps({"students": students, "rows": rows, "bytes": size, "runs": told}))


def _judged(case: str, medians: dict[str, float]) -> str:
    if case not in BARS or BARS[case][0] not in medians:
        return ""
    floor, bar, stretch = BARS[case]
    ratio = medians[case] / medians[floor]
    told = "meets" if ratio <= bar else "MISSES"
    beyond = f", stretch {stretch} x: {'met' if ratio <= stretch else 'not met'}" if stretch else ""
    return f"{told} {bar} x {floor}{beyond}"


def _in_a_process(case: str, folder: Path) -> Measured:
    """Measure a case on a copy of its state, and remove the copy."""
    state = folder / "state"
    shutil.copytree(folder / (case if case in WALKS else "first"), state)
    command = [sys.executable, __file__, "--measure", case, "--state", str(state)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    shutil.rmtree(state)
    return Measured(**json.loads(told))


def _measured(case: str, state: Path) -> Measured:
    if case in WALKS:
        _warm_up()
    spool = Spool(state)
    folder = max(sealing.sealed(spool))
    for path in folder.iterdir():
        path.read_bytes()  # as just sealed: in the page cache
    started, cpu = time.monotonic(), time.process_time()
    walked = None
    if case == "sha256":
        for path in folder.glob("*.csv"):
            hashlib.sha256(path.read_bytes()).hexdigest()
    elif case == "reading":
        for path in folder.glob("*.csv"):
            pl.read_csv(path, infer_schema=False)
    else:
        walked = road.walk(spool, folder.name, Policy(), AT).for_the_log()
    seconds = time.monotonic() - started
    cpu = time.process_time() - cpu
    return Measured(seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, walked)


def _warm_up() -> None:
    """Take a tiny district down the road, as a worker process has done before: every module is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "state")
        spool.prepare()
        store.upgrade(spool.database)
        district.write(district.founded(50).tables, Path(folder) / "files")
        _seal(spool, Path(folder) / "files")
        road.walk(spool, f"{SLUG}-00001", Policy(), AT)


def _prepare(students: int, folder: Path, *, quoted: bool) -> tuple[int, int]:
    """Make the state that each walk starts on; return rows and bytes of the first day."""
    today = district.founded(students)
    rows = today.rows
    district.write(today.tables, folder / "day-1", quoted=quoted)
    district.write(district.next_day(today).tables, folder / "day-2", quoted=quoted)
    del today
    size = sum(path.stat().st_size for path in (folder / "day-1").iterdir())
    first = Spool(folder / "first")
    first.prepare()
    store.upgrade(first.database)
    _seal(first, folder / "day-1")
    applied = Spool(folder / "applied")
    shutil.copytree(first.state, applied.state)
    walk = [sys.executable, __file__, "--measure", "first", "--state", str(applied.state)]
    subprocess.run(walk, check=True, stdout=subprocess.DEVNULL)
    sealing.discard(applied.delivery(f"{SLUG}-00001"))
    for case, day in (("daily", "day-2"), ("nothing", "day-1")):
        spool = Spool(folder / case)
        shutil.copytree(applied.state, spool.state)
        _seal(spool, folder / day)
    for path in (applied.state, folder / "day-1", folder / "day-2"):
        shutil.rmtree(path)
    return rows, size


def _seal(spool: Spool, files: Path) -> None:
    """Deliver the files of a folder as the daemon does, up to the sealed delivery."""
    inbox = spool.inbox(SLUG, Area.UPLOAD)
    shutil.copytree(files, inbox, dirs_exist_ok=True)
    asyncio.run(_enter(spool, [path.name for path in files.iterdir()]))


async def _enter(spool: Spool, names: list[str]) -> None:
    engine = store.open(spool.database)
    async with store.writing(engine) as tx:
        begun = await deliveries.begin(tx, SLUG, AT)
    folder = sealing.gather(spool, SLUG, Area.UPLOAD, begun.id, names)
    manifest = sealing.freeze(spool, folder, now=AT)
    async with store.writing(engine) as tx:
        await deliveries.seal(
            tx,
            begun.id,
            day=AT.date(),
            files=[FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files],
            content_hash=manifest.content_hash,
            at=AT,
        )
    await engine.dispose()


if __name__ == "__main__":
    main()
