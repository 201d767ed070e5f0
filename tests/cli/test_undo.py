from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli.test_history import ONE, TWO, deliver
from rostergate.core.roster import empty
from servers import ENGINES

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.parametrize("commands", ENGINES, indirect=True)

SAID = ("--yes", "--by", "Kim", "--reason", "a wrong export")


@pytest.fixture
def lakeside(commands: Any) -> Path:
    """Give a district with two deliveries; the folder of its reports."""
    commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    deliver(commands, (empty(), ONE), (ONE, TWO))
    folder: Path = commands.folder / "state" / "reports" / "lakeside"
    return folder


@pytest.mark.usefixtures("lakeside")
def test_an_undo_says_first_what_it_would_do(commands: Any) -> None:
    """`--dry-run` shows schools, rows and what comes after; nothing has changed."""
    told = commands.answer("undo", "lakeside-00002", "--dry-run")
    (school,) = told["schools"]
    assert (told["undone"], told["undo"], school["school_id"], school["state"]) == (
        "lakeside-00002",
        None,
        "A",
        "clear",
    )
    assert school["changes"]["students"] == {"added": 0, "updated": 1, "removed": 1}
    shown = commands("undo", "lakeside-00002", "--dry-run")
    assert shown.exit_code == 0
    assert "next delivery brings the same changes again" in shown.output
    assert commands.answer("roster")[0]["students"] == 2


@pytest.mark.parametrize("said", [(), ("--yes",), ("--by", "Kim", "--reason", " ", "--yes"), SAID[1:]])
@pytest.mark.usefixtures("lakeside")
def test_an_undo_needs_a_name_a_reason_and_a_yes(commands: Any, said: tuple[str, ...]) -> None:
    """Without who and why, and without a yes where nobody can be asked, nothing happens."""
    assert commands("undo", "lakeside-00002", *said).exit_code == 2
    assert len(commands.answer("deliveries")) == 2


def test_an_undo_is_done_reported_and_shown(commands: Any, lakeside: Path) -> None:
    """It is a delivery with a report; LATEST.txt, status.json and `show` of both sides tell of it."""
    ended = commands("undo", "lakeside-00002", *SAID)
    assert ended.exit_code == 0, ended.output
    assert "lakeside-00003 undoes lakeside-00002: it is settled" in ended.output
    assert commands.answer("roster")[0]["students"] == 1
    shown = commands("show", "lakeside-00003").output
    assert ("accepted" in shown, "not recognised" in shown, "no files" in shown) == (True, False, False)
    latest = (lakeside / "LATEST.txt").read_text()
    assert "Undoes         lakeside-00002" in latest
    assert "takes back what delivery lakeside-00002 changed" in " ".join(latest.split())
    assert "it makes the same changes again" in " ".join(latest.split())
    told = json.loads((lakeside / "lakeside-00003" / "status.json").read_text())
    assert (told["undoes"], told["verdict"], told["files"]) == ("lakeside-00002", "accepted", [])
    undone = json.loads((lakeside / "lakeside-00002" / "status.json").read_text())
    assert undone["undone_by"] == ["lakeside-00003"]
    assert "undone by lakeside-00003" in commands("show", "lakeside-00002").output
    assert "undoes lakeside-00002, asked for by Kim: a wrong export" in commands("show", "lakeside-00003").output
    assert commands.answer("deliveries")[0]["undoes"] == "lakeside-00002"
    assert commands.answer("status")["districts"][0]["undoes"] == "lakeside-00002"
    assert "undoes lakeside-00002" in commands("status").output
    for path in lakeside.rglob("*"):
        assert not path.is_file() or "Kim" not in path.read_text(), "who it was is the operator's to know"


@pytest.mark.usefixtures("lakeside")
def test_an_undo_is_done_once(commands: Any) -> None:
    """A second time there is nothing left, and the exit status says so; the undo can be undone."""
    assert commands.answer("undo", "lakeside-00002", *SAID)["undo"]["delivery"] == "lakeside-00003"
    again = commands("undo", "lakeside-00002", *SAID)
    assert (again.exit_code, "is left to undo" in again.stderr) == (1, True)
    assert commands("undo", "lakeside-00009", *SAID).exit_code == 1
    assert commands("undo", "lakeside-00003", "--school", "A", *SAID).exit_code == 0
    assert commands.answer("roster")[0]["students"] == 2
