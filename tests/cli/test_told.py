"""What the program and its pages tell somebody to run runs as it stands, once its capital words are replaced."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rostergate.cli import COMMANDS, main

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from cli.conftest import Commands

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "daemon" / "rostergate"
PAGES = (
    "README.md",
    "daemon/*.md",
    "config/*.toml",
    "systemd/**/*.yml",
    "daemon/rostergate/desk/**/*.j2",
    "daemon/**/*.json",
)
TOLD = re.compile(
    r"`(?:sudo\s+-u\s+rostergate\s+)?rostergate\s+([a-z][^`]*)`"
    rf"|(?:^ *|[#$|:] )(?:sudo -u rostergate )?rostergate ((?:{'|'.join(COMMANDS)})\b.*?)(?:$|   | > )",
    re.MULTILINE,
)
SAID = {"KIND": "held", "SHELL": "bash", "ADDRESS": "it@example.org", "CURSOR": "0.0", "NAME": "direct", "ZONE": "UTC"}
"""What stands for a capital word; for others, and for what the program fills in, a number does."""
ENDLESS = {"serve", "demo", "tail", "changes"}
"""Commands that need not end: only their arguments are looked at."""
NAMES = {"man", "completion"}
"""What a sentence calls a command that it says more of: it is not the line to run."""


def texts() -> Iterator[tuple[str, str]]:
    """Give every text that tells somebody something, and the file it is in: pages, messages and helps."""
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            yield path.name, re.sub(r"\{\{.*?\}\}", "7", path.read_text(encoding="utf-8"))
    for path in sorted(PROGRAM.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}  # docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                silent |= {id(one) for one in node.values}
                yield (
                    path.name,
                    "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values),
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
                yield path.name, re.sub(r"\{\w+\}", "7", node.value)
    yield from helps(main, "")


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Give the help of a command, and of those below it."""
    yield f"help of{name}", command.help or ""
    if isinstance(command, click.Group):
        for below in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), below)
            assert found is not None
            yield from helps(found, f"{name} {below}")


def words(line: str) -> list[str]:
    """Return what a shell makes of a line, with something in the place of each capital word and of each path."""
    parts = shlex.split(line.replace("...", ""))
    return [re.sub(r"^/.*", "7", re.sub(r"\b[A-Z]+\b", lambda word: SAID.get(word[0], "7"), one)) for one in parts]


def refusal(commands: Commands, line: str) -> str:
    """Return what is said of how a line is written; empty when it can be run."""
    first, *rest = words(line)
    if first in ENDLESS:
        command = main.get_command(click.Context(main), first)
        assert command is not None
        try:
            command.make_context(first, rest)
        except click.UsageError as error:
            return error.format_message()
        return ""
    ended = commands(first, *rest)
    return ended.stderr if ended.exit_code == 2 and "nobody can be asked here" not in ended.stderr else ""


def test_what_somebody_is_told_to_run_runs(commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command of a page, a mail, a report, a log line, a refusal or a help is refused for how it is written."""
    found = {(where, " ".join("".join(one).split())) for where, text in texts() for one in TOLD.findall(text)}
    told = sorted((where, line) for where, line in found if line not in NAMES)
    wrong = []
    for where, line in told:
        (tmp_path / where / line.replace("/", " ")).mkdir(parents=True)
        monkeypatch.chdir(tmp_path / where / line.replace("/", " "))
        if said := refusal(commands, line):
            wrong.append(f"{where}: {line}: {said}")
    assert len(told) > 50
    assert wrong == []
