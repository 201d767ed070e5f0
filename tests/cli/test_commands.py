from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from typing import Any

import pytest

from rostergate.cli import COMMANDS
from rostergate.core import catalogue
from rostergate.core.roster import TABLES
from rostergate.gate.hostkeys import host_keys
from rostergate.spool.folders import Spool


@pytest.fixture
def lakeside(commands: Any) -> dict[str, Any]:
    """Give a district and what it was told."""
    issued: dict[str, Any] = commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    return issued


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(commands: Any, command: str) -> None:
    """Each command is found and says in its first line what it does."""
    shown = commands(command, "--help")
    assert shown.exit_code == 0
    assert f"main {command}" in shown.output


def test_a_command_loads_nothing_that_it_does_not_need(lakeside: dict[str, Any], commands: Any) -> None:
    """Neither what upgrades a database that is up to date, nor PostgreSQL's driver, nor SSH: each takes its time."""
    asked = ["-m", "rostergate", *commands.place, "status", "--json"]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *asked], capture_output=True, text=True, timeout=60, check=True
    )
    assert lakeside["slug"] in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "sqlalchemy" in loaded
    assert not {"alembic", "psycopg", "asyncssh"} & loaded


def test_a_new_district_is_told_how_to_get_in(lakeside: dict[str, Any], commands: Any) -> None:
    """`district add` writes the file and shows the published shape with a password that is nowhere kept in clear."""
    assert set(lakeside) == {"slug", "host", "port", "username", "password", "host_keys"}
    assert (lakeside["slug"], lakeside["username"], lakeside["port"]) == ("lakeside", "lakeside", 2222)
    assert (commands.folder / "config" / "districts" / "lakeside.toml").exists()
    for path in commands.folder.rglob("*"):
        assert not path.is_file() or lakeside["password"].encode() not in path.read_bytes()


def test_a_district_can_know_the_server_again(commands: Any) -> None:
    """The host keys are shown with the password, as the district's program will show them, once there are any."""
    added = ("district", "add", "--time-zone", "UTC", "--name", "Lakeside")
    assert "host keys are made when the daemon first starts" in commands(*added, "lakeside").output
    host_keys(Spool(commands.folder / "state").keys)
    ed25519, rsa = commands.answer("district", "show", "lakeside")["host_keys"]
    assert ed25519.startswith("ssh-ed25519 SHA256:")
    shown = commands(*added, "oakdale").output
    assert [key in shown for key in (ed25519, rsa)] == [True, True]


def test_a_locale_without_unicode_ends_no_command(commands: Any) -> None:
    """A program is given UTF-8 all the same, a terminal question marks for what it cannot show."""
    name = "Überlingen „Süd“"
    commands.answer("district", "add", "lakeside", "--name", name, "--time-zone", "UTC")
    command = [sys.executable, "-m", "rostergate", *commands.place, "district", "list"]
    bare = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    piped = subprocess.run(command, env=bare, stdout=subprocess.PIPE, check=True, timeout=60)
    assert name.encode() in piped.stdout
    screen, theirs = pty.openpty()
    subprocess.run(command, env=bare, stdout=theirs, check=True, timeout=60)
    os.close(theirs)
    assert b"?berlingen ?S?d?" in os.read(screen, 65_536)
    os.close(screen)


def test_a_district_is_added_once(lakeside: dict[str, Any], commands: Any) -> None:
    """A second district of the same name is refused, and the first keeps its password."""
    ended = commands("district", "add", lakeside["slug"], "--name", "Other", "--time-zone", "UTC")
    assert ended.exit_code == 1
    assert "lakeside" in ended.stderr


def test_a_wrong_time_zone_is_a_wrong_configuration(commands: Any) -> None:
    """A time zone that does not exist ends with 2, and nothing is written."""
    ended = commands("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "America/Nowhere")
    assert ended.exit_code == 2
    assert commands.answer("district", "list") == []


def test_districts_are_listed_and_shown(lakeside: dict[str, Any], commands: Any) -> None:
    """`list` and `show` tell the settings and today's slot."""
    (listed,) = commands.answer("district", "list")
    assert (listed["slug"], listed["time_zone"], listed["enabled"]) == (lakeside["slug"], "UTC", True)
    shown = commands.answer("district", "show", "lakeside")
    assert (shown["password"], shown["slots_used"], shown["slots"]) == ("issued", 0, 1)
    assert commands("district", "show", "lakeside").output.startswith("slug ")
    assert commands("district", "show", "nowhere").exit_code == 1


def test_a_new_password_replaces_the_old_one(lakeside: dict[str, Any], commands: Any) -> None:
    """`district password` shows another password."""
    assert commands.answer("district", "password", "lakeside")["password"] != lakeside["password"]
    assert commands("district", "password", "nowhere").exit_code == 1


def test_a_grant_adds_a_slot_today(lakeside: dict[str, Any], commands: Any) -> None:
    """`district grant` gives one more slot for today."""
    commands.answer("district", "grant", lakeside["slug"])
    assert commands.answer("district", "show", "lakeside")["slots"] == 2


def test_a_district_is_disabled_and_enabled(lakeside: dict[str, Any], commands: Any) -> None:
    """`disable` and `enable` change the district's file and nothing else in it."""
    path = commands.folder / "config" / "districts" / f"{lakeside['slug']}.toml"
    before = path.read_text()
    assert commands("district", "disable", "lakeside").exit_code == 0
    assert commands.answer("district", "list")[0]["enabled"] is False
    assert commands.answer("status")["districts"][0]["stands"] == "disabled"
    assert commands("district", "enable", "lakeside").exit_code == 0
    assert commands.answer("district", "list")[0]["enabled"] is True
    assert before.splitlines()[0] in path.read_text()


def test_nothing_has_come_in_yet(lakeside: dict[str, Any], commands: Any) -> None:
    """Before the first delivery every report is empty, and what is asked for by name is not found."""
    assert commands.answer("deliveries") == []
    assert commands.answer("holds") == []
    (counts,) = commands.answer("roster")
    assert counts["district"] == lakeside["slug"]
    assert {counts[table] for table in TABLES} == {0}
    assert commands.answer("status")["daemon"] is None
    for asked in (("show", "lakeside-00001"), ("release", "abcdef", "--by", "x", "--reason", "y")):
        assert commands(*asked).exit_code == 1


def test_a_decision_says_who_and_why(commands: Any) -> None:
    """Releasing without a name, a reason or a plan is wrong usage."""
    assert commands("release", "abcdef", "--by", "x").exit_code == 2
    assert commands("release", "--by", "x", "--reason", "y").exit_code == 2
    assert commands("discard", "abcdef", "--by", " ", "--reason", "y").exit_code == 2


@pytest.mark.parametrize("text", ["Kim\nKim", "\x1b[31mKim", "x" * 501], ids=["lines", "escape", "long"])
@pytest.mark.parametrize(
    "command", ["release a --reason x", "discard a --reason x", "undo a --reason x", "schools make 1 --district a"]
)
def test_what_is_kept_of_a_decision_is_one_plain_line(commands: Any, command: str, text: str) -> None:
    """It is shown in tables, reports and mail, where it must not pass for anything else."""
    refused = commands(*command.split(), "--by", text)
    assert (refused.exit_code, "must be one line of plain text" in refused.output) == (2, True)


def test_bytes_that_are_no_text_are_wrong_usage(commands: Any) -> None:
    """They can name nothing that is kept, and cannot be kept."""
    for line in (["show", "K\udcff"], ["claim", "K\udcff", "--district", "x"], ["release", "ab", "--by", "K\udcff"]):
        refused = commands(*line)
        assert (refused.exit_code, "'K\\udcff' has bytes that are not UTF-8" in refused.output) == (2, True)


def test_rules_and_formats_are_listed(commands: Any) -> None:
    """Every code and every format that is known is told."""
    assert {one["code"] for one in commands.answer("rules")} == set(catalogue.codes())
    assert {one["name"] for one in commands.answer("formats")} == set(catalogue.formats())
    assert "wrong-column-count" in commands("rules").output
    assert "guardians.csv" in commands("formats").output


def test_a_variable_overrides_a_key(commands: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key from the environment counts; an unknown one is a wrong configuration that names the variable."""
    monkeypatch.setenv("ROSTERGATE_SERVER__PORT", "4022")
    added = commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    assert added["port"] == 4022
    monkeypatch.setenv("ROSTERGATE_SERVER__PROT", "4022")
    ended = commands("district", "password", "lakeside")
    assert ended.exit_code == 2
    assert "ROSTERGATE_SERVER__PROT" in ended.stderr


def test_the_module_is_the_console_script() -> None:
    """`python -m rostergate` runs the commands."""
    shown = subprocess.run(
        [sys.executable, "-m", "rostergate", "--version"], capture_output=True, text=True, check=True
    )
    assert "rostergate" in shown.stdout + shown.stderr


def test_an_unknown_district_is_told_apart_from_one_without_deliveries(lakeside: dict[str, Any], commands: Any) -> None:
    """A slip in a district's name is not read as "nothing has come"."""
    assert lakeside
    for command in ("deliveries", "holds", "roster"):
        assert commands(command, "--district", "lakeside").exit_code == 0
        ended = commands(command, "--district", "lakeshore")
        assert (ended.exit_code, "no district lakeshore" in ended.stderr) == (1, True)


def test_a_broken_district_file_is_the_most_urgent(lakeside: dict[str, Any], commands: Any) -> None:
    """`status` shows a district whose file is broken first, with the reason, and `roster` still counts its roster."""
    commands("district", "add", "oakdale", "--name", "Oakdale", "--time-zone", "UTC")
    (commands.folder / "config" / "districts" / "oakdale.toml").write_text("name = 5\n")
    first, second = commands.answer("status")["districts"]
    assert (first["district"], first["stands"], second["district"]) == ("oakdale", "file broken", lakeside["slug"])
    assert "oakdale.toml" in commands("status").stderr
    assert [one["district"] for one in commands.answer("roster")] == ["lakeside", "oakdale"]


def test_a_place_that_cannot_be_used_is_told_in_a_sentence(commands: Any) -> None:
    """A path that no folder can be made at ends a command with the path and the reason, not with a traceback."""
    blocked = commands.folder / "file"
    blocked.write_text("")
    for arguments in (
        ("--state", str(blocked / "state"), "status"),
        ("--state", str(blocked / "state"), "serve"),
        ("roster", "--csv", "--output", str(blocked / "out")),
    ):
        ended = commands(*arguments)
        assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1), ended.output
        assert f"{blocked}" in ended.stderr
        assert "not a directory" in ended.stderr


def test_a_damaged_database_is_named(lakeside: dict[str, Any], commands: Any) -> None:
    """What is said of the database says where it is."""
    database = commands.folder / "state" / "rostergate.db"
    database.write_bytes(b"not a database" * 400)
    ended = commands("status")
    assert (ended.exit_code, str(database) in ended.stderr, "restore" in ended.stderr) == (1, True, True)
    assert str(database) in commands.answer("check", status=2)["errors"][0]
    assert lakeside


def test_a_port_that_is_taken_is_told(lakeside: dict[str, Any], commands: Any) -> None:
    """`serve` on a port that another program has ends with the address and what to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {**os.environ, "ROSTERGATE_SERVER__ADDRESS": "127.0.0.1"}
        ended = subprocess.run(
            [sys.executable, "-m", "rostergate", *commands.place, "serve", "--port", port],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 1
    assert f"rostergate: cannot listen on 127.0.0.1, port {port}: address already in use; " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert lakeside


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("roster --csv --ndjson --output out", "--csv and --ndjson"),
        ("roster --ndjson --parquet --csv --output out", "--csv, --ndjson and --parquet"),
        ("roster --csv --table students --json", "--output"),
        ("mail list --waiting --dead", "--dead and --waiting"),
        ("mail show held --html --json", "--html and --json"),
        ("holds show 1234 --csv --json", "--csv and --json"),
        ("rules --markdown --json", "--markdown and --json"),
        ("events --markdown --json", "--markdown and --json"),
    ],
)
def test_flags_that_contradict_each_other_are_wrong_usage(commands: Any, line: str, said: str) -> None:
    """None of them wins in silence, whatever their order."""
    ended = commands(*line.split())
    assert ended.exit_code == 2, ended.output
    assert all(flag in ended.stderr for flag in said.replace(" and ", ", ").split(", "))
