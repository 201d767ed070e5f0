"""The benchmarks run to their end, on districts so small that nothing is measured."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from servers import programs

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PEERS = ("duckdb", "pandas")

needs_peers = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, PEERS)), reason=f"not installed: {', '.join(PEERS)} (`make bench` does it)"
)


def measured(script: str, *arguments: str, folder: Path) -> tuple[str, dict[str, object]]:
    """Run a benchmark; return its table and its figures."""
    figures = folder / "figures.json"
    command = [sys.executable, str(BENCHMARKS / script), *arguments, "--folder", str(folder), "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["figures.json"]
    return done.stdout, json.loads(figures.read_text())


@needs_peers
def test_the_pipeline_is_measured_beside_its_peers(tmp_path: Path) -> None:
    """Every case is measured, each bar is judged, and the whole road comes to the end that its case is named for."""
    table, told = measured("pipeline.py", "--size", "300", "--runs", "1", folder=tmp_path)
    runs = told["runs"]
    assert isinstance(runs, dict)
    states = {case: one[0]["walked"]["state"] for case, one in runs.items() if one[0]["walked"]}
    assert states == {
        "first": "settled",
        "daily": "settled",
        "nothing": "settled",
        "faulty": "settled",
        "broken": "rejected",
    }
    assert table.count("meets") + table.count("MISSES") >= 5


@pytest.mark.skipif(programs() is None, reason="left out: PostgreSQL's server (initdb, postgres) is not installed")
def test_the_engines_are_measured_side_by_side(tmp_path: Path) -> None:
    """A first delivery and a daily one are measured on SQLite and on a private PostgreSQL, and both bars are judged."""
    table, told = measured("engines.py", "--size", "300", "--runs", "1", folder=tmp_path)
    seconds = told["seconds"]
    assert isinstance(seconds, dict)
    assert {case: sorted(engines) for case, engines in seconds.items()} == {
        "first": ["postgresql", "sqlite"],
        "daily": ["postgresql", "sqlite"],
    }
    assert table.count("meets") + table.count("MISSES") == 2


def test_a_part_of_the_nation_is_measured(tmp_path: Path) -> None:
    """A few districts of all sizes are delivered on two days in real worker processes, and all of them applied."""
    table, told = measured("nation.py", "--percent", "0.1", "--students-max", "400", folder=tmp_path)
    assert set(told["days"]) == {"first", "daily"}  # type: ignore[arg-type]
    assert "first" in table


def test_the_daemon_is_measured_while_it_decides(tmp_path: Path) -> None:
    """Delay and upload speed are measured in a real daemon, alone and beside a first delivery and the next day's."""
    table, told = measured("while_large.py", "--size", "300", "--megabytes", "1", folder=tmp_path)
    assert table.count("loop delay") == 2
    for name in ("first", "daily"):
        assert len(told[name]["upload_mb_s"]) == 2  # type: ignore[index]


needs_sftp = pytest.mark.skipif(shutil.which("sftp") is None, reason="sftp is not installed")


@needs_sftp
def test_the_gate_is_measured(tmp_path: Path) -> None:
    """A long stream and a set are uploaded to the real daemon with a real client, without a failure."""
    cases = ("stream-gcm", "set-key")
    choice = ("--cases", ",".join(cases), "--servers", "rostergate", "--runs", "1", "--mib", "1")
    table, told = measured("sftp.py", *choice, folder=tmp_path)
    for case in cases:
        figures = told["cases"][case]["rostergate"]  # type: ignore[index]
        assert figures["failures"] == []
        assert f"| {case} | rostergate | 1 |" in table


@needs_sftp
def test_a_flood_is_measured(tmp_path: Path) -> None:
    """Wrong logins are all refused while a district uploads, and both bars are judged."""
    table, told = measured("flood.py", "--logins", "6", "--mib", "1", "--runs", "1", folder=tmp_path)
    (run,) = told  # a list of runs
    assert run["ended"] == {"PermissionDenied": 6}  # type: ignore[index]
    assert table.count("meets") + table.count("MISSES") == 2
