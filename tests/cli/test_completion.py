"""What shells complete, with the scripts that `rostergate completion` prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cli.delivering import deliver, district, files

if TYPE_CHECKING:
    from cli.conftest import Commands

COMPLETED = """
source "$1"
COMP_WORDS=("${@:2}")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_rostergate_completion rostergate
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(commands: Commands, *words: str) -> list[str]:
    """Return what bash offers after these words, the last of which is being typed."""
    script = commands.folder / "completion.bash"
    script.write_text(commands("completion", "bash").output)
    done = subprocess.run(
        ["bash", "-c", COMPLETED, "bash", script, "rostergate", *commands.place, *words],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["st"], ["status"]),
        (["holds", "t"], ["try"]),
        (["deliveries", "--li"], ["--limit"]),
        (["deliveries", "--district", ""], ["adams", "lincoln"]),
        (["district", "grant", "l"], ["lincoln"]),
        (["explain", "lincoln-"], ["lincoln-00002", "lincoln-00001"]),
        (["release", "--delivery", "lincoln-00001"], ["lincoln-00001"]),
        (["tail", "--district", "a"], ["adams"]),
        (["district", "add", ""], []),
    ],
)
def test_bash_completes(commands: Commands, words: list[str], offered: list[str]) -> None:
    """Commands, options, districts by their files, and deliveries by their folders, newest first."""
    district(commands)
    (commands.folder / "config" / "districts" / "adams.toml").write_text("broken")
    for number, students in enumerate((3, 4)):
        folder = deliver(commands, files({"1": "Oak"}, {"1": range(students)}))
        os.utime(commands.folder / "state" / "deliveries" / folder, (number, number))
    assert completed(commands, *words) == offered


def test_what_cannot_be_read_is_not_offered(commands: Commands) -> None:
    """Without folders, or without the right to read them, completion says nothing at all."""
    assert completed(commands, "deliveries", "--district", "") == []
    assert completed(commands, "explain", "") == []


def test_completing_a_commands_name_imports_no_command() -> None:
    """A shell waits for the answer: neither the database nor polars is loaded for a name."""
    probe = "import sys, rostergate.cli; print({'sqlalchemy', 'polars', 'asyncssh', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_one_that_its_shell_reads(commands: Commands, shell: str, tmp_path: Path) -> None:
    """Each shell finds its script in order."""
    script = commands("completion", shell)
    assert script.exit_code == 0
    assert "rostergate" in script.output
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script.output)
    done = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
