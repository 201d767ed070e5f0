from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rostergate.cli.example import example
from rostergate.core import catalogue

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = catalogue.formats()


def test_without_a_subcommand_all_are_listed(commands: Any) -> None:
    """Every format stands there with its files and columns, for people and for programs."""
    listed = commands.answer("formats")
    assert [one["name"] for one in listed] == list(FORMATS)
    assert set(listed[0]) == {"name", "title", "files"}
    assert set(listed[0]["files"][0]["columns"][0]) == {"name", "key", "required", "chars_max", "values"}
    shown = commands("formats").output
    assert "optional, not read" in shown
    assert all(name in shown for name in FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_one_is_shown(name: str, commands: Any) -> None:
    """Files, columns and keys of one format are shown, with an example row of each file."""
    answer = commands.answer("formats", "show", name)
    fmt = FORMATS[name]
    assert (answer["name"], answer["title"]) == (name, fmt.title)
    for file, told in zip(fmt.files, answer["files"], strict=True):
        assert told["example"]
        assert all(list(row) == [column.name for column in file.columns] for row in told["example"])
        assert [one["name"] for one in told["columns"] if one["key"]] == [one.name for one in file.columns if one.key]
    shown = commands("formats", "show", name).output
    assert all(file.name in shown for file in fmt.files)
    assert "at most 60 characters" in shown


def test_further_columns_are_told(commands: Any) -> None:
    """It is said whether, and which, columns may be added."""
    assert "Further columns are allowed." in commands("formats", "show", "clever").output
    assert "begins with metadata. are allowed" in commands("formats", "show", "oneroster-1.1").output
    assert "Further" not in commands("formats", "show", "direct").output


def test_values_that_a_column_may_have_are_listed(commands: Any) -> None:
    """Roles and types are shown with what they may be."""
    shown = " ".join(commands("formats", "show", "oneroster-1.1").output.split())
    assert "type is one of department, school, district" in shown
    (orgs,) = [one for one in commands.answer("formats", "show", "sds-2.1")["files"] if one["name"] == "orgs.csv"]
    assert {one["name"] for one in orgs["columns"] if "school" in one["values"]} == {"type"}


@pytest.mark.parametrize("name", FORMATS)
def test_an_example_is_accepted_without_a_finding(name: str, commands: Any, tmp_path: Path) -> None:
    """What is shown makes a school with a teacher, a student, a guardian and a class, and nothing in it is wrong."""
    assert commands("formats", "template", name, str(tmp_path / "set"), "--example").exit_code == 0
    answer = commands.answer("preview", str(tmp_path / "set"))
    assert (answer["format"], answer["verdict"], answer["findings"]) == (name, "accepted", [])
    added = {table: one["added"] for table, one in answer["totals"].items()}
    assert min(added.values()) >= 1, added


@pytest.mark.parametrize("name", FORMATS)
def test_examples_have_every_value_that_is_required(name: str) -> None:
    """No row of an example lacks an id, a required value or the version in a manifest."""
    fmt = FORMATS[name]
    for file in fmt.files:
        for row in example(fmt)[file.name]:
            assert [one.name for one in file.columns if one.required and not row[one.name]] == []
    if fmt.mark:
        assert [list(row.values()) for row in example(fmt)["manifest.csv"]] == [[fmt.mark.name, fmt.mark.value]]


@pytest.mark.parametrize("name", FORMATS)
def test_a_template_is_a_set_of_that_format(name: str, commands: Any, tmp_path: Path) -> None:
    """The files that are written are recognised as what they are, and nothing is wrong with them."""
    folder = tmp_path / "new" / "set"
    ended = commands("formats", "template", name, str(folder))
    assert ended.exit_code == 0
    assert f"{len(FORMATS[name].files)} files written to" in ended.output
    answer = commands.answer("preview", str(folder))
    assert (answer["format"], answer["verdict"], answer["findings"]) == (name, "accepted", [])


def test_a_template_overwrites_nothing(commands: Any, tmp_path: Path) -> None:
    """Where one of the files is there already, none is written."""
    (tmp_path / "students.csv").write_text("mine\n")
    ended = commands("formats", "template", "direct", str(tmp_path))
    assert (ended.exit_code, "students.csv" in ended.stderr) == (1, True)
    assert (tmp_path / "students.csv").read_text() == "mine\n"
    assert not (tmp_path / "schools.csv").exists()


def test_an_unknown_format_is_wrong_usage(commands: Any, tmp_path: Path) -> None:
    """A format that does not exist is told with those that do."""
    for arguments in (("show", "nonsense"), ("template", "nonsense", str(tmp_path / "x"))):
        ended = commands("formats", *arguments)
        assert (ended.exit_code, "clever" in ended.output) == (2, True)
    assert not (tmp_path / "x").exists()
