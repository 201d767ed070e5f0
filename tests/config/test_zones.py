"""Time zones by the data that the machine has now, from a folder of the test's own."""

from __future__ import annotations

import shutil
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
import tzdata

from rostergate.config import District, zones

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "America/Chicago"
WINTER = datetime(2026, 1, 15, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let a folder be all that the machine has of time zones; nothing of it is left afterwards."""
    before = zoneinfo.TZPATH
    monkeypatch.setattr(zones, "_known", {})
    folder = tmp_path / "zones"
    folder.mkdir()
    zoneinfo.reset_tzpath([folder])
    zones._names.cache_clear()
    yield folder
    zoneinfo.reset_tzpath(before)
    zones._names.cache_clear()
    ZoneInfo.clear_cache()


def brought(folder: Path, name: str, of: str) -> None:
    """Put the data of one zone in the place of another's, as a package does: in one step."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with resources.as_file(resources.files(tzdata).joinpath("zoneinfo", *of.split("/"))) as source:
        shutil.copy(source, folder / "new")
    (folder / "new").replace(path)


def offset(name: str = NAME) -> timedelta | None:
    """Return how far a zone is from UTC in winter, by its data now."""
    return WINTER.astimezone(zones.zone(name)).utcoffset()


def test_new_data_count_at_once(data: Path) -> None:
    """A district's zone has the old data before an update, and the new ones after it."""
    brought(data, NAME, of=NAME)
    district = District.model_validate({"slug": "lakeside", "name": "Lakeside", "time_zone": NAME})
    assert WINTER.astimezone(district.zone).utcoffset() == timedelta(hours=-6)
    brought(data, NAME, of="Asia/Tokyo")
    assert WINTER.astimezone(district.zone).utcoffset() == timedelta(hours=9)
    assert WINTER.astimezone(ZoneInfo(NAME)).utcoffset() == timedelta(hours=9)


def test_a_zone_stays_the_same_object_while_its_data_do(data: Path) -> None:
    """What is compared by wall clock, because its zone is one, goes on being so; other zones' data do not matter."""
    brought(data, NAME, of=NAME)
    first = zones.zone(NAME)
    brought(data, "Asia/Tokyo", of="Asia/Tokyo")
    assert zones.zone(NAME) is first


def test_unreadable_data_change_nothing(data: Path) -> None:
    """A broken file, or none any more, leaves the last good data; mended ones count."""
    brought(data, NAME, of="Asia/Tokyo")
    assert offset() == timedelta(hours=9)
    (data / NAME).write_bytes(b"TZif, but broken off")
    assert offset() == timedelta(hours=9)
    brought(data, NAME, of=NAME)
    assert offset() == timedelta(hours=-6)


def test_without_data_of_the_machine_those_of_the_package_count(data: Path) -> None:
    """A machine that has no data of a zone, or loses them, is no reason to fail."""
    assert offset() == timedelta(hours=-6)
    brought(data, NAME, of="Asia/Tokyo")
    assert offset() == timedelta(hours=9)
    (data / NAME).unlink()
    assert offset() == timedelta(hours=-6)


def test_a_zone_that_never_was_is_an_error(data: Path) -> None:
    """Unlike one that became unreadable."""
    with pytest.raises(ZoneInfoNotFoundError):
        zones.zone("America/Nowhere")
    brought(data, "America/Nowhere", of=NAME)
    assert offset("America/Nowhere") == timedelta(hours=-6)


def test_a_zone_that_new_data_bring_is_known(data: Path) -> None:
    """A district's file may name it without a restart."""
    assert "America/Nowhere" not in zones.names(including="America/Nowhere")
    brought(data, "America/Nowhere", of=NAME)
    assert "America/Nowhere" in zones.names(including="America/Nowhere")
    District.model_validate({"slug": "lakeside", "name": "Lakeside", "time_zone": "America/Nowhere"})
