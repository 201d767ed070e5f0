"""What a delivery costs on PostgreSQL, against the same on SQLite, in one run.

    python benchmarks/engines.py [--size M] [--runs 3] [--url URL] [--folder SCRATCH] [--json FILE]

`first` is a district's first delivery, `daily` the next day's with 1 % churn: each from sealed files to the committed
roster, as a worker process does it. Without `--url` a private server is started from the installed programs and ended;
with it, the schema `public` of that database is dropped and made anew.

Rule 1: the engines take turns, on the same files; medians are compared.
Rule 2: both keep what is committed through a power cut: the private server runs with fsync, as SQLite does.
Rule 3: each first delivery finds a database without districts of its size; each next day's finds the first one's, and
what a server does by itself within a minute, to look at tables that have grown, it has done in the night between.
Rule 4: each delivery is measured in a process of its own that has taken a tiny district down the same road before, as
a worker process has: its modules are loaded, the database is reached, its statements are compiled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import district
from entering import delivered, walk, warm_up
from rostergate import store
from rostergate.spool import sealing
from rostergate.spool.folders import Spool
from rostergate.worker import workbench

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # the private server is the tests' own
import servers

if TYPE_CHECKING:
    from collections.abc import Iterator

SLUG: Final = "northfield"
ENGINES: Final = ("sqlite", "postgresql")
CASES: Final = {"first": "day-1", "daily": "day-2"}
BARS: Final = {"first": 1.5, "daily": 1.3}
"""Case -> how many times the seconds of SQLite PostgreSQL may take."""
URL: Final = "BENCHMARK_DATABASE_URL"


def main() -> None:
    """Measure both engines and print the table; or be the process that measures one delivery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="M", help="S, M, L or a number of students")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--url", help="the address of a database that may be emptied")
    parser.add_argument("--folder", type=Path, help="where scratch data go; removed at the end")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(_measured(Spool(arguments.measure))))
        return
    students = district.SIZES.get(arguments.size) or int(arguments.size)
    with tempfile.TemporaryDirectory(prefix="engines-", dir=arguments.folder) as name, _server(arguments.url) as url:
        _compare(students, Path(name), url, arguments)


@contextlib.contextmanager
def _server(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    if servers.programs() is None:
        raise SystemExit("PostgreSQL's server (initdb, postgres) is not installed; name another one with --url")
    with servers.private(durable=True) as server, server.empty() as name:
        yield server.url(name)


def _compare(students: int, folder: Path, url: str, arguments: argparse.Namespace) -> None:
    today = district.founded(students)
    rows = today.rows
    district.write(today.tables, folder / "day-1")
    district.write(district.next_day(today).tables, folder / "day-2")
    del today
    print(f"{students:,} students, {rows:,} rows, {os.cpu_count()} cores, {arguments.runs} runs")
    seconds: dict[str, dict[str, list[float]]] = {case: {engine: [] for engine in ENGINES} for case in CASES}
    for _ in range(arguments.runs):
        for engine in ENGINES:
            spool = Spool(folder / engine)
            location = store.Server(url) if engine == "postgresql" else spool.database
            spool.prepare()
            _made_anew(location)
            for case, day in CASES.items():
                delivered(spool, folder / day, SLUG, location)
                seconds[case][engine].append(_in_a_process(spool, location))
                _a_night_passes(location)
            shutil.rmtree(spool.state)
    print(f"\n{'case':10}{'sqlite':>10}{'postgresql':>12}{'ratio':>8}   bar")
    for case, bar in BARS.items():
        lite, server = (statistics.median(seconds[case][engine]) for engine in ENGINES)
        told = "meets" if server <= bar * lite else "MISSES"
        print(f"{case:10}{lite:>10.3f}{server:>12.3f}{server / lite:>8.2f}   {told} {bar} x sqlite")
    if arguments.json:
        arguments.json.write_text(json.dumps({"students": students, "rows": rows, "seconds": seconds}))


def _made_anew(location: store.Location) -> None:
    if isinstance(location, store.Server):
        with servers.psycopg.connect(location.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
    store.upgrade(location)


def _a_night_passes(location: store.Location) -> None:
    if isinstance(location, store.Server):
        with servers.psycopg.connect(location.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


def _in_a_process(spool: Spool, location: store.Location) -> float:
    environment = {**os.environ, URL: location.url if isinstance(location, store.Server) else ""}
    command = [sys.executable, __file__, "--measure", str(spool.state)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    return float(json.loads(told))


def _measured(spool: Spool) -> float:
    """Return the seconds of the newest sealed delivery's walk."""
    url = os.environ[URL]
    location = store.Server(url) if url else spool.database
    folder = max(sealing.sealed(spool))
    workbench.set_up()
    warm_up(spool, f"before-{folder.name[-1]}", location)
    for path in folder.iterdir():
        path.read_bytes()  # as if just written: in the page cache
    os.sync()
    started = time.monotonic()
    told = walk(spool, folder.name, location)
    seconds = time.monotonic() - started
    print(f"{'postgresql' if url else 'sqlite':12}{told.state}, {told.seconds}", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    main()
