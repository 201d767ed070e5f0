from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rostergate.core import catalogue

PAGE = Path(__file__).parents[2] / "daemon" / "RULES.md"


def test_the_page_that_is_committed_is_what_the_code_gives(commands: Any) -> None:
    """`daemon/RULES.md` is the output of the command, word by word."""
    if PAGE.read_text(encoding="utf-8") != commands("rules", "--markdown").output:
        pytest.fail("write it again: .venv/bin/rostergate rules --markdown > daemon/RULES.md", pytrace=False)


def test_every_code_and_hold_stands_on_the_page_once(commands: Any) -> None:
    """Each code has its entry, with its title and its next step."""
    page = commands("rules", "--markdown").output
    for code in [*catalogue.codes(), *catalogue.holds()]:
        assert page.count(f"### `{code}`\n") == 1
    told = page.replace("\\\\", "\\")  # Markdown shows two of them as one
    assert all(f"**{one.title}**" in told and one.next_step in told for one in catalogue.codes().values())


def test_a_rule_says_why_it_exists(commands: Any) -> None:
    """The page has the docstring of a rule and of a hold, without the name it begins with."""
    page = commands("rules", "--markdown").output
    assert "\n\nA class cannot be given to somebody the files do not describe;" in page
    assert "\n\nMost of a school's rows do not vanish overnight.\n" in page
