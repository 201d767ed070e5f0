from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rostergate.desk.events import EVENTS

PAGE = Path(__file__).parents[2] / "daemon" / "EVENTS.md"


def test_the_page_that_is_committed_is_what_the_code_gives(commands: Any) -> None:
    """`daemon/EVENTS.md` is the output of the command, word by word."""
    if PAGE.read_text(encoding="utf-8") != commands("events", "--markdown").output:
        pytest.fail("write it again: .venv/bin/rostergate events --markdown > daemon/EVENTS.md", pytrace=False)


def test_every_event_is_told_to_programs(commands: Any) -> None:
    """`rostergate events --json` has each event with when it is logged and its fields."""
    told = commands.answer("events")
    assert [one["event"] for one in told] == list(EVENTS)
    assert all(one["when"] and isinstance(one["fields"], list) for one in told)
