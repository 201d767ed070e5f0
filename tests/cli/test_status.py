"""`rostergate status`: one screen, most urgent first, that ends with what to do."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cli.delivering import SLUG, deliver, district, files
from rostergate.cli.place import Place
from rostergate.cli.status import _warnings
from rostergate.service.clock import utc_now
from rostergate.spool.folders import Spool

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Commands

SCHOOLS = {"1": "Oak", "2": "Elm"}


@pytest.fixture
def held(commands: Commands) -> Commands:
    """Give a place with a district of which one school is on hold, and one that has sent nothing yet."""
    district(commands)
    (commands.folder / "config" / "districts" / "adams.toml").write_text('name = "Adams"\ntime_zone = "UTC"\n')
    deliver(commands, files(SCHOOLS, {"1": range(60), "2": range(60)}))
    deliver(commands, files(SCHOOLS, {"1": range(20), "2": range(60)}))
    return commands


def test_the_screen_ends_with_what_to_do(held: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs somebody stands first, and the command with which to go on stands last."""
    monkeypatch.setenv("COLUMNS", "120")
    lines = held("status").output.splitlines()
    assert lines[0] == "The daemon does not run. 1 of 2 districts needs somebody."
    rows = [line.split()[0] for line in lines if line.startswith((SLUG, "adams"))]
    assert rows == [SLUG, "adams", SLUG]
    assert "on hold for " in " ".join(lines)
    assert lines[-1].split("  ")[-1].strip() == f"rostergate holds --district {SLUG}"
    assert "1 on hold and 1 connected" in " ".join(lines)


@pytest.mark.parametrize("width", ["80", "100", "120"])
def test_it_fits_the_screen(held: Commands, width: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is longer than the screen is wide, and no row takes two lines; a narrow one leaves the schools out."""
    monkeypatch.setenv("COLUMNS", width)
    output = held("status").output
    assert max(map(len, output.splitlines())) <= int(width)
    assert ("SCHOOLS" in output) is (width != "80")


def test_nothing_is_cut_off_on_a_narrow_screen(held: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long names are folded, and the command to go on with stays in one piece."""
    slug = "a-district-of-a-very-long-name"
    (held.folder / "config" / "districts" / f"{slug}.toml").write_text("name = ")
    monkeypatch.setenv("COLUMNS", "40")
    output = held("status").stdout
    assert "\N{HORIZONTAL ELLIPSIS}" not in output
    assert f"{slug}  rostergate check\n" in output
    assert f"rostergate holds --district {SLUG}\n" in output
    assert slug in "".join(line.split("  ")[0].strip() for line in output.splitlines())


def test_programs_are_told_the_same(held: Commands) -> None:
    """With --json there are the next step per district, the mail by state and the room on the disk."""
    told = held.answer("status")
    assert told["mail"] == {"waiting": 0, "sent": 0, "dead": 0}
    assert told["disk_free_bytes"] > 0
    assert [(one["district"], one["stands"], one["next_step"]) for one in told["districts"]] == [
        (SLUG, "on hold", f"rostergate holds --district {SLUG}"),
        ("adams", "nothing yet", None),
    ]


def test_when_nothing_is_wrong_it_says_so(commands: Commands) -> None:
    """Districts in order need nobody, and there is nothing to do."""
    district(commands)
    deliver(commands, files(SCHOOLS, {"1": range(9), "2": range(9)}))
    output = commands("status").output
    assert "1 district, none of which needs anybody." in output
    assert "WHAT TO DO" not in output


@pytest.mark.parametrize("delivered", [False, True], ids=["its first", "a later one"])
def test_files_that_have_just_arrived_are_coming_in(commands: Commands, delivered: bool) -> None:  # noqa: FBT001 - a case
    """Also before the daemon looks at them, when no more come; what is under way or cut off does not count."""
    district(commands)
    if delivered:
        deliver(commands, files(SCHOOLS, {"1": range(9), "2": range(9)}))
    spool = Spool(commands.folder / "state")
    spool.scratch(SLUG).mkdir(parents=True, exist_ok=True)
    (spool.scratch(SLUG) / "1").write_text("student_id")
    before = commands.answer("status")["districts"][0]["stands"]
    (spool.inbox(SLUG) / "students.csv").write_text("student_id\n")
    after = commands.answer("status")["districts"][0]["stands"]
    assert (before, after) == ("in order" if delivered else "nothing yet", "coming in")


def test_an_inbox_that_is_no_folder_is_stuck(commands: Commands) -> None:
    """It needs somebody, who is told what is wrong; the other districts are told as ever."""
    district(commands)
    commands("district", "add", "hillside", "--name", "Hillside", "--time-zone", "UTC")
    broken = Spool(commands.folder / "state").inbox("hillside")
    broken.touch()
    stuck, other = commands.answer("status")["districts"]
    assert (stuck["district"], stuck["stands"], stuck["next_step"]) == ("hillside", "stuck", "rostergate check")
    assert stuck["error"] == f"{broken}: not a directory"
    assert other["stands"] == "nothing yet"
    assert f"{broken}: this is no folder" in commands("check").output


def test_of_many_steps_the_rest_is_counted(commands: Commands) -> None:
    """The screen names the most urgent ones, and says how many there are besides."""
    district(commands)
    for number in range(11):
        (commands.folder / "config" / "districts" / f"broken-{number}.toml").write_text("nonsense = 1\n")
    assert commands("status").stdout.splitlines()[-1].strip() == "and 3 more, as in --json"


def test_who_has_not_delivered_is_not_in_order(commands: Commands) -> None:
    """A district that has fallen silent is told as that, with its age, also where no mail is sent."""
    district(commands)
    delivery = deliver(commands, files(SCHOOLS, {"1": range(9), "2": range(9)}))
    with closing(sqlite3.connect(Spool(commands.folder / "state").database)) as database, database:
        at = (utc_now() - timedelta(days=6)).strftime("%Y-%m-%d %H:%M:%S.%f")
        database.execute("UPDATE deliveries SET sealed_at = ?, began_at = ? WHERE id = ?", (at, at, delivery))
    (told,) = commands.answer("status")["districts"]
    assert (told["stands"], told["age"], told["next_step"]) == ("silent", "6 d", None)


def test_a_full_disk_and_mail_that_was_given_up_are_told(tmp_path: Path) -> None:
    """Both are warnings with what is left, or how many, and what to look at; without them there is none."""
    place = Place(config=tmp_path, state=tmp_path)
    mail, disk = _warnings(place, {"dead": 2}, 1_200_000)
    assert mail == "2 mails given up: `rostergate mail list --dead` tells why."
    assert disk == f"Only 1.2 MB are free on the disk of {tmp_path}: make room."
    assert _warnings(place, {"dead": 0}, 10**15) == []
