"""Every bad configuration fails for the expected reason: `bad/<kind>/<case>.toml` beside its `<case>.error`.

In an error file, `...` at the end of a line stands for words that are the TOML parser's and differ between Pythons.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rostergate.config import load_district, load_settings
from rostergate.errors import ConfigError

BAD = Path(__file__).parent / "bad"
SETTINGS = sorted((BAD / "settings").glob("*.toml"))
DISTRICTS = sorted((BAD / "districts").glob("*.toml"))


def assert_told(error: ConfigError, case: Path, folder: Path) -> None:
    """Compare an error, without the folder's path, with the case's error file, line by line."""
    found = str(error).replace(f"{folder}/", "").splitlines()
    expected = case.with_suffix(".error").read_text(encoding="utf-8").splitlines()
    assert len(found) == len(expected), found
    for found_line, expected_line in zip(found, expected, strict=True):
        if expected_line.endswith("..."):
            assert found_line.startswith(expected_line.removesuffix("..."))
        else:
            assert found_line == expected_line


@pytest.mark.parametrize("case", SETTINGS, ids=lambda case: case.stem)
def test_bad_settings_are_refused_with_the_expected_error(case: Path, tmp_path: Path) -> None:
    """A bad settings file is refused naming file, line, key, what was expected and what was found."""
    (tmp_path / "rostergate.toml").write_bytes(case.read_bytes())
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {})
    assert_told(caught.value, case, tmp_path)


@pytest.mark.parametrize("case", DISTRICTS, ids=lambda case: case.stem)
def test_a_bad_district_is_refused_with_the_expected_error(case: Path) -> None:
    """A bad district file is refused naming file, line, key, what was expected and what was found."""
    with pytest.raises(ConfigError) as caught:
        load_district(case)
    assert_told(caught.value, case, case.parent)


def test_every_case_has_its_error_and_every_error_its_case() -> None:
    """Cases and errors come in pairs, and there are enough of them."""
    cases = {path.with_suffix("") for path in BAD.rglob("*.toml")}
    errors = {path.with_suffix("") for path in BAD.rglob("*.error")}
    assert cases == errors
    assert len(SETTINGS) >= 15
    assert len(DISTRICTS) >= 25


@pytest.mark.parametrize(
    "line",
    [
        'recipients = ["""\n{key}"""]',
        'encoding = """{key}"""',
        'name = """\n{key}"""',
        'authorized_keys = ["""\n{key}"""]',
        'schools.deselected = ["""\n{key}"""]',
    ],
)
def test_a_private_key_is_never_repeated(line: str, tmp_path: Path) -> None:
    """A private key pasted anywhere in a district's file does not come back in the error."""
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
    path = tmp_path / "lincoln.toml"
    path.write_text('time_zone = "America/Chicago"\n' + line.format(key=key), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_district(path)
    assert "BEGIN" not in str(caught.value)
    assert "c2Vj" not in str(caught.value)


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    """What was found is shown as far as it helps."""
    path = tmp_path / "lincoln.toml"
    path.write_text(f'name = "Lincoln"\ntime_zone = "{"x" * 5000}"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_district(path)
    assert len(str(caught.value)) < len(str(path)) + 250
