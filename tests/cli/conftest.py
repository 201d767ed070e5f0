"""A place for commands: a configuration and a state folder of their own.

Tests of what is in the database ask for it on both engines: `parametrize("commands", ENGINES, indirect=True)`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from rostergate.cli import main, sample
from rostergate.spool.folders import Spool
from wholes import as_files, write_set

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from rostergate import store


@dataclass
class Commands:
    """Runs commands in this process."""

    folder: Path
    server: store.Server | None = None
    """The database; None: the file of the state folder."""

    @property
    def location(self) -> store.Location:
        """Where the database is."""
        return self.server or Spool(self.folder / "state").database

    @property
    def place(self) -> tuple[str, ...]:
        """The options that point a command at this place."""
        return ("--config", str(self.folder / "config"), "--state", str(self.folder / "state"))

    @property
    def environment(self) -> dict[str, str]:
        """What is set for a command."""
        cheap = {"ROSTERGATE_PASSWORDS__MEMORY_KIB": "8192", "ROSTERGATE_PASSWORDS__PASSES": "1"}
        return {**cheap, "ROSTERGATE_DATABASE__URL": self.server.url} if self.server else cheap

    def __call__(self, *arguments: str) -> Result:
        """Run `rostergate ARGUMENTS` and return how it ended."""
        return CliRunner().invoke(main, [*self.place, *arguments], env=self.environment)

    def answer(self, *arguments: str, status: int = 0) -> Any:
        """Run a command with --json and return its answer."""
        ended = self(*arguments, "--json")
        assert ended.exit_code == status, ended.output
        return json.loads(ended.stdout)


@pytest.fixture
def commands(tmp_path: Path, request: pytest.FixtureRequest) -> Commands:
    """Give a place with nothing in it, on SQLite where the test asks for no engine."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return Commands(tmp_path)
    server = request.getfixturevalue("postgresql").server(request.getfixturevalue("server_database"))
    return Commands(tmp_path, server)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Give a folder with a good set."""
    folder = tmp_path / "good"
    write_set(folder, as_files(sample.file_set()))
    return folder
