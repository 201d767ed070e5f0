"""The database's address: what is accepted, what is refused, and that no part of a password is ever repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rostergate.config import load_settings
from rostergate.config.credential import CREDENTIALS
from rostergate.config.database import DatabaseSettings, database_url
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "postgresql://rostergate:sesame@db.example.org:5432/rostergate"


def _written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "database.url"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "postgresql://rostergate@db.example.org/rostergate",
        "postgres://db.example.org:5433/rostergate?sslmode=verify-full",
        "postgresql:///rostergate",
        "postgresql:///rostergate?host=/run/postgresql",
        "postgresql://rostergate@[::1]:5432/rostergate",
        "postgresql://one.example.org:5432,two.example.org:5433/rostergate?target_session_attrs=read-write",
    ],
)
def test_an_address_of_libpqs_form_is_taken(url: str) -> None:
    """Every form of an address that libpq knows can be written, and none at all."""
    assert database_url(DatabaseSettings(url=url), {}) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://rostergate@db.example.org/rostergate", "expected one line"),
        ("postgresql://db.example.org", "name is missing"),
        ("postgresql://rostergate:sesame@db.example.org/rostergate", "a password does not belong here"),
        ("postgresql://db.example.org/rostergate?password=sesame", "a password does not belong here"),
        ("postgresql://rostergate:ses/ame@db.example.org/rostergate", "in a password write /"),
        ("postgresql://rostergate:ses@me@db.example.org/rostergate", "in a password write /"),
        ("postgresql://rostergate:ses%me@db.example.org/rostergate", "in a password write /"),
        ("postgresql://rostergate:ses?me@db.example.org/rostergate", "? as %3F"),
        ("postgresql://rostergate:ses#me@db.example.org/rostergate", "# as %23"),
        ("postgresql://rostergate:ses[me@db.example.org/rostergate", "[ as %5B"),
        ("postgresql://rostergate@db.example.org:sesame/rostergate", "the port is not a number"),
        ("postgresql://rostergate@db.example.org/rostergate?sslmod=sesame", "a parameter that"),
    ],
)
def test_an_address_that_cannot_be_used_is_not_repeated(tmp_path: Path, url: str, said: str) -> None:
    """The error names file, line and key and what was expected, and nothing of what was found."""
    (tmp_path / "rostergate.toml").write_text(f'[database]\nurl = "{url}"\n')
    with pytest.raises(ConfigError, match=r"rostergate\.toml:2: database\.url: ") as refused:
        load_settings(tmp_path, {})
    assert said in str(refused.value)
    assert "ses" not in str(refused.value)


def test_only_one_of_the_two_keys_is_given() -> None:
    """Both keys at once are an error."""
    with pytest.raises(ValueError, match="found both"):
        DatabaseSettings(url="postgresql:///rostergate", url_file="/etc/rostergate/database.url")


def test_the_address_is_read_from_its_file(tmp_path: Path) -> None:
    """A file has the address with its password in one line."""
    path = _written(tmp_path, f"{GOOD}\n")
    assert database_url(DatabaseSettings(url_file=str(path)), {}) == GOOD


def test_a_credential_of_the_service_is_named_without_a_path(tmp_path: Path) -> None:
    """A name alone is looked for where systemd puts what LoadCredential names."""
    _written(tmp_path, GOOD)
    settings = DatabaseSettings(url_file="database.url")
    assert database_url(settings, {CREDENTIALS: str(tmp_path)}) == GOOD
    with pytest.raises(ConfigError, match=r"url_file: /run/credentials/rostergate\.service/database\.url .*while it"):
        database_url(settings, {})


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (GOOD, 0o604, "open to every user"),
        ("sesame", 0o600, "expected one line"),
        (GOOD + "\n" + GOOD, 0o600, "expected one line"),
        (GOOD * 100, 0o600, "expected one line"),
        ("\x00", 0o600, "expected one line"),
    ],
    ids=["readable by all", "no address", "two lines", "too long", "not text"],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, mode: int, said: str) -> None:
    """The error names key and file and says what to do; what is in the file is not repeated."""
    path = _written(tmp_path, text, mode)
    with pytest.raises(ConfigError, match=r"database\.url_file: .*database\.url") as refused:
        database_url(DatabaseSettings(url_file=str(path)), {})
    assert said in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is an error with its name."""
    with pytest.raises(ConfigError, match="none cannot be read"):
        database_url(DatabaseSettings(url_file=str(tmp_path / "none")), {})
