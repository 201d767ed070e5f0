"""`rostergate purge` on a real state: what it shows, what it removes, what it leaves."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from cli.delivering import SLUG, deliver, district, files
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from cli.conftest import Commands

SCHOOLS = {"1": "Adams", "2": "Baker"}
EVERYBODY = {"1": range(40), "2": range(40)}
LESS = {"1": range(39), "2": range(40)}
HALF = {"1": range(10), "2": range(40)}


def aged(commands: Commands, delivery: str, days: int) -> None:
    """Let everything of a delivery have happened so many days earlier."""
    with closing(sqlite3.connect(Spool(commands.folder / "state").database)) as database, database:
        back = f"-{days} days"
        form = "strftime('%Y-%m-%d %H:%M:%f000', {0}, ?)"
        for table, key, columns in (
            ("deliveries", "id", ("began_at", "sealed_at", "decided_at", "closed_at")),
            ("turns", "delivery", ("at",)),
            ("plans", "delivery", ("closed_at",)),
        ):
            for column in columns:
                database.execute(
                    f"UPDATE {table} SET {column} = {form.format(column)} WHERE {key} = ?", (back, delivery)
                )


@pytest.fixture
def place(commands: Commands) -> Commands:
    """Give a district with four deliveries: two years old, one year, on hold since yesterday, and of today."""
    district(commands)
    for students, days in ((EVERYBODY, 800), (LESS, 740), (HALF, 100)):
        aged(commands, deliver(commands, files(SCHOOLS, students)), days)
    return commands


def test_it_says_what_it_would_remove_and_what_stays(place: Commands) -> None:
    """Without a yes nothing is removed; what waits stays however old it is, and the reason is said."""
    told = place.answer("purge", "--dry-run")
    assert told["files"] == ["lincoln-00001", "lincoln-00002"]
    assert [(one["district"], one["versions"]) for one in told["history"]] == [("lincoln", 0)]
    assert told["purged"] is None
    assert "lincoln-00003" in told["kept"][0]
    assert "it is planned" in told["kept"][0]
    shown = place("purge", "--dry-run").output
    assert "the files of 2 deliveries older than 90 days: lincoln-00001, lincoln-00002" in shown
    assert (place.folder / "state" / "deliveries" / "lincoln-00001" / "manifest.json").exists()
    assert place("purge").exit_code == 2


def test_it_removes_exactly_that(place: Commands) -> None:
    """Files and history of old deliveries go; the roster, the plan on hold and the newest files are as they were."""
    before = place.answer("roster")
    deliver(place, files(SCHOOLS, {"1": range(38), "2": range(39)}))
    told = place.answer("purge", "--yes")
    assert told["purged"]["deliveries"] == 3
    (history,) = told["history"]
    assert told["purged"]["versions"] == history["versions"] > 0
    assert told["purged"]["plans"] == told["plans"] > 0
    left = sorted(path.name for path in (place.folder / "state" / "deliveries").iterdir())
    assert left == ["lincoln-00004"]
    assert place.answer("roster", "--as-of", "lincoln-00002")[0]["students"] == 79
    assert place.answer("roster")[0]["students"] == 77
    assert before[0]["students"] == 79
    refused = place("roster", "--as-of", "lincoln-00001")
    assert (refused.exit_code, "reaches back" in refused.stderr) == (1, True)
    assert place.answer("purge", "--yes")["purged"] is None
    assert "nothing is older" in place("purge", "--dry-run").output
    assert place.answer("db", "check")["ok"]
    assert place.answer("undo", "lincoln-00004", "--dry-run")["undone"] == "lincoln-00004"


def test_a_failed_delivery_without_files_cannot_be_tried_again(place: Commands) -> None:
    """It says that they are removed, and what to do; `show` says that there is no verdict."""
    database = Spool(place.folder / "state").database
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("UPDATE deliveries SET state = 'failed' WHERE id = 'lincoln-00001'")
        opened.execute("UPDATE deliveries SET outcome = NULL, content_hash = NULL")
    place.answer("purge", "--yes")
    ended = place("retry", "lincoln-00001")
    assert (ended.exit_code, "upload them again" in ended.stderr) == (1, True)
    shown = place("show", "lincoln-00001").output
    assert ("no verdict" in shown, "None" in shown) == (True, False)


def test_reports_and_mail_have_days_of_their_own(place: Commands, monkeypatch: Any) -> None:
    """Each key is asked by itself; the newest report stays."""
    reports = Spool(place.folder / "state").reports(SLUG)
    for delivery in ("lincoln-00001", "lincoln-00002", "lincoln-00003"):
        (reports / delivery).mkdir(parents=True)
    monkeypatch.setenv("ROSTERGATE_RETENTION__FILES_DAYS", "36500")
    monkeypatch.setenv("ROSTERGATE_RETENTION__REPORTS_DAYS", "1")
    told = place.answer("purge", "--yes")
    assert (told["files"], told["reports"]) == ([], ["lincoln/lincoln-00001", "lincoln/lincoln-00002"])
    assert sorted(path.name for path in reports.iterdir()) == ["lincoln-00003"]
