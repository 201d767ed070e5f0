"""The pages that operators read: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from rostergate.cli import main
from rostergate.cli.status import _URGENCY

ROOT = Path(__file__).parents[2]
NAMED = re.compile(
    r"`(?:sudo -u rostergate )?rostergate ([^`]+)`|^[#$] (?:sudo -u rostergate )?rostergate (.+)$", re.MULTILINE
)
NOBODY = {"being decided", "nothing yet", "disabled", "in order"}
"""Where a district stands that needs nobody."""


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that the first words name, and the words after it."""
    command: click.Command = main
    context = click.Context(main, info_name="rostergate")
    while words and isinstance(command, click.Group) and (found := command.get_command(context, words[0])):
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("page", ["README.md", "daemon/OPERATING.md", "daemon/MAIL.md"])
def test_a_page_names_only_commands_and_options_that_there_are(page: str) -> None:
    """Every `rostergate ...` on a page is a command, and its options are that command's."""
    named = [" ".join(parts).split() for parts in NAMED.findall((ROOT / page).read_text(encoding="utf-8"))]
    wrong = []
    for words in named:
        command, rest = command_of(words)
        options = {option for one in command.params for option in one.opts} | {"--help"}
        wrong += [(words, one) for one in rest if one.startswith("--") and one.partition("=")[0] not in options]
        if isinstance(command, click.Group) and rest and rest[0].isalpha():
            wrong.append((words, rest[0]))
    assert len(named) > 1
    assert wrong == []


def test_the_page_for_operators_has_every_stand_that_needs_somebody() -> None:
    """Whoever reads a word on the screen of `status` finds there what it means and what to do."""
    page = (ROOT / "daemon" / "OPERATING.md").read_text(encoding="utf-8")
    table = page[page.index("| it says") : page.index("## When somebody calls")]
    told = {word for row in table.splitlines()[2:] if row for word in row.split("|")[1].strip().split(", ")}
    assert told == set(_URGENCY) - NOBODY
