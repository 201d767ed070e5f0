"""The manual pages, as the programs that show them read them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from rostergate.cli import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Commands


@pytest.fixture
def pages(commands: Commands, tmp_path: Path) -> list[Path]:
    """Write every page and give their files."""
    told = commands.answer("man", str(tmp_path / "man1"))
    return [tmp_path / "man1" / name for name in told["pages"]]


def test_every_command_has_a_page(pages: list[Path]) -> None:
    """One page for the program, one for each command, one for each command below a command."""
    names = {path.stem for path in pages}
    assert {"rostergate", "rostergate-holds-show", "rostergate-district-add"} <= names
    assert {f"rostergate-{command}" for command in COMMANDS} <= names
    assert all(path.exists() for path in pages)


def test_a_page_says_what_the_help_says(pages: list[Path]) -> None:
    """Name, synopsis, description, options and exit status stand on it, with what the help has for them."""
    text = next(path for path in pages if path.stem == "rostergate-holds-show").read_text()
    for part in ("SH NAME", "SH SYNOPSIS", "SH DESCRIPTION", '"OPTIONS"', '"EXIT STATUS"', "SH SEE ALSO"):
        assert part in text
    assert "rostergate\\-holds\\-show \\- show why one plan waits" in text
    assert ".B \\-\\-csv\nPrint exactly the rows concerned" in text


@pytest.mark.parametrize(
    "reader",
    [("groff", "-man", "-Tutf8", "-ww", "-z"), ("man", "--warnings=w", "-l"), ("mandoc", "-Tlint", "-Wwarning")],
)
def test_readers_of_man_pages_have_nothing_to_say(pages: list[Path], reader: tuple[str, ...]) -> None:
    """Every page is taken without a warning."""
    if shutil.which(reader[0]) is None:
        pytest.skip(f"{reader[0]} is not installed")
    done = subprocess.run([*reader, *pages], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
