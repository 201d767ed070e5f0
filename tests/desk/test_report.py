from __future__ import annotations

import dataclasses
import json
import stat
from typing import TYPE_CHECKING

import pytest

from rostergate.desk import latest, report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rostergate.desk.story import Change, Story


def test_a_report_has_its_four_files(tmp_path: Path, stories: dict[str, Story]) -> None:
    """Every kind of delivery gets a whole report, readable by the service alone, and nothing beside it."""
    for number, story in enumerate(stories.values()):
        folder = tmp_path / "lincoln" / f"lincoln-{number}"
        report.write(folder, story)
        assert sorted(one.name for one in folder.iterdir()) == sorted(report.NAMES)
        assert {stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {0o600}
        json.loads((folder / report.STATUS).read_bytes())
    assert len(list((tmp_path / "lincoln").iterdir())) == len(stories)


def test_a_report_can_be_told_again(tmp_path: Path, stories: dict[str, Story]) -> None:
    """After a release the report in place is replaced, and nothing is left beside it."""
    folder = tmp_path / "lincoln-00017"
    report.write(folder, stories["held"])
    report.write(folder, stories["released"])
    assert json.loads((folder / report.STATUS).read_bytes())["state"] == "settled"
    assert "released and applied" in (folder / report.HTML).read_text()
    assert [one.name for one in tmp_path.iterdir()] == [folder.name]


def test_a_report_that_fails_leaves_the_old_one(tmp_path: Path, stories: dict[str, Story]) -> None:
    """When the changes cannot be read, nothing half-written appears and the old report stays."""

    def broken() -> Iterator[Change]:
        raise OSError(28, "No space left on device")
        yield  # type: ignore[unreachable]

    folder = tmp_path / "lincoln-00017"
    with pytest.raises(OSError, match="No space"):
        report.write(folder, dataclasses.replace(stories["held"], changes=broken))
    assert list(tmp_path.iterdir()) == []
    report.write(folder, stories["held"])
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    with pytest.raises(OSError, match="No space"):
        report.write(folder, dataclasses.replace(stories["released"], changes=broken))
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    assert [one.name for one in tmp_path.iterdir()] == [folder.name]


def test_what_a_crash_left_is_swept(tmp_path: Path, stories: dict[str, Story]) -> None:
    """Sweeping removes unfinished reports and nothing else."""
    report.write(tmp_path / "lincoln-00017", stories["same"])
    latest.write(tmp_path, stories["same"])
    left = tmp_path / ".unfinished-lincoln-00018-x"
    left.mkdir()
    (left / report.HTML).write_text("half")
    assert report.sweep(tmp_path) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == [latest.NAME, "lincoln-00017"]
    assert report.sweep(tmp_path / "nobody") == 0


def test_a_report_that_is_cut_off_again_and_again_takes_its_room_once(
    tmp_path: Path, stories: dict[str, Story]
) -> None:
    """What is left of a report whose writer was killed goes with the next try; what another one writes stays."""
    left, another = tmp_path / ".unfinished-lincoln-00017-x", tmp_path / ".unfinished-lincoln-00018-y"
    for one in (left, another):
        one.mkdir()
        (one / report.CHANGES).write_text("half")
    report.write(tmp_path / "lincoln-00017", stories["same"])
    assert {one.name for one in tmp_path.iterdir()} == {"lincoln-00017", another.name}


def test_no_person_is_in_any_report(tmp_path: Path, stories: dict[str, Story], a_person: list[Change]) -> None:
    """Of a person in the changes, names, contacts and birth date appear nowhere, and the id only in changes.csv."""
    for number, story in enumerate(stories.values()):
        told = dataclasses.replace(story, changes=lambda: a_person)
        folder = tmp_path / f"lincoln-{number}"
        report.write(folder, told)
        latest.write(folder, told)
        texts = {one.name: one.read_text("utf-8") for one in folder.iterdir()}
        for canary in ("Canaria", "Yellowbird", "canary@example.org", "3125550147", "2013-02-03"):
            assert [name for name, text in texts.items() if canary in text] == []
        assert [name for name, text in texts.items() if "s-1" in text] == [report.CHANGES]


def test_an_operators_name_is_not_told(tmp_path: Path, stories: dict[str, Story]) -> None:
    """Who released or discarded a plan stays with the operator."""
    for kind in ("released", "discarded"):
        folder = tmp_path / kind
        report.write(folder, stories[kind])
        latest.write(folder, stories[kind])
        assert [one.name for one in folder.iterdir() if "Jo Operator" in one.read_text("utf-8")] == []
