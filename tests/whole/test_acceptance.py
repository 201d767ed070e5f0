"""The main job from outside: OpenSSH's client against the real daemon, read back through the commands."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from rostergate.cli import sample
from wholes import as_files

if TYPE_CHECKING:
    from running import Rostergate
    from wholes import OpenSSH

pytestmark = pytest.mark.client("sftp")


def test_a_good_set_is_written(rostergate: Rostergate, openssh: OpenSSH, files: dict[str, bytes]) -> None:
    """A good set of the direct format is applied, and the roster shows it."""
    with rostergate.daemon():
        put = openssh.put(files)
        assert put.returncode == 0, put.stderr
        rostergate.reached("settled")
        counts = rostergate.counts()
    assert counts["schools"] == 3
    assert counts["students"] == counts["enrollments"] == counts["guardians"] == 260
    assert "Accepted" in rostergate.latest()


def test_a_second_upload_is_refused(rostergate: Rostergate, openssh: OpenSSH, files: dict[str, bytes]) -> None:
    """The same set again that day is refused, with the time of the next slot; a grant lets one more in."""
    with rostergate.daemon():
        openssh.put(files)
        rostergate.reached("settled")
        again = openssh.put(files)
        assert again.returncode != 0
        assert "00:00 (America/Chicago)" in again.stderr + rostergate.latest()
        assert len(rostergate.deliveries()) == 1
        rostergate.run("district", "grant", "lakeside")
        assert openssh.put(files).returncode == 0
        rostergate.reached("settled", 2)


def test_an_archive_is_refused(rostergate: Rostergate, openssh: OpenSSH, files: dict[str, bytes]) -> None:
    """A zip under the name students.csv is refused while it is uploaded, and does not reach the inbox."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("students.csv", files["students.csv"])
    with rostergate.daemon():
        put = openssh.put({"students.csv": packed.getvalue()})
        assert put.returncode != 0
        assert "zip" in rostergate.latest()
        assert openssh.batch("ls -1").stdout.count("students.csv") == 0


def test_a_ragged_row_is_named(rostergate: Rostergate, openssh: OpenSSH, files: dict[str, bytes]) -> None:
    """A set with one ragged row is refused naming file and line; the corrected set is accepted the same day."""
    ragged = as_files(sample.with_ragged_row(sample.file_set(), "students.csv", 42))
    with rostergate.daemon():
        openssh.put(ragged)
        refused = rostergate.reached("rejected")
        shown = rostergate.answer("show", refused["delivery"])
        assert [(one["code"], one["file"], one["lines"]) for one in shown["findings"]] == [
            ("wrong-column-count", "students.csv", [42])
        ]
        assert "students.csv" in rostergate.latest()
        assert "42" in rostergate.latest()
        assert set(rostergate.counts().values()) == {0}
        assert openssh.put(files).returncode == 0
        rostergate.reached("settled", 2)
        assert rostergate.counts()["students"] == 260


def test_a_suspicious_school_is_held(rostergate: Rostergate, openssh: OpenSSH, files: dict[str, bytes]) -> None:
    """A school that loses half of its students waits, the others go on; a release applies exactly those changes."""
    halved = sample.without_half_of(sample.file_set(), "100")
    renamed = {
        **halved,
        "schools.csv": [[*row[:1], row[1].replace("Cedar", "Cedarwood")] for row in halved["schools.csv"]],
    }
    with rostergate.daemon():
        openssh.put(files)
        rostergate.reached("settled")
        rostergate.run("district", "grant", "lakeside")
        openssh.put(as_files(renamed))
        planned = rostergate.reached("planned", 2)
        (hold,) = rostergate.answer("holds")
        assert (hold["school_id"], hold["code"], hold["delivery"]) == ("100", "too-many-removals", planned["delivery"])
        assert rostergate.counts()["students"] == 260
        states = {one["school_id"]: one["state"] for one in rostergate.answer("show", planned["delivery"])["schools"]}
        assert states == {"100": "held", "200": "applied", "300": "applied"}
        rostergate.run("release", hold["plan"], "--by", "Operator", "--reason", "the school confirmed it")
        assert rostergate.counts()["students"] == 200
        assert rostergate.answer("holds") == []
        assert rostergate.reached("settled", 2)["state"] == "settled"
        rostergate.run("release", hold["plan"], "--by", "Operator", "--reason", "again", status=1)


def test_a_held_school_can_be_left_as_it_is(rostergate: Rostergate, openssh: OpenSSH, files: dict[str, bytes]) -> None:
    """A discarded plan changes nothing, and its delivery is settled with it."""
    with rostergate.daemon():
        openssh.put(files)
        rostergate.reached("settled")
        rostergate.run("district", "grant", "lakeside")
        openssh.put(as_files(sample.without_half_of(sample.file_set(), "100")))
        planned = rostergate.reached("planned", 2)
        rostergate.run("discard", "--delivery", planned["delivery"], "--by", "Operator", "--reason", "export broken")
        assert rostergate.reached("settled", 2)
        assert rostergate.counts()["students"] == 260
        shown = rostergate.answer("show", planned["delivery"])
        (closed,) = [one for one in shown["schools"] if one["school_id"] == "100"]
        assert (closed["state"], closed["closed_by"], closed["reason"]) == ("discarded", "Operator", "export broken")
