"""Where settings come from, and which source wins."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as bounded
from hypothesis import strategies as st

from rostergate.config import Settings, load_district, load_settings
from rostergate.config.loading import FILE_BYTES_MAX, parse_toml, variable
from rostergate.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a configuration folder with a settings file."""
    (tmp_path / "rostergate.toml").write_text("[server]\nport = 4000\nlogin_tries_max = 2\n", encoding="utf-8")
    return tmp_path


def test_without_a_settings_file_the_defaults_hold(tmp_path: Path) -> None:
    """The settings file may be left out, and so may its folder."""
    assert load_settings(tmp_path, {}) == load_settings(tmp_path / "absent", {}) == Settings()


def test_a_settings_file_that_is_a_link_to_nothing_is_no_wish_for_the_defaults(tmp_path: Path) -> None:
    """A daemon that was to encrypt does not start without."""
    (tmp_path / "rostergate.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"rostergate\.toml: cannot be read: it is a link to nowhere, which is not"):
        load_settings(tmp_path, {})


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(folder: Path) -> None:
    """Each source overrides only the keys it names."""
    settings = load_settings(folder, {"ROSTERGATE_SERVER__PORT": "5000", "PATH": "/bin"})
    assert settings.server.port == 5000
    assert settings.server.login_tries_max == 2
    assert settings.server.connections_max == Settings().server.connections_max


@pytest.mark.parametrize(
    ("text", "value"),
    [("sftp.example.org", "sftp.example.org"), ('"quoted"', "quoted"), ("", ""), ("a\nb = 1", "a\nb = 1")],
)
def test_a_variable_that_is_no_toml_is_text(text: str, value: str) -> None:
    """Text needs no quotes in the environment."""
    assert load_settings(Path("absent"), {"ROSTERGATE_SERVER__PUBLIC_HOST": text}).server.public_host == value


def test_a_number_in_the_environment_is_a_number() -> None:
    """A variable is read as TOML where it is TOML."""
    settings = load_settings(
        Path("absent"), {"ROSTERGATE_DELIVERY__SETTLE_SECONDS": "0.25", "ROSTERGATE_READING__ROWS_MAX": "1_000"}
    )
    assert settings.delivery.settle_seconds == 0.25
    assert settings.reading.rows_max == 1_000


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        (
            {"ROSTERGATE_DELIVERY__SETTLE_SECOND": "1"},
            (
                "ROSTERGATE_DELIVERY__SETTLE_SECOND: unknown environment variable; "
                "did you mean ROSTERGATE_DELIVERY__SETTLE_SECONDS?"
            ),
        ),
        ({"ROSTERGATE_SERVER__PORT": "ssh"}, 'ROSTERGATE_SERVER__PORT: expected a whole number, found "ssh"'),
        ({"ROSTERGATE_SERVER__PORT": "99999"}, "ROSTERGATE_SERVER__PORT: expected at most 65535, found 99999"),
        (
            {"ROSTERGATE_UPLOAD__DISTRICT_BYTES_MAX": "5"},
            (
                "ROSTERGATE_UPLOAD__DISTRICT_BYTES_MAX: expected district_bytes_max of at least "
                "file_bytes_max (2147483648), found 5"
            ),
        ),
        (
            {"ROSTERGATE_LOG__LEVEL": "1", "ROSTERGATE_HOLDS__REMOVALS_PERCENT_MAX": "-1"},
            (
                "ROSTERGATE_HOLDS__REMOVALS_PERCENT_MAX: expected at least 0.0, found -1\n"
                "ROSTERGATE_LOG__LEVEL: expected 'debug', 'info', 'warning' or 'error', found 1"
            ),
        ),
    ],
)
def test_a_bad_variable_is_an_error_that_names_it(variables: dict[str, str], error: str) -> None:
    """Unknown variables and impossible values are told by the variable's name."""
    with pytest.raises(ConfigError) as caught:
        load_settings(Path("absent"), variables)
    assert str(caught.value) == error


@pytest.mark.parametrize(
    "name", ["ROSTERGATE_HOME", "ROSTERGATE_", "MY_ROSTERGATE_SERVER__PORT", "rostergate_server__port"]
)
def test_other_variables_are_not_looked_at(name: str) -> None:
    """Only names with the prefix and two underscores after it are ours."""
    assert load_settings(Path("absent"), {name: "1"}) == Settings()


def test_an_error_in_the_file_names_the_file_even_where_a_variable_overrides_the_key(folder: Path) -> None:
    """A variable does not hide a mistake in the file."""
    (folder / "rostergate.toml").write_text("[server]\nport = -1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rostergate\.toml:2: server\.port"):
        load_settings(folder, {"ROSTERGATE_SERVER__PORT": "5000"})


@bounded(max_examples=60, deadline=None)
@given(st.integers(0, 65_535))
def test_what_stands_in_the_file_can_stand_in_the_environment(port: int) -> None:
    """A value has the same effect in both."""
    assert load_settings(Path("absent"), {variable("server", "port"): str(port)}) == Settings.model_validate(
        {"server": {"port": port}}
    )


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    """What a Windows editor saves is read, and errors name the right line."""
    path = tmp_path / "lincoln.toml"
    path.write_bytes(b'\xef\xbb\xbfname = "Lincoln"\r\ntime_zone = "America/Chicago"\r\n')
    assert load_district(path).name == "Lincoln"
    path.write_bytes(b'\xef\xbb\xbfname = "Lincoln"\r\ntime_zone = 1\r\n')
    with pytest.raises(ConfigError, match=r"lincoln\.toml:2: time_zone"):
        load_district(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A district without a file says so."""
    with pytest.raises(ConfigError, match=r"lincoln\.toml: cannot be read: No such file"):
        load_district(tmp_path / "lincoln.toml")


def test_a_folder_in_a_files_place_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A settings file that is a folder says so."""
    (tmp_path / "rostergate.toml").mkdir()
    with pytest.raises(ConfigError, match=r"rostergate\.toml: cannot be read: Is a directory"):
        load_settings(tmp_path, {})


def test_an_endless_file_is_an_error() -> None:
    """A configuration file has a bound, too."""
    with pytest.raises(ConfigError, match="at most 4194304 bytes"):
        parse_toml(Path("x.toml"), b"#" * (FILE_BYTES_MAX + 1))
