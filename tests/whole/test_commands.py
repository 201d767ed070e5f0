"""The roster's commands beside a daemon that runs, on both engines: what the one does, the other goes on from."""

from __future__ import annotations

import csv
import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from rostergate.cli import sample
from running import Rostergate, until
from wholes import as_files

if TYPE_CHECKING:
    from pathlib import Path

WHO = ("--by", "Kim", "--reason", "checked by phone")
LATER = sample.without_half_of(sample.without_half_of(sample.file_set(), "100"), "200")
PLATFORM = "id,name\np-1,Lincoln High\np-2,Cedar Middle School\np-9,Birch Academy\n"
ACCOUNTS = "account_id,role,email,phone\na-1,teacher,t1000@staff.example.org,\na-2,,g100001@example.net,\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def rostergate(request: pytest.FixtureRequest, tmp_path: Path) -> Rostergate:
    """Give a rostergate with one district and no daemon yet, on one engine and on the other."""
    one = Rostergate(tmp_path)
    if request.param == "postgresql":
        name = request.getfixturevalue("server_database")
        one.environment["ROSTERGATE_DATABASE__URL"] = request.getfixturevalue("postgresql").url(name)
    one.add_district()
    return one


async def _deliver(rostergate: Rostergate, number: int, state: str, files: sample.FileSet) -> None:
    if number > 1:
        rostergate.run("district", "grant", "lakeside")
    await rostergate.upload(as_files(files))
    rostergate.reached(state, number)


def _feed(rostergate: Rostergate, *options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in rostergate.run("changes", *options).splitlines()]


def _students(rostergate: Rostergate, folder: Path, *options: str) -> list[dict[str, str]]:
    """Return the rows of the exported students."""
    rostergate.run("roster", "--district", "lakeside", *options, "--csv", "--output", str(folder))
    return list(csv.DictReader(io.StringIO((folder / "students.csv").read_text())))


async def test_several_schools_are_looked_at_released_and_taken_back(rostergate: Rostergate, tmp_path: Path) -> None:
    """Held, shown, tried, released together, followed, looked back to, undone: one day of an operator."""
    with rostergate.daemon():
        await _deliver(rostergate, 1, "settled", sample.file_set())
        await _deliver(rostergate, 2, "planned", LATER)
        held = {one["school_id"]: one["plan"] for one in rostergate.answer("holds")}
        assert sorted(held) == ["100", "200"]
        shown = rostergate.answer("holds", "show", held["100"])
        assert {"too-many-removals"} <= {one["code"] for one in shown["holds"]}
        rows = list(csv.DictReader(io.StringIO(rostergate.run("holds", "show", held["100"], "--csv"))))
        assert len({row["student_id"] for row in rows if row["table"] == "student_schools"}) == 60
        tried = rostergate.answer("holds", "try", "--district", "lakeside", "--removals-percent", "60")
        assert [(len(one["held_then"]), len(one["held_now"])) for one in tried] == [(0, 0), (2, 0)]
        last = _feed(rostergate)[-1]["cursor"]
        closed = rostergate.answer("release", *held.values(), *WHO)
        assert {one["state"] for one in closed} == {"applied"}
        rostergate.reached("settled", 2)
        assert "already" in rostergate.run("release", held["100"], *WHO, status=1)
        following = _feed(rostergate, "--after", last)
        assert {line["delivery"] for line in following} == {"lakeside-00002"}
        middle = following[len(following) // 2]["cursor"]
        assert _feed(rostergate, "--after", middle) == following[1 + len(following) // 2 :]
        assert len(_students(rostergate, tmp_path / "before", "--as-of", "lakeside-00001")) == 260
        assert len(_students(rostergate, tmp_path / "now")) == 160
        told = rostergate.answer("undo", "lakeside-00002", "--school", "100", "--yes", *WHO)
        assert told["undo"]["state"] == "settled"
        assert rostergate.counts()["students"] == 220
        assert (rostergate.spool.report("lakeside", "lakeside-00003") / "status.json").exists()
        assert _feed(rostergate, "--since", "lakeside-00002")[0]["delivery"] == "lakeside-00003"
        await _deliver(rostergate, 4, "planned", LATER)  # the same once more: the district has corrected nothing
        assert [one["school_id"] for one in rostergate.answer("holds")] == ["100"]
        rostergate.run("discard", rostergate.answer("holds")[0]["plan"], *WHO)
        rostergate.reached("settled", 4)
        assert rostergate.counts()["students"] == 220
    assert rostergate.answer("db", "check")["ok"]


async def test_schools_and_accounts_are_matched_while_the_daemon_runs(rostergate: Rostergate, tmp_path: Path) -> None:
    """A school waits for its match and goes on; one is left out; accounts are linked, a claim makes classes live."""
    district = rostergate.config / "districts" / "lakeside.toml"
    district.write_text(district.read_text().replace('# matching = "auto"', 'matching = "review"'))
    (tmp_path / "platform.csv").write_text(PLATFORM)
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    one = ("--district", "lakeside")
    with rostergate.daemon():
        rostergate.run("schools", "load", str(tmp_path / "platform.csv"), *one)
        await _deliver(rostergate, 1, "planned", sample.file_set())
        listed = {row["school_id"]: row for row in rostergate.answer("schools", "list", *one)}
        assert {row["status"] for row in listed.values()} == {"waiting for a match"}
        assert listed["100"]["suggestions"][0]["id"] == "p-1"
        assert rostergate.counts()["students"] == 0
        rostergate.run("schools", "match", "100", "p-1", *one, "--by", "Kim")
        rostergate.run("schools", "make", "200", *one, "--by", "Kim")
        rostergate.run("schools", "deselect", "300", *one, "--by", "Kim")
        rostergate.reached("settled")
        assert rostergate.counts()["students"] == 200
        rostergate.run("accounts", "load", str(tmp_path / "accounts.csv"), *one)
        rostergate.run("claim", "t2000", *one)
        (counted,) = rostergate.answer("roster", *one)
        assert counted["accounts"] == {"offered": 407, "linked": 2, "claimed": 1}
        assert counted["class_states"] == {"pending": 8, "live": 2}
        rostergate.run("schools", "select", "300", *one, "--by", "Kim")
        await _deliver(rostergate, 2, "planned", sample.file_set())
        listed = {row["school_id"]: row["status"] for row in rostergate.answer("schools", "list", *one)}
        assert listed == {"300": "waiting for a match", "100": "connected", "200": "connected"}
        assert next(iter(listed)) == "300", "most urgent first"
        assert rostergate.answer("status")["districts"][0]["schools"] == {"waiting for a match": 1, "connected": 2}
        exported = _students(rostergate, tmp_path / "out")
        assert {row["account_state"] for row in exported} == {"offered"}


async def test_a_backup_is_made_while_the_daemon_runs_and_started_from(tmp_path: Path, files: dict[str, bytes]) -> None:
    """The copy in another state folder is the roster of that moment; a daemon starts on it and takes deliveries."""
    (tmp_path / "one").mkdir()
    one = Rostergate(tmp_path / "one")
    one.add_district()
    with one.daemon():
        await one.upload(files)
        one.reached("settled")
        one.run("db", "backup", str(tmp_path / "copy.db"))
        one.run("district", "grant", "lakeside")
        await one.upload(as_files(sample.without_half_of(sample.file_set(), "100")))
        one.reached("planned", 2)
    other = one.copied(tmp_path / "other")
    for name in ("rostergate.db", "rostergate.db-wal", "rostergate.db-shm"):
        (other.state / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", other.spool.database)
    assert other.answer("db", "check")["ok"]
    with other.daemon():
        assert other.answer("holds") == []
        assert other.counts()["students"] == 260
        assert [one["delivery"] for one in other.deliveries()] == ["lakeside-00001"]
        until(lambda: other.events("state.recovered"), "the delivery that the backup does not know to be told")
        other.run("district", "grant", "lakeside")
        await other.upload({**files, "students.csv": files["students.csv"].replace(b"Ada,", b"Adah,", 1)})
        other.reached("settled", 2)
