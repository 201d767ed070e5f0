"""`rostergate db`: what an operator sees of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from cli.delivering import deliver, district, files
from rostergate.store.engine import open_blocking, to_write
from running import SECONDS_MAX
from servers import ENGINES, programs

if TYPE_CHECKING:
    from pathlib import Path

ONE = files({"10": "Oak"}, {"10": range(3)})
TWO = files({"10": "Oak"}, {"10": range(1, 5)})


@pytest.mark.parametrize("commands", ENGINES, indirect=True)
def test_an_upgrade_makes_what_is_not_there(commands: Any) -> None:
    """`db upgrade` makes the database and says its schema; a second time it changes nothing."""
    first = commands.answer("db", "upgrade")
    assert (commands.folder / "state" / "rostergate.db").exists() == (commands.server is None)
    assert commands.answer("db", "upgrade") == first
    assert "is up to date" in commands("db", "upgrade").output


@pytest.mark.parametrize("commands", ENGINES, indirect=True)
def test_a_check_says_what_it_found(commands: Any) -> None:
    """`db check` ends with 0 on a sound database, and with 1 and the reason on one that is not."""
    commands("db", "upgrade")
    sound = commands.answer("db", "check")
    assert sound["ok"]
    names = {one["name"] for one in sound["checks"]}
    assert {"schema", "references", "ties"} <= names
    assert ({"pages", "foreign keys"} <= names) == (commands.server is None)
    with open_blocking(commands.location).connect() as connection, to_write(connection).begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    wrong = commands("db", "check")
    assert wrong.exit_code == 1
    assert "WRONG" in wrong.output
    assert "rostergate db upgrade" in wrong.output.replace("\n", " ")


def test_nothing_is_made_by_looking(commands: Any, tmp_path: Path) -> None:
    """Where there is no database, `check` and `backup` say how to make one, and make none."""
    for command in (("check",), ("backup", str(tmp_path / "copy.db"))):
        ended = commands("db", *command)
        assert ended.exit_code == 1
        assert "db upgrade" in ended.stderr
    assert not (commands.folder / "state").exists()


def test_a_backup_is_a_database(commands: Any, tmp_path: Path) -> None:
    """`db backup` writes a whole database, never over another file, and says so where the folder is missing."""
    commands("db", "upgrade")
    file = tmp_path / "copy.db"
    assert commands.answer("db", "backup", str(file))["bytes"] == file.stat().st_size
    again = commands("db", "backup", str(file))
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    nowhere = commands("db", "backup", str(tmp_path / "no" / "such.db"))
    assert (nowhere.exit_code, f"There is no folder {tmp_path / 'no'}" in nowhere.stderr) == (1, True)


@pytest.mark.parametrize("commands", ENGINES, indirect=True)
def test_a_backup_brings_back_what_there_was(commands: Any, tmp_path: Path) -> None:
    """Restored as README says, roster and feed are those of the backup, and the next delivery goes on from there."""
    district(commands)
    deliver(commands, ONE)
    copy, lines = tmp_path / "copy", commands("changes").stdout
    told = commands.answer("db", "backup", str(copy), status=int(commands.server is not None))
    if told["command"]:
        _run(*shlex.split(told["command"]))
    roster = commands.answer("roster")
    deliver(commands, TWO)
    later = commands("changes").stdout
    assert (commands.answer("roster") != roster, later.startswith(lines), later != lines) == (True, True, True)
    if commands.server:
        _run("psql", commands.server.url, "-c", "DROP OWNED BY CURRENT_USER")
        _run("pg_restore", "--single-transaction", f"--dbname={commands.server.url}", str(copy))
    else:
        shutil.copyfile(copy, commands.location)
        for more in ("-wal", "-shm"):
            commands.location.with_name(f"{commands.location.name}{more}").unlink(missing_ok=True)
    assert commands.answer("db", "check")["ok"]
    assert (commands.answer("roster"), commands("changes").stdout) == (roster, lines)
    assert "restored from a backup" in commands("changes", "--after", "2.1").stderr
    shutil.rmtree(commands.folder / "state" / "deliveries" / "lincoln-00002")
    deliver(commands, TWO)
    assert commands("changes").stdout.count("\n") == later.count("\n")


def _run(*command: str) -> None:
    """Run one of PostgreSQL's own programs."""
    environment = {**os.environ, "PATH": f"{programs()}:{os.environ['PATH']}"}
    subprocess.run(command, check=True, env=environment, timeout=SECONDS_MAX, capture_output=True)
