"""`rostergate district remove` on a real state: what goes, what the feed tells, and what is left in the end."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cli.delivering import SLUG, deliver, district, files, seal
from rostergate.spool.folders import Spool
from servers import ENGINES

if TYPE_CHECKING:
    from cli.conftest import Commands

SCHOOLS = {"1": "Adams", "2": "Baker"}
EVERYBODY = {"1": range(40), "2": range(40)}
HALF = {"1": range(10), "2": range(40)}


@pytest.fixture
def place(commands: Commands) -> Commands:
    """Give a district with a roster, a password, an unfinished upload and a school on hold."""
    district(commands, 'recipients = ["it@lincoln.example.org"]\n')
    deliver(commands, files(SCHOOLS, EVERYBODY))
    commands.answer("district", "password", SLUG)
    deliver(commands, files(SCHOOLS, HALF))
    spool = Spool(commands.folder / "state")
    (spool.inbox(SLUG) / "students.csv").write_text("half a set")
    spool.reports(SLUG).mkdir(exist_ok=True)
    (spool.reports(SLUG) / "LATEST.txt").write_text("Kid3 Ash")
    spool.kept(SLUG).write_text("Kid3 Ash")
    (spool.reports(f"{SLUG}-west")).mkdir()
    return commands


def left(commands: Commands, word: bytes) -> list[str]:
    """Return the files of the state and the configuration that have a word in them."""
    every = [path for path in commands.folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in every if word in path.read_bytes())


def test_it_says_first_what_goes(place: Commands) -> None:
    """Nothing is done without a yes."""
    told = place.answer("district", "remove", SLUG, "--dry-run")
    assert told["current"] > 200
    assert (told["removed"], told["deliveries"], told["plans"]) == (False, 2, 4)
    assert "the feed tells each one as removed" in place("district", "remove", SLUG, "--dry-run").output
    assert place("district", "remove", SLUG).exit_code == 2
    assert place.answer("district", "list")[0]["slug"] == SLUG
    assert place("district", "remove", "nowhere", "--yes").exit_code == 1


@pytest.mark.parametrize("commands", ENGINES, indirect=True)
def test_it_leaves_the_roster_and_the_feed_tells_it(place: Commands) -> None:
    """A follower that takes every line has nothing of the district left, and the database is whole."""
    current = place.answer("district", "remove", SLUG, "--dry-run")["current"]
    told = place.answer("district", "remove", SLUG, "--yes")
    assert told["rows_removed"] == current
    kept: set[tuple[Any, ...]] = set()
    for line in place("changes").stdout.splitlines():
        change = json.loads(line)
        key = change["table"], *change["key"].items()
        assert (change["before"] is None) is (key not in kept)
        kept = kept - {key} if change["after"] is None else kept | {key}
    assert kept == set()
    assert place.answer("district", "list") == place.answer("holds") == place.answer("status")["districts"] == []
    spool = Spool(place.folder / "state")
    assert [path.name for path in spool.deliveries.iterdir()] == []
    assert [path.name for path in (spool.state / "reports").iterdir()] == [f"{SLUG}-west"]
    assert not spool.inbox(SLUG).exists()
    assert place.answer("db", "check")["ok"]
    again = place.answer("district", "remove", SLUG, "--yes")
    assert (again["current"], again["rows_removed"]) == (0, 0)


@pytest.mark.parametrize("commands", ENGINES, indirect=True)
def test_its_history_goes_when_the_platform_has_followed(place: Commands) -> None:
    """Nothing names anybody any more; who has not followed is refused; the numbers go on when it comes back."""
    assert "still there" in place("district", "remove", SLUG, "--history", "--yes").stderr
    place.answer("district", "remove", SLUG, "--yes")
    last = json.loads(place("changes").stdout.splitlines()[-1])["cursor"]
    assert place.answer("district", "remove", SLUG, "--history", "--yes")["rows_removed"] > 0
    assert place("changes", "--after", last).stdout == ""
    refused = place("changes")
    assert (refused.exit_code, "or the district's removal" in refused.stderr) == (1, True)
    assert place.answer("db", "check")["ok"]
    if place.server is None:
        assert left(place, b"Kid") == left(place, b"Adams") == []
    district(place)
    assert deliver(place, files(SCHOOLS, EVERYBODY)) == f"{SLUG}-00003"
    assert place.answer("roster")[0]["students"] == 80
    assert place.answer("holds") == []


def test_what_is_being_decided_is_waited_for(place: Commands) -> None:
    """It would bring everything again; nothing is removed meanwhile."""
    (Spool(place.folder / "state").inbox(SLUG) / "students.csv").unlink()
    seal(place, files(SCHOOLS, EVERYBODY))
    refused = place("district", "remove", SLUG, "--yes")
    assert (refused.exit_code, "is being decided" in refused.stderr) == (1, True)
    assert place.answer("district", "list")[0]["slug"] == SLUG
    with closing(sqlite3.connect(Spool(place.folder / "state").database)) as database:
        assert database.execute("SELECT count(*) FROM credentials").fetchone() == (1,)
