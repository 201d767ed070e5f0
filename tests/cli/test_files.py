"""`rostergate files`, and commands on deliveries that lie encrypted."""

from __future__ import annotations

import base64
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cli.delivering import SLUG, deliver, district, files, seal
from rostergate.config import Districts, load_settings
from rostergate.service.clock import utc_now
from rostergate.spool.cipher import KeyUnusableError
from rostergate.spool.folders import Spool
from rostergate.worker import road

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Commands

SCHOOLS = {"1": "Adams", "2": "Baker"}
FULL = files(SCHOOLS, {"1": range(40), "2": range(40)})
HALF = files(SCHOOLS, {"1": range(9), "2": range(39)})


def new_key() -> bytes:
    """Return a line of a key file."""
    return base64.b64encode(os.urandom(32)) + b"\n"


@pytest.fixture
def key_file(commands: Commands) -> Path:
    """Give a district whose deliveries are encrypted with the key of this file."""
    district(commands)
    path = commands.folder / "key"
    path.write_bytes(new_key())
    (commands.folder / "config" / "rostergate.toml").write_text(f'[encryption]\nkey_file = "{path}"\n')
    return path


def test_files_come_out_as_they_were_sealed(commands: Commands, key_file: Path) -> None:
    """With the key, whatever its line; into a new folder alone; without it, or the files, with the reason."""
    delivery = deliver(commands, FULL)
    there = commands.folder / "state" / "deliveries" / delivery
    assert all(b"Adams" not in path.read_bytes() for path in there.iterdir())
    key_file.write_bytes(new_key() + key_file.read_bytes())
    out = commands.folder / "out"
    told = commands.answer("files", delivery, "--output", str(out))
    assert {one["file"]: one["bytes"] for one in told} == {name: len(data) for name, data in FULL.items()}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == FULL
    assert commands("files", delivery, "--output", str(out)).exit_code == 1
    assert "are not here" in commands("files", "lincoln-00009", "--output", str(out / "x")).stderr
    key_file.unlink()
    refused = commands("files", delivery, "--output", str(commands.folder / "no"))
    assert (refused.exit_code, "no such file" in refused.stderr) == (1, True)


def test_a_delivery_is_decided_once_its_key_is_back(commands: Commands, key_file: Path) -> None:
    """Without the key trying again can help, so it is not lost."""
    spool = Spool(commands.folder / "state", key_file)
    delivery = seal(commands, FULL)
    key = key_file.read_bytes()
    key_file.write_bytes(new_key())
    districts = Districts(commands.folder / "config" / "districts")
    districts.load()
    policy = districts[SLUG].policy(load_settings(commands.folder / "config", {}), utc_now().date())
    with pytest.raises(KeyUnusableError, match="add that key there") as refused:
        road.walk(spool, commands.location, delivery, policy, utc_now())
    assert not refused.value.permanent
    key_file.write_bytes(new_key() + key)
    assert road.walk(spool, commands.location, delivery, policy, utc_now()).state == "settled"


@pytest.mark.usefixtures("key_file")
def test_a_plan_is_worked_out_again_from_encrypted_files(commands: Commands) -> None:
    """A release on ground that has moved reads the delivery's files anew; limits are tried without them."""
    deliver(commands, FULL)
    deliver(commands, HALF)
    (hold,) = commands.answer("holds")
    database = Spool(commands.folder / "state").database
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("UPDATE plans SET ground = ground - 1 WHERE state = 'held'")
    moved = commands("release", hold["plan"], "--by", "Kim", "--reason", "checked")
    assert (moved.exit_code, "was worked out again" in moved.stderr) == (1, True)
    assert commands("release", hold["plan"], "--by", "Kim", "--reason", "checked").exit_code == 0
    assert commands.answer("roster")[0]["students"] == 48
    assert commands.answer("undo", "lincoln-00002", "--dry-run")["undone"] == "lincoln-00002"


@pytest.mark.usefixtures("key_file")
def test_a_person_is_found_in_encrypted_files(commands: Commands) -> None:
    """Erasing somebody removes the files that name the person, encrypted or not."""
    deliver(commands, FULL)
    told = commands.answer("erase", SLUG, "s1-7", "--yes")
    assert told["files"] == ["lincoln-00001"]


@pytest.mark.parametrize("lost", ["gone", "another"])
def test_files_whose_key_is_lost_go_with_a_person_when_that_is_said(
    commands: Commands, key_file: Path, lost: str
) -> None:
    """Else they are named, and nothing is erased; those that can be read go only where they name the person."""
    first = deliver(commands, FULL)
    key_file.write_bytes(new_key())
    second = deliver(commands, HALF)
    if lost == "gone":
        key_file.unlink()
    refused = commands("erase", SLUG, "s1-7", "--yes")
    assert (refused.exit_code, first in refused.stderr, "--unreadable" in refused.stderr) == (1, True, True)
    assert commands.answer("roster")[0]["students"] > 0
    told = commands.answer("erase", SLUG, "s1-7", "--yes", "--unreadable")
    assert told["unreadable"] == ([first, second] if lost == "gone" else [first])
    assert [path.name for path in (commands.folder / "state" / "deliveries" / first).iterdir()] == ["manifest.json"]
    assert commands("erase", SLUG, "s1-7", "--dry-run").exit_code == 1
