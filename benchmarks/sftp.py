"""The gate beside other SFTP servers, in one run: one long stream, a set of six files, many districts at once.

    python benchmarks/sftp.py                            everything, five runs, about an hour
    python benchmarks/sftp.py --cases set-key,load-200   some of the cases (`--help` lists them)
    python benchmarks/sftp.py --runs 1 --mib 64          a quick look
    python benchmarks/sftp.py --json FILE                every single figure as JSON as well

    stream-*    one 512 MiB file: OpenSSH's sftp with aes128-gcm and with aes128-ctr, lftp, curl
    set-*       log in and upload six files of 100 KB with OpenSSH's sftp, by key and by password
    load-N      N districts at once, each logging in and uploading six files of 100 KB (`gate_load`); by password too

Rule 1: the servers (`gate_peers`) run beside each other, the cases take turns, and only ratios of one run count.
Rule 2: what is measured ends with the last file's acknowledgement. Deciding what was delivered is not the gate's and is
kept apart by a settle time that is longer than the benchmark; the work of noticing each upload is in.
Rule 3: one cipher for all in each case: aes128-gcm, and where the case names another, that one (`gate_clients`).
Rule 4: a server or client program that is not installed is named as left out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import gate_load
import gate_peers
from gate_clients import Client
from gate_usage import Usage

RUNS: Final = 5
SETS: Final = 5
"""Sets of six files in each run of a set's case."""
FILE_BYTES: Final = 100_000
FILES: Final = ("schools", "teachers", "students", "classes", "enrollments", "guardians")
SERVERS: Final = (gate_peers.HOUSE, "openssh", "rclone", "proftpd")
CASES: Final = {
    "stream-gcm": SERVERS,
    "stream-ctr": SERVERS,
    "stream-lftp": SERVERS,
    "stream-curl": SERVERS,
    "set-key": SERVERS,
    "set-password": (gate_peers.HOUSE, "rclone", "proftpd"),
    "load-200": SERVERS,
    "load-200-password": (gate_peers.HOUSE, "rclone", "proftpd"),
    "load-1000": SERVERS[:2],
}
"""Case -> the servers that take part in it."""
BARS: Final = {
    "stream-gcm": 1.0,
    "stream-ctr": 1.0,
    "stream-lftp": 1 / 0.6,
    "stream-curl": 1 / 0.6,
    "set-key": 0.4,
    "load-200": 1.0,
    "load-1000": 1.0,
}
"""Case -> how many times OpenSSH's wall time it may take at most."""
TITLES: Final = {
    "stream-gcm": "a stream with OpenSSH's sftp, aes128-gcm",
    "stream-ctr": "the same with aes128-ctr",
    "stream-lftp": "a stream with lftp",
    "stream-curl": "a stream with curl",
    "set-key": "log in with a key and upload six files of 100 KB",
    "set-password": "the same with a password",
    "load-200": "200 districts at once, each with its six files",
    "load-200-password": "the same with passwords",
    "load-1000": "1,000 districts at once",
}
"""Case -> how `daemon/GATE.md` calls it."""
MIB_MAX: Final = 600.0
"""Memory under the loads."""


@dataclass
class Figures:
    """What was measured of one server in one case; a value per run, save `seconds`."""

    wall_seconds: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Of each upload, set or district."""
    cpu_seconds: list[float] = field(default_factory=list)
    client_cpu_seconds: list[float] = field(default_factory=list)
    """Of a load's clients."""
    peak_mib: float = 0.0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ground:
    """What the cases have in common."""

    folder: Path
    key: Path
    stream: Path
    files: list[Path]
    districts: list[str]


def main() -> None:
    """Measure and print."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that no server is left behind
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES), help=f"some of {', '.join(CASES)}")
    parser.add_argument("--servers", default=",".join(SERVERS), help=f"some of {', '.join(SERVERS)}")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--mib", type=int, default=512, help="size of the streams")
    parser.add_argument("--minutes", type=float, default=90, help="no run begins after that")
    parser.add_argument("--folder", type=Path, help="where scratch data go; removed at the end")
    parser.add_argument("--json", type=Path, help="write every figure here as well")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases.split(",")) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    wanted = arguments.servers.split(",")
    servers = [one for one in wanted if gate_peers.present(one)]
    for one in set(wanted) - set(servers):
        print(f"left out: {one} is not installed")
    with tempfile.TemporaryDirectory(prefix="gate-", dir=arguments.folder) as folder, ExitStack() as running:
        ground = prepared(Path(folder), arguments.mib)
        up = [
            running.enter_context(gate_peers.started(one, ground.folder / one, ground.key, ground.districts))
            for one in servers
        ]
        cases = [one for one in arguments.cases.split(",") if not _left_out(one, ground)]
        measured = _measured(cases, up, ground, arguments)
    _print(measured, arguments.mib)
    if arguments.json:
        told = {case: {name: asdict(one) for name, one in by_server.items()} for case, by_server in measured.items()}
        arguments.json.write_text(json.dumps({"mib": arguments.mib, "cores": os.cpu_count(), "cases": told}))


def prepared(folder: Path, mib: int) -> Ground:
    """Lay out a key and the files that are uploaded."""
    key = folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    source = folder / "source"
    (source / "long").mkdir(parents=True)
    stream = source / "long" / "students.csv"
    line = b"northfield,s-000001,Ada,Example,ada@example.org\n"
    with stream.open("wb") as file:
        for _ in range(mib):
            file.write((line * (1_048_576 // len(line) + 1))[:1_048_576])
    files = [source / f"{name}.csv" for name in FILES]
    for path in files:
        path.write_bytes((line * (FILE_BYTES // len(line) + 1))[:FILE_BYTES])
    return Ground(folder, key, stream, files, [f"d{number:04}" for number in range(1_000)])


def _left_out(case: str, ground: Ground) -> bool:
    """Say so where a case's client program is missing."""
    kind, _, what = case.partition("-")
    missing = None if kind == "load" else Client(what, ground.key, ground.folder).missing
    if missing:
        print(f"left out: {case}, because {missing} is not installed")
    return missing is not None


def _measured(
    cases: list[str], servers: list[gate_peers.Server], ground: Ground, arguments: argparse.Namespace
) -> dict[str, dict[str, Figures]]:
    measured = {case: {one.name: Figures() for one in servers if one.name in CASES[case]} for case in cases}
    deadline = time.monotonic() + arguments.minutes * 60
    for run in range(arguments.runs):
        for case in cases:
            for server in servers:
                if server.name in CASES[case] and time.monotonic() < deadline:
                    _measure(case, server, ground, measured[case][server.name])
                    print(f"{case} {server.name}: {measured[case][server.name].wall_seconds[-1]:.3f} s", flush=True)
        print(f"run {run + 1} of {arguments.runs}", flush=True)
    return measured


def _measure(case: str, server: gate_peers.Server, ground: Ground, figures: Figures) -> None:
    kind, _, what = case.partition("-")
    usage = Usage(server.pid)
    with usage.watched():
        if kind == "load":
            number, _, how = what.partition("-")
            key = None if how else ground.key
            loaded = gate_load.load(server, key, ground.districts[: int(number)], ground.files)
            figures.wall_seconds.append(loaded.wall_seconds)
            figures.seconds += loaded.seconds
            figures.client_cpu_seconds.append(loaded.client_cpu_seconds)
            figures.failures += [error for error, count in loaded.failures.items() for _ in range(count)]
        else:
            client = Client(what, ground.key, ground.folder)
            files, times = ([ground.stream], 1) if kind == "stream" else (ground.files, SETS)
            told = [client.put(server, ground.districts[0], files) for _ in range(times)]
            figures.failures += [failure for _, failure in told if failure]
            figures.seconds += [seconds for seconds, _ in told]
            figures.wall_seconds.append(statistics.median(seconds for seconds, _ in told))
    units = SETS if kind == "set" else 1
    figures.cpu_seconds.append(usage.cpu_seconds / units)
    figures.peak_mib = max(figures.peak_mib, usage.peak_mib)


def _print(measured: dict[str, dict[str, Figures]], mib: int) -> None:
    print(f"\n{os.cpu_count()} cores, loopback; medians of the runs, p99 of single uploads, sets or districts")
    print("processor seconds of the server per stream, set or load; in a load, of its clients in brackets\n")
    print("| case | server | runs | wall s | median s | p99 s | MiB/s | processor s | MiB | failures | x OpenSSH |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for case, by_server in measured.items():
        floor = by_server.get("openssh", Figures()).wall_seconds
        for name, one in by_server.items():
            if one.wall_seconds:
                print(_row(case, name, one, mib, statistics.median(floor) if floor else None))
    _print_page(measured)
    print()
    for case, bar in BARS.items():
        ours, theirs = (measured.get(case, {}).get(name, Figures()) for name in SERVERS[:2])
        if ours.wall_seconds and theirs.wall_seconds:
            print(_judged(case, bar, ours, theirs))
    for case, by_server in measured.items():
        for name, one in by_server.items():
            for failure in sorted(set(one.failures)):
                print(f"failure: {case} on {name}, {one.failures.count(failure)} times: {failure[:300]}")


def _print_page(measured: dict[str, dict[str, Figures]]) -> None:
    """Print the table as it stands in `daemon/GATE.md`: times OpenSSH's wall time, or ours where it takes no part."""
    print("\nin daemon/GATE.md:\n\n| case | runs | rostergate | rclone | proftpd | seconds | bar |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case, by_server in measured.items():
        walls = {name: statistics.median(one.wall_seconds) for name, one in by_server.items() if one.wall_seconds}
        ours, floor = walls.get(gate_peers.HOUSE), walls.get("openssh")
        if ours is None:
            continue
        unit = floor or ours
        ratios = [
            f"{walls[name] / unit:.2f}" if name in walls else "" for name in (gate_peers.HOUSE, "rclone", "proftpd")
        ]
        seconds = ", ".join(f"{each:.2f}" for each in (ours, floor) if each is not None)
        bar = BARS.get(case) if floor else None
        judged = "" if bar is None else f"{bar:.2f}: {'met' if ours <= bar * unit else 'missed'}"
        one = by_server[gate_peers.HOUSE]
        if case.startswith("load"):
            judged += f"{'; ' if judged else ''}{len(one.failures) or 'no'} failures, {one.peak_mib:.0f} MiB"
        print(f"| {TITLES[case]} | {len(one.wall_seconds)} | {' | '.join(ratios)} | {seconds} | {judged} |")
    fewest = min((len(one.wall_seconds) for by_server in measured.values() for one in by_server.values()), default=0)
    if fewest < RUNS:
        print(f"\nfewer than {RUNS} runs: not for the page")


def _row(case: str, name: str, one: Figures, mib: int, floor: float | None) -> str:
    wall, cpu = statistics.median(one.wall_seconds), statistics.median(one.cpu_seconds)
    speed = f"{mib / wall:.0f}" if case.startswith("stream") else ""
    clients = f" ({statistics.median(one.client_cpu_seconds):.1f})" if one.client_cpu_seconds else ""
    each = [f"{statistics.median(one.seconds):.3f}", f"{_p99(one.seconds):.3f}"] if one.seconds else ["", ""]
    ratio = f"{wall / floor:.2f}" if floor else ""
    figures = [f"{wall:.3f}", *each, speed, f"{cpu:.3f}{clients}", f"{one.peak_mib:.0f}", str(len(one.failures)), ratio]
    return f"| {case} | {name} | {len(one.wall_seconds)} | {' | '.join(figures)} |"


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.99))]


def _judged(case: str, bar: float, ours: Figures, theirs: Figures) -> str:
    ratio = statistics.median(ours.wall_seconds) / statistics.median(theirs.wall_seconds)
    wrong = [] if ratio <= bar else [f"{ratio:.2f} x OpenSSH's time"]
    if ours.failures:
        wrong.append(f"{len(ours.failures)} failures")
    if case.startswith("load") and ours.peak_mib > MIB_MAX:
        wrong.append(f"{ours.peak_mib:.0f} MiB")
    bounds = f"at most {bar:.2f} x OpenSSH's time, no failure" + (
        f", under {MIB_MAX:.0f} MiB" if case.startswith("load") else ""
    )
    return f"{case}: {'MISSES' if wrong else 'meets'} ({bounds}): {', '.join(wrong) or f'{ratio:.2f} x'}"


if __name__ == "__main__":
    main()
