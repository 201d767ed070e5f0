"""`rostergate erase` on a real state: afterwards no file of it names the person."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from cli.delivering import SLUG, deliver, district, files
from rostergate import journal, store
from rostergate.config import Districts, Settings
from rostergate.errors import Refused
from rostergate.service import erasing, reporting
from rostergate.service.clock import utc_now
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Commands

SCHOOLS = {"1": "Adams", "2": "Baker"}
ID, FIRST, LAST, EMAIL = "canary-4711", "Wilhelmina", "Quackenbush", "wq@canary.example"
WORDS = (ID, FIRST, LAST, EMAIL)


def with_the_person(sent: dict[str, bytes], first: str = FIRST) -> dict[str, bytes]:
    """Return the set with one student more."""
    row = f"{ID},1,{first},{LAST},3,2014-01-02,{EMAIL},\n".encode()
    return {
        **sent,
        "students.csv": sent["students.csv"] + row,
        "enrollments.csv": sent["enrollments.csv"] + f"c1,{ID}\n".encode(),
    }


def naming(folder: Path) -> dict[str, list[str]]:
    """Return the files below a folder that hold any of the words, as `grep -r` finds them."""
    found = {}
    for path in sorted(folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if words := [word for word in WORDS if word.encode() in data]:
            found[str(path.relative_to(folder))] = words
    return found


def report(commands: Commands, *deliveries: str) -> None:
    """Write the reports of deliveries as the daemon does."""
    spool = Spool(commands.folder / "state")
    districts = Districts(commands.folder / "config" / "districts")
    districts.load()

    async def write() -> None:
        engine = store.open(spool.database)
        for one in deliveries:
            await reporting.write(engine, spool, Settings(), districts[SLUG], one, utc_now())
        await engine.dispose()

    asyncio.run(write())


@pytest.fixture
def state(commands: Commands) -> Path:
    """Give a district whose first delivery lacks the person, whose second and third have, whose fourth is on hold."""
    district(commands)
    usual = files(SCHOOLS, {"1": range(40), "2": range(40)})
    sets = (
        usual,
        with_the_person(usual),
        with_the_person(usual, "Mina"),
        with_the_person(files(SCHOOLS, {"1": range(9), "2": range(40)})),
    )
    report(commands, *[deliver(commands, one) for one in sets])
    spool = Spool(commands.folder / "state")
    # A restored backup may not know a delivery: its folder is set aside, and names the person as well.
    unknown = shutil.copytree(spool.delivery(f"{SLUG}-00002"), spool.delivery(f"{SLUG}-00009"))
    sealing.set_aside(unknown)
    return spool.state


def test_a_person_is_erased_from_every_file(commands: Commands, state: Path) -> None:
    """Database, log, files, reports and what is kept beside them: none names the person, all others stay."""
    there = naming(state)
    assert {"rostergate.db", "deliveries/lincoln-00002/students.csv"} <= set(there)
    assert any(name.startswith("reports/") for name in there)
    told = commands.answer("erase", SLUG, ID, "--yes")
    assert (told["role"], told["current"], told["erased"]) == ("students", True, True)
    assert told["files"] == ["lincoln-00002", "lincoln-00003", "lincoln-00004", f"{SLUG}-00009.unknown"]
    assert told["superseded"] == ["lincoln-00004"]
    assert naming(state) == {}
    assert commands.answer("roster")[0]["students"] == 80
    assert commands.answer("db", "check")["ok"]
    assert (state / "deliveries" / "lincoln-00001" / "students.csv").exists()
    manifest = json.loads((state / "deliveries" / "lincoln-00002" / "manifest.json").read_text())
    assert manifest["erased_at"]
    assert len(manifest["files"]) == 5
    lines = [json.loads(line) for line in commands("changes").stdout.splitlines()]
    assert [line["table"] for line in lines if line["action"] == "erased"] == ["students"]
    assert commands.answer("show", "lincoln-00002")["schools"]


def test_what_waited_is_said_to_have_ended_by_the_erasure(commands: Commands, state: Path) -> None:
    """No newer delivery took its place: neither its report nor `explain` says so."""
    commands.answer("erase", SLUG, ID, "--yes")
    told = json.loads((state / "reports" / SLUG / "lincoln-00004" / "status.json").read_text())["summary"]
    assert told.startswith("Ended: a person was erased before all its schools were decided")
    ends = [one["text"] for one in commands.answer("explain", "lincoln-00004")["steps"] if one["step"] == "superseded"]
    assert "no longer waited for: an erasure ended it" in ends
    assert "Adams (1) was still waiting and an erasure ended that" in ends


def test_it_says_first_what_would_go(commands: Commands, state: Path) -> None:
    """Nothing changes by looking; without a yes, where nobody can be asked, nothing happens."""
    loaded = commands.folder / "accounts.csv"
    loaded.write_text(f"account_id,role,email,phone\np1,,{EMAIL},\np2,,other@school.example,\n")
    assert commands("accounts", "load", str(loaded), "--district", SLUG).exit_code == 0
    before = naming(state)
    shown = commands("erase", SLUG, ID, "--dry-run")
    assert shown.exit_code == 0
    that_goes = "accounts of the platform, as they were loaded, that go: 1\n"
    for words in ("in the roster", "files of 4 deliveries", "lincoln-00004", "out of reach: backups", that_goes):
        assert words in shown.output
    assert LAST not in shown.output
    assert commands("erase", SLUG, ID).exit_code == 2
    assert naming(state) == before


async def test_what_has_come_since_it_was_told_is_looked_at_first(commands: Commands, state: Path) -> None:
    """Its files were not among those that would go, and its rows may be the first that name the person."""
    spool = Spool(state)
    engine = store.open(spool.database)
    try:
        told = await erasing.look(engine, spool, SLUG, ID, None)
        await asyncio.to_thread(deliver, commands, with_the_person(files(SCHOOLS, {"1": range(40), "2": range(40)})))
        with pytest.raises(Refused, match="lincoln-00005 has come or was decided meanwhile"):
            await erasing.carry_out(engine, spool, Settings(), None, told, utc_now())
        told = await erasing.look(engine, spool, SLUG, ID, None)
        await erasing.carry_out(engine, spool, Settings(), None, told, utc_now())
    finally:
        await engine.dispose()
    assert [name for name in naming(state) if name.startswith("deliveries/")] == []


def test_the_log_does_not_say_who(
    commands: Commands, state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The journal has the event with counts alone."""
    noted: list[dict[str, object]] = []
    monkeypatch.setattr(journal, "note", lambda event, **fields: noted.append({"event": event, **fields}))
    ended = commands("erase", SLUG, ID, "--yes")
    assert ended.exit_code == 0, ended.output
    assert [one["event"] for one in noted] == ["person.erased"]
    assert not any(word in f"{noted}{ended.stderr}" for word in WORDS)
    assert state.parent == tmp_path


@pytest.mark.usefixtures("state")
def test_nobody_of_that_name_is_said(commands: Commands) -> None:
    """A wrong id, another district and a person erased before end with 1."""
    for slug, person in ((SLUG, "nobody-1"), ("washington", ID)):
        ended = commands("erase", slug, person, "--yes")
        assert (ended.exit_code, "Nothing of a person" in ended.stderr) == (1, True)
    assert commands("erase", SLUG, ID, "--yes").exit_code == 0
    assert commands("erase", SLUG, ID, "--yes").exit_code == 1


def test_what_is_coming_in_is_waited_for(commands: Commands, state: Path) -> None:
    """A file in the inbox that names the person would bring it again at once."""
    (state / "inbox" / SLUG / "students.csv").write_bytes(
        with_the_person(files(SCHOOLS, {"1": [1], "2": [1]}))["students.csv"]
    )
    ended = commands("erase", SLUG, ID, "--yes")
    assert (ended.exit_code, "students.csv is coming in" in ended.stderr) == (1, True)
    sealing.gather(Spool(state), SLUG, Area.UPLOAD, f"{SLUG}-00099", ["students.csv"])
    ended = commands("erase", SLUG, ID, "--yes")
    assert (ended.exit_code, "is being sealed and may name this person" in ended.stderr) == (1, True)


def test_an_id_of_two_people_has_to_be_told_apart(commands: Commands) -> None:
    """The role says who is meant."""
    district(commands)
    sent = files(SCHOOLS, {"1": range(3), "2": range(3)})
    sent["teachers.csv"] += b"s1-0,1,Ada,Reed,ada@school.example,\n"
    deliver(commands, sent)
    ended = commands("erase", SLUG, "s1-0", "--yes")
    assert (ended.exit_code, "teachers, students" in ended.stderr) == (1, True)
    assert commands.answer("erase", SLUG, "s1-0", "--role", "teachers", "--yes")["role"] == "teachers"
    assert commands.answer("roster")[0]["students"] == 6
