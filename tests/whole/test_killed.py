"""Nothing is lost: the daemon is killed before any step between CLOSE and settled, and started again.

Before three of eight, that is; with `KILL_AT_EVERY_STEP=1` before each.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh
import pytest

from rostergate.cli import sample
from rostergate.spool import sealing
from running import SECONDS_MAX, until
from wholes import as_files

if TYPE_CHECKING:
    from running import Rostergate

STRIDES = 8
FIRST = range(1, STRIDES + 1) if os.environ.get("KILL_AT_EVERY_STEP") else range(1, STRIDES + 1, 3)
"""Where strides begin: a delivery has nearly seventy steps, and each costs two starts of the daemon."""
CRASHING = Path(__file__).parent.parent / "crashing"


@pytest.mark.parametrize("first", FIRST)
async def test_a_kill_at_any_step_loses_nothing(rostergate: Rostergate, tmp_path: Path, first: int) -> None:
    """Whatever the step, after a restart each acknowledged file is there and the delivery is applied exactly once."""
    at = first
    while await _killed_before(rostergate, tmp_path / f"{at}", at):
        at += STRIDES
    assert at > 20, "the steps were not counted"


async def _killed_before(template: Rostergate, folder: Path, at: int) -> bool:
    """Play one delivery with a kill before step `at`; return whether there was such a step."""
    files = as_files(sample.file_set())
    last = "enrollments.csv"
    one = template.copied(folder)
    steps = folder / "steps"
    armed = folder / "steps.armed"
    process = one.start({"PYTHONPATH": str(CRASHING), "CRASH_STEPS": str(steps), "CRASH_AT": str(at)})
    try:
        one.listens(process)
        await one.upload({name: data for name, data in files.items() if name != last})
        armed.touch()
        acknowledged = False
        with contextlib.suppress(asyncssh.Error, OSError):
            await one.upload({last: files[last]})
            acknowledged = True
        until(lambda: process.poll() is not None or one.standing() == ("settled", True), "a kill or the end")
        killed = at <= len(steps.read_text().splitlines())
        if killed:
            assert process.wait(SECONDS_MAX) == -signal.SIGKILL
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    armed.unlink()
    with one.daemon():
        if not acknowledged:
            with contextlib.suppress(asyncssh.SFTPError):  # it may have been taken although nobody could say so
                await one.upload({last: files[last]})
        until(
            lambda: one.standing() == ("settled", True),
            f"the delivery to settle after step {at}: {one.log.read_text()}",
        )
    _assert_applied_once(one, files)
    return killed


def _assert_applied_once(one: Rostergate, files: dict[str, bytes]) -> None:
    with contextlib.closing(sqlite3.connect(one.spool.database)) as database:
        assert database.execute("SELECT state FROM deliveries").fetchall() == [("settled",)]
        versions = "SELECT count(*), count(DISTINCT student_id), min(since_delivery), max(since_delivery) FROM students"
        assert database.execute(versions).fetchone() == (260, 260, 1, 1)
        assert database.execute("SELECT count(*) FROM enrollments WHERE until_delivery IS NULL").fetchone() == (260,)
        assert database.execute("SELECT state, count(*) FROM plans GROUP BY state").fetchall() == [("applied", 3)]
    (folder,) = sealing.sealed(one.spool)
    kept = {file.name: file.sha256 for file in sealing.manifest_of(folder).files}
    assert kept == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert "Accepted" in one.latest()
