"""An upgrade amid an upload: the program of the former schema as it was committed, then this one, on the same state."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import asyncssh
import pytest

from rostergate.cli import sample
from rostergate.store.upgrading import MIGRATIONS, revision_known, revisions
from running import SECONDS_MAX, Rostergate, until
from wholes import as_files

ROOT = Path(__file__).parents[2]


def git(*arguments: str) -> bytes:
    """Ask git about this checkout; nothing where there is none."""
    if not shutil.which("git"):
        return b""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, timeout=SECONDS_MAX, check=False)
    return done.stdout if done.returncode == 0 else b""


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the source root of the program as it was before the newest migration."""
    (newest,) = MIGRATIONS.glob(f"versions/{revision_known()}_*.py")
    added = git("log", "-1", "--diff-filter=A", "--format=%H", "--", str(newest)).decode().strip()
    archive = git("archive", f"{added}~1", "daemon") if added else b""
    if not archive:
        pytest.skip("left out: git does not have the program of the former schema here")
    folder = tmp_path_factory.mktemp("former")
    subprocess.run(["tar", "--extract", f"--directory={folder}"], input=archive, timeout=SECONDS_MAX, check=True)
    return folder / "daemon"


def schema(rostergate: Rostergate) -> str:
    """Return the revision that the database has."""
    ((revision,),) = rostergate.queried("SELECT version_num FROM alembic_version")
    return str(revision)


def fewer(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the set of a later day: one student has left, with every tie."""
    rows = sample.file_set()
    gone = rows["students.csv"][-1][0]
    left = {name: [row for row in table if gone not in row] for name, table in rows.items()}
    assert files.keys() == left.keys()
    return as_files(left)


@pytest.mark.parametrize(
    ("end", "again"),
    [
        pytest.param(signal.SIGTERM, False, id="stopped, and the upload is resumed"),
        pytest.param(signal.SIGKILL, True, id="killed, and the file is sent again"),
    ],
)
async def test_an_upgrade_amid_an_upload(
    former: Path,
    tmp_path: Path,
    files: dict[str, bytes],
    end: signal.Signals,
    again: bool,  # noqa: FBT001 - a case
) -> None:
    """What the former program applied, took in and cut off: the new one has all of it, and each change once."""
    rostergate = Rostergate(tmp_path, environment={"PYTHONPATH": str(former)})
    rostergate.add_district()
    second = fewer(files)
    cut = second["students.csv"]
    process = rostergate.start({"ROSTERGATE_SERVER__DRAIN_SECONDS_MAX": "0"})
    try:
        until(lambda: rostergate.events("service.started"), "the former daemon")
        await rostergate.upload(files)
        rostergate.reached("settled")
        rostergate.run("district", "grant", "lakeside")
        assert schema(rostergate) == max(revisions() - {revision_known()})
        await rostergate.upload({name: data for name, data in second.items() if name != "students.csv"})
        with suppress(asyncssh.Error, OSError):  # the daemon goes, and takes the session along
            async with rostergate.sftp() as client:
                file = await client.open("students.csv", "wb")
                await file.write(cut[:1000])
                await file.fsync()
                process.send_signal(end)
                process.wait(SECONDS_MAX)
    finally:
        process.kill()
        process.wait()

    del rostergate.environment["PYTHONPATH"]
    with rostergate.daemon():
        assert schema(rostergate) == revision_known()
        async with rostergate.sftp() as client:
            came = (await client.stat("students.csv")).size
            assert came == 1000
            start = 0 if again else came
            async with client.open("students.csv", "wb" if again else "r+b") as file:
                await file.seek(start)
                await file.write(cut[start:])
        rostergate.reached("settled", 2)
    assert rostergate.counts()["students"] == 259
    assert rostergate.queried("SELECT count(*) FROM deliveries") == [(2,)]
    rostergate.run("db", "check")
