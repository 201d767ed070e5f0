"""A place for commands: a configuration and a state folder of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rostergate.cli import main, sample
from wholes import as_files, write_set

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@dataclass
class Commands:
    """Runs commands in this process."""

    folder: Path

    @property
    def place(self) -> tuple[str, ...]:
        """The options that point a command at this place."""
        return ("--config", str(self.folder / "config"), "--state", str(self.folder / "state"))

    def __call__(self, *arguments: str) -> Result:
        """Run `rostergate ARGUMENTS` and return how it ended."""
        environment = {"ROSTERGATE_PASSWORDS__MEMORY_KIB": "8192", "ROSTERGATE_PASSWORDS__PASSES": "1"}
        return CliRunner().invoke(main, [*self.place, *arguments], env=environment)

    def answer(self, *arguments: str, status: int = 0) -> Any:
        """Run a command with --json and return its answer."""
        ended = self(*arguments, "--json")
        assert ended.exit_code == status, ended.output
        return json.loads(ended.stdout)


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    """Give a place with nothing in it."""
    return Commands(tmp_path)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Give a folder with a good set."""
    folder = tmp_path / "good"
    write_set(folder, as_files(sample.file_set()))
    return folder
