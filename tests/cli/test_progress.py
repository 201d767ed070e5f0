"""Progress of long work: seen by who sits in front of a terminal, and by nobody else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cli.delivering import deliver, district, files

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Commands


def run(commands: Commands, *arguments: str) -> tuple[str, str]:
    """Run a command whose standard error is a terminal; return what it printed and what the terminal saw."""
    screen, theirs = pty.openpty()
    seen = b""
    with subprocess.Popen(
        [sys.executable, "-m", "rostergate", *commands.place, *arguments],
        env={**os.environ, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        try:
            while data := os.read(screen, 65_536):  # read as it comes: a terminal holds little
                seen += data
        except OSError:  # Linux's word for: nobody has the terminal open any more
            pass
        finally:
            os.close(screen)
        answer, _ = process.communicate(timeout=120)
    assert process.returncode == 0, seen.decode()
    return answer, seen.decode()


@pytest.fixture
def delivered(commands: Commands) -> Commands:
    """Give a place with one delivery."""
    district(commands)
    deliver(commands, files({"1": "Oak"}, {"1": range(30)}))
    return commands


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("db", "backup", "{folder}/copy.db"), "copying the database"),
        (("db", "check"), "checking the database"),
        (("db", "upgrade"), "bringing the database to this version"),
        (("purge", "--dry-run"), "looking for what is too old"),
        (("erase", "lincoln", "s1-3", "--yes"), "erasing"),
        (("district", "remove", "lincoln", "--yes"), "removing it"),
        (("roster", "--csv", "--output", "{folder}/out"), "writing rows"),
        (("holds", "try", "--district", "lincoln", "--removals-percent", "5"), "looking at deliveries"),
        (("preview", "{folder}/set"), "checking "),
        (("accounts", "load", "{folder}/accounts.csv", "--district", "lincoln"), "reading accounts.csv"),
    ],
    ids=lambda one: one if isinstance(one, str) else one[0],
)
def test_a_terminal_sees_it_and_nothing_else_does(
    delivered: Commands, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """The line goes to the terminal, is taken away in the end, and the answer is the same as without one."""
    (tmp_path / "set").mkdir()
    for name, data in files({"1": "Oak"}, {"1": range(9)}).items():
        (tmp_path / "set" / name).write_bytes(data)
    (tmp_path / "accounts.csv").write_text("account_id,email\na-1,x1.1@home.example\n")
    given = [one.format(folder=tmp_path) for one in arguments]
    answer, seen = run(delivered, *given)
    assert words in seen
    assert words not in answer
    assert answer.strip()
    assert seen.rstrip().endswith("\x1b[2K") or "\x1b[?25h" in seen  # the cursor is there again


def test_a_program_that_asks_for_json_sees_none(delivered: Commands, tmp_path: Path) -> None:
    """With --json the terminal stays empty, whatever takes long."""
    _, seen = run(delivered, "db", "backup", str(tmp_path / "copy.db"), "--json")
    assert seen == ""


def test_without_a_terminal_there_is_none(delivered: Commands, tmp_path: Path) -> None:
    """In a pipe or a file standard error stays empty."""
    ended = delivered("db", "backup", str(tmp_path / "copy.db"))
    assert (ended.exit_code, ended.stderr) == (0, "")
