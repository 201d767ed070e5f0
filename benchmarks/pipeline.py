"""The whole road of one delivery, measured beside what merely reads or hashes the same files, and beside pandas.

    python benchmarks/pipeline.py [--size M] [--runs 5] [--cases reading,daily] [--folder SCRATCH] [--json FILE]

`first` is a district's first delivery, `daily` the next day's with 1 % churn, `nothing` the same files once more, from
the moment they are hashed: no other case has so little besides;
`faulty` is the daily one with a hundred faults of each code that leaves out rows or cells, `broken` with a thousand
rows that no CSV reader takes. What is compared with is in `peers.py`.

Rule 1: everything runs in the same run, each case in a process of its own that has its modules loaded before the clock
starts: a worker process has its modules loaded, too. Peak memory is that of the process (`resource.getrusage`).
Rule 2: the cases take turns, so that a noisy moment does not fall on one of them alone; medians are shown.
Rule 3: every delivery is begun and sealed as the daemon does it, and its walk starts on a copy of the same state. As in
a daemon, somebody else has the database open, and the files have been on the disk for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import multiprocessing
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import district
import faults
from entering import delivered, enter, walk, warm_up
from rostergate import store
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.worker import workbench

if TYPE_CHECKING:
    from collections.abc import Collection

SLUG: Final = "northfield"
RUNS: Final = 5

PEERS: Final = ("sha256", "reading", "duckdb", "sqlite", "pandas")
"""The cases of `peers.py`, which is imported where one of them is measured: its libraries take 150 MiB."""
FLOORS: Final = PEERS[:2]
WALKS: Final = ("first", "daily", "nothing", "faulty", "broken")
BARS: Final[dict[str, tuple[str, float, float | None]]] = {
    "first": ("reading", 30, 20),
    "daily": ("reading", 15, 8),
    "nothing": ("sha256", 2, None),
    "faulty": ("daily", 3, None),
    "broken": ("daily", 3, None),
}
"""Case -> the case it is compared with, the bar and the stretch, as ratios."""
_UNSEALED: Final = frozenset({"nothing"})
"""Cases whose files are sealed within what is measured: their hashes are what such a delivery is known by."""
MEMORY_MIB_MAX: Final = 2_048
"""The bar for a delivery of a million students; stretch: half of it."""
FAULTS: Final = {
    "faulty": dict.fromkeys((code for code in (*faults.CELLS, *faults.ROWS) if code not in faults.REFUSING), 100),
    "broken": {"bad-quotes": 1_000, "wrong-column-count": 1_000},
}
"""Case -> code -> how many; a district with fewer rows has fewer."""


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
    parser.add_argument("--size", default="M", help="S, M, L or a number of students")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--cases", default=",".join((*PEERS, *WALKS)))
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
    cases = arguments.cases.split(",")
    # In another process: what a process takes at its peak counts for those that it starts as well.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        rows, size = pool.submit(_prepare, students, folder, quoted=arguments.quoted, cases=cases).result()
    print(f"{students:,} students, {rows:,} rows, {size / 1e6:.0f} MB, {os.cpu_count()} cores, {arguments.runs} runs")
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
        print(f"{case:10}{seconds:>9.3f}{cpu:>9.3f}{peak:>8.0f}{ratios}   {_judged(case, medians, peak)}")
    for case in WALKS:
        for one in runs.get(case, ())[-1:]:
            told = one.walked or {}
            print(f"{case}: {told['state']}, {told['changes']}, faults {told['findings']}, {told['seconds']}")
    if arguments.json:
        told = {case: [asdict(one) for one in some] for case, some in runs.items()}
        arguments.json.write_text(json.dumps({"students": students, "rows": rows, "bytes": size, "runs": told}))


def _judged(case: str, medians: dict[str, float], peak: float) -> str:
    memory = f", MISSES {MEMORY_MIB_MAX} MiB" if case in WALKS and peak > MEMORY_MIB_MAX else ""
    if case not in BARS or BARS[case][0] not in medians:
        return memory.removeprefix(", ")
    floor, bar, stretch = BARS[case]
    ratio = medians[case] / medians[floor]
    told = "meets" if ratio <= bar else "MISSES"
    beyond = f", stretch {stretch} x: {'met' if ratio <= stretch else 'not met'}" if stretch else ""
    return f"{ratio:.1f} x {floor}: {told} {bar} x{beyond}{memory}"


def _in_a_process(case: str, folder: Path) -> Measured:
    """Measure a case on a copy of its state, and remove the copy."""
    state = folder / "state"
    shutil.copytree(folder / (case if case in WALKS else "files"), state)
    command = [sys.executable, __file__, "--measure", case, "--state", str(state)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    shutil.rmtree(state)
    return Measured(**json.loads(told))


def _measured(case: str, state: Path) -> Measured:
    walked = None
    if case in WALKS:
        spool = Spool(state)
        workbench.set_up()
        warm_up(spool, f"before-{case}")
        sealed = None
        if case in _UNSEALED:
            _into_the_page_cache(spool.inbox(SLUG, Area.UPLOAD))
            os.sync()
            sealed = asyncio.run(enter(spool, SLUG))
        folder = max(one for one in sealing.sealed(spool) if one.name.startswith(SLUG))
        gc.collect()
        gc.freeze()  # as a worker process does it; only that here are more modules
        _into_the_page_cache(folder)
        os.sync()  # or the delivery waits until what was prepared for it is on the disk
        with closing(sqlite3.connect(spool.database)) as daemon:
            daemon.execute("SELECT count(*) FROM deliveries").fetchone()
            started, cpu = time.monotonic(), time.process_time()
            walked = walk(spool, folder.name).for_the_log()
            seconds, cpu = time.monotonic() - started, time.process_time() - cpu
        gc.unfreeze()
        if sealed:
            seconds, cpu = seconds + sealed.seconds, cpu + sealed.cpu_seconds
    else:
        peer = import_module("peers").CASES[case]
        _into_the_page_cache(state / "day-1", state / "day-2")
        started, cpu = time.monotonic(), time.process_time()
        peer(state / "day-1", state / "day-2", state / "peer.db")
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    return Measured(seconds, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, walked)


def _into_the_page_cache(*folders: Path) -> None:
    """Read the files, as if they had just been written."""
    for path in (path for folder in folders for path in folder.iterdir()):
        with path.open("rb") as file:
            while file.read(1 << 20):
                pass


def _prepare(students: int, folder: Path, *, quoted: bool, cases: Collection[str]) -> tuple[int, int]:
    """Make the state that each case starts on; return rows and bytes of the first day."""
    files = folder / "files"
    today = district.founded(students)
    rows = today.rows
    district.write(today.tables, files / "day-1", quoted=quoted)
    today = district.next_day(today)
    district.write(today.tables, files / "day-2", quoted=quoted)
    days = {"daily": files / "day-2", "nothing": files / "day-1"}
    for case in FAULTS.keys() & cases:
        days[case] = folder / f"files-{case}"
        days[case].mkdir()
        for name, data in faults.injected(today.tables, FAULTS[case]).items():
            (days[case] / name).write_bytes(data)
    del today
    size = sum(path.stat().st_size for path in (files / "day-1").iterdir())
    if "pandas" in cases:
        import_module("peers").prepare(files / "day-1", files / "peer.db")
    first = Spool(folder / "first")
    first.prepare()
    store.upgrade(first.database)
    delivered(first, files / "day-1", SLUG)
    applied = Spool(folder / "applied")
    shutil.copytree(first.state, applied.state)
    walk = [sys.executable, __file__, "--measure", "first", "--state", str(applied.state)]
    subprocess.run(walk, check=True, stdout=subprocess.DEVNULL)
    sealing.discard(applied.delivery(f"{SLUG}-00001"))
    for case in days.keys() & cases:
        spool = Spool(folder / case)
        shutil.copytree(applied.state, spool.state)
        if case in _UNSEALED:
            shutil.copytree(days[case], spool.inbox(SLUG, Area.UPLOAD), dirs_exist_ok=True)
        else:
            delivered(spool, days[case], SLUG)
    shutil.rmtree(applied.state)
    return rows, size


if __name__ == "__main__":
    main()
