from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rostergate.cli import sample
from rostergate.core.roster import TABLES
from wholes import as_files, write_set

if TYPE_CHECKING:
    from pathlib import Path


def test_a_good_set_is_shown_in_the_published_shape(commands: Any, good: Path) -> None:
    """The answer has exactly the published keys, with counts per school and in all."""
    answer = commands.answer("preview", str(good))
    assert set(answer) == {"format", "recognised", "verdict", "files", "findings", "schools", "totals"}
    assert (answer["format"], answer["verdict"], answer["findings"]) == ("direct", "accepted", [])
    assert {tuple(one) for one in answer["files"]} == {("name", "rows", "bytes", "sha256")}
    assert {one["name"]: one["rows"] for one in answer["files"]}["students.csv"] == 260
    assert list(answer["totals"]) == list(TABLES)
    assert answer["totals"]["students"] == {"added": 260, "updated": 0, "removed": 0, "unchanged": 0}
    (school,) = (one for one in answer["schools"] if one["school_id"] == "100")
    assert set(school) == {"school_id", "name", "state", "status", "rows_left_out", "changes", "holds"}
    assert (school["school_id"], school["name"], school["state"]) == ("100", "Lincoln High School", "clear")
    assert school["changes"]["enrollments"] == {"added": 120, "updated": 0, "removed": 0}


def test_a_bad_set_is_refused_with_the_line(commands: Any, tmp_path: Path) -> None:
    """A ragged row rejects the set, names file and line, and ends with 1."""
    rows = sample.with_ragged_row(sample.file_set(), "teachers.csv", 7)
    write_set(tmp_path / "bad", as_files(rows))
    answer = commands.answer("preview", str(tmp_path / "bad"), status=1)
    (finding,) = answer["findings"]
    assert set(finding) == {"code", "severity", "file", "column", "count", "lines", "message", "next_step"}
    assert (answer["verdict"], finding["code"], finding["severity"]) == (
        "rejected",
        "wrong-column-count",
        "format-error",
    )
    assert (finding["file"], finding["lines"], finding["count"]) == ("teachers.csv", [7], 1)
    assert answer["totals"] == {}


def test_a_missing_file_makes_the_set_incomplete(commands: Any, good: Path) -> None:
    """A set without a required file is incomplete, and the file is named."""
    (good / "classes.csv").unlink()
    answer = commands.answer("preview", str(good), status=1)
    assert answer["verdict"] == "incomplete"
    assert ("missing-file", "classes.csv") in {(one["code"], one["file"]) for one in answer["findings"]}


def test_the_optional_file_may_be_missing(commands: Any, good: Path) -> None:
    """A set without guardians is accepted, and says what that means."""
    (good / "guardians.csv").unlink()
    answer = commands.answer("preview", str(good))
    assert ("optional-file-missing", "alert") in {(one["code"], one["severity"]) for one in answer["findings"]}


def test_a_format_can_be_given(commands: Any, good: Path) -> None:
    """A format that is named is taken, whether the files look like it or not; an unknown one is wrong usage."""
    answer = commands.answer("preview", str(good), "--format", "remind-1.0", status=1)
    assert answer["format"] == "remind-1.0"
    assert "header-mismatch" in {one["code"] for one in answer["findings"]}
    assert commands("preview", str(good), "--format", "nonsense").exit_code == 2


def test_people_read_a_table(commands: Any, good: Path) -> None:
    """Without --json the verdict, the files and the totals are shown for people."""
    shown = commands("preview", str(good)).output
    for said in ("accepted", "students.csv", "260", "ADDED"):
        assert said in shown
    assert "Why direct: 6 of 6 files and 30 columns are those of direct; with " in shown
    assert "Why" not in commands("preview", str(good), "--format", "direct").output


def test_an_unknown_district_is_told(commands: Any, good: Path) -> None:
    """A district that does not exist ends the command with 1 and a plain sentence."""
    ended = commands("preview", str(good), "--district", "nowhere")
    assert ended.exit_code == 1
    assert "there is no district nowhere" in ended.stderr
