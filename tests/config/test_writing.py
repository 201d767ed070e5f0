"""Writing a district's file."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.config import load_district, set_enabled, write_district
from rostergate.config.complaints import keys
from rostergate.config.district import District
from rostergate.config.writing import template
from rostergate.errors import ConfigError, NotFound, Refused

SAMPLE = Path(__file__).parents[2] / "config" / "districts" / "example.toml.sample"


def names(folder: Path) -> list[str]:
    """Return what is in a folder, whole and half written."""
    return sorted(path.name for path in folder.iterdir())


def test_a_new_district_can_be_loaded_at_once(tmp_path: Path) -> None:
    """The file is complete, readable for the daemon's user, and nothing else is left in the folder."""
    folder = tmp_path / "districts"
    path = write_district(folder, "lincoln", name='Lincoln "Honest" Unified', time_zone="America/Chicago")
    assert load_district(path).name == 'Lincoln "Honest" Unified'
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(folder) == ["lincoln.toml"]


def test_an_existing_district_is_not_written_over(tmp_path: Path) -> None:
    """Adding a district twice is refused and leaves the first as it was."""
    path = write_district(tmp_path, "lincoln", name="Lincoln", time_zone="America/Chicago")
    before = path.read_bytes()
    with pytest.raises(Refused, match="lincoln already"):
        write_district(tmp_path, "lincoln", name="Other", time_zone="America/Denver")
    assert path.read_bytes() == before
    assert names(tmp_path) == ["lincoln.toml"]


@pytest.mark.parametrize("slug", ["", "Lincoln", "-a", "../evil", "a/b", "a.b", "a" * 33, "a\n", "é"])
def test_a_bad_slug_is_refused(slug: str, tmp_path: Path) -> None:
    """A slug can be nothing but a plain name."""
    with pytest.raises(ConfigError, match="slug"):
        write_district(tmp_path, slug, name="Lincoln", time_zone="America/Chicago")
    with pytest.raises(ConfigError, match="slug"):
        set_enabled(tmp_path, slug, enabled=True)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"time_zone": "America/Chigago"}, "--time-zone: expected a time zone's IANA name"),
        ({"name": ""}, "--name: expected one line of text"),
        ({"name": "Lincoln\udcff"}, "--name: expected one line of text"),
        ({"recipients": ["it@example.org", "nobody"]}, "--recipient: expected an e-mail address"),
    ],
)
def test_nothing_is_written_that_could_not_be_loaded(wrong: dict[str, Any], told: str, tmp_path: Path) -> None:
    """A bad value is an error that names the option that gave it, not a line of a file that there is not."""
    with pytest.raises(ConfigError, match=f"^{told}"):
        write_district(tmp_path, "lincoln", **{"name": "Lincoln", "time_zone": "UTC", **wrong})
    assert names(tmp_path) == []


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_any_name_is_written_as_it_is_or_refused(name: str) -> None:
    """No name can break out of its quotes."""
    parsed = tomllib.loads(template(name=name, time_zone="UTC").encode("utf-8", "replace").decode())
    assert parsed["name"] == name.encode("utf-8", "replace").decode()
    assert set(parsed) == {"name", "time_zone", "enabled", "schools"}


def test_the_template_names_every_key_of_a_district() -> None:
    """Taking the comment marks away from the template gives a district with every key there is."""
    commented = re.compile(r'^# (?=\[|[a-z_]+ = (?:["\[0-9]|true|false))', re.MULTILINE)
    parsed = tomllib.loads(commented.sub("", template(name="Lincoln", time_zone="UTC")))
    assert set(parsed) == set(keys(District)) - {"slug"}
    for table in ("schools", "holds", "limits"):
        model = keys(District)[table]
        assert model is not None
        assert set(parsed[table]) == set(keys(model))


def test_the_sample_is_the_template() -> None:
    """The sample that ships beside the settings is what `district add` writes."""
    assert SAMPLE.read_text(encoding="utf-8") == template(
        name="Example Unified School District", time_zone="America/Chicago"
    )


def test_enabling_and_disabling_changes_that_key_and_nothing_else(tmp_path: Path) -> None:
    """Comments, order and everything else of the file stay as they were."""
    path = write_district(tmp_path, "lincoln", name="Lincoln", time_zone="America/Chicago")
    path.chmod(0o640)
    before = path.read_text(encoding="utf-8")
    assert set_enabled(tmp_path, "lincoln", enabled=False) == path
    assert path.read_text(encoding="utf-8") == before.replace("enabled = true", "enabled = false")
    assert not load_district(path).enabled
    assert path.stat().st_mode & 0o777 == 0o640
    set_enabled(tmp_path, "lincoln", enabled=True)
    assert path.read_text(encoding="utf-8") == before


def test_a_file_without_the_key_gets_it_above_its_tables(tmp_path: Path) -> None:
    """The key ends up in the district, not in its last table."""
    path = tmp_path / "lincoln.toml"
    path.write_text('name = "Lincoln" # ours\ntime_zone = "UTC"\n\n[holds]\nremovals_rows_min = 3\n', encoding="utf-8")
    set_enabled(tmp_path, "lincoln", enabled=False)
    lincoln = load_district(path)
    assert not lincoln.enabled
    assert lincoln.holds.removals_rows_min == 3
    assert "# ours" in path.read_text(encoding="utf-8")


def test_setting_what_is_set_writes_nothing(tmp_path: Path) -> None:
    """A file that says so already is left alone."""
    path = write_district(tmp_path, "lincoln", name="Lincoln", time_zone="America/Chicago")
    before = path.stat()
    set_enabled(tmp_path, "lincoln", enabled=True)
    assert path.stat().st_ino == before.st_ino


def test_a_missing_district_is_not_found(tmp_path: Path) -> None:
    """There is nothing to enable without a file."""
    with pytest.raises(NotFound, match="lincoln"):
        set_enabled(tmp_path, "lincoln", enabled=True)


def test_a_broken_file_is_not_written(tmp_path: Path) -> None:
    """A file that cannot be used is told and left as it is."""
    path = tmp_path / "lincoln.toml"
    path.write_text("name = \n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"lincoln\.toml:1"):
        set_enabled(tmp_path, "lincoln", enabled=False)
    assert path.read_text(encoding="utf-8") == "name = \n"


def test_a_folder_that_is_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """What cannot be written is told with its path."""
    (tmp_path / "districts").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"districts/lincoln\.toml: cannot be written"):
        write_district(tmp_path / "districts", "lincoln", name="Lincoln", time_zone="UTC")
