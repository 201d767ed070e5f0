from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from rostergate.store.engine import open_blocking, to_write
from servers import ENGINES

if TYPE_CHECKING:
    from pathlib import Path

    from cli.conftest import Commands
    from servers import PostgreSQL

KEY = "A" * 43 + "="
MAIL = """[mail]
host = "127.0.0.1"
sender = "roster@platform.example"
"""


@pytest.fixture
def lakeside(commands: Commands) -> Path:
    """Give the configuration's folder, with one district and its password."""
    commands.answer("district", "add", "lakeside", "--name", "Lakeside", "--time-zone", "UTC")
    return commands.folder / "config"


def warned(commands: Commands) -> str:
    """Return what `check` warns of where nothing is wrong."""
    answer = commands.answer("check")
    assert answer["errors"] == []
    return "\n".join(answer["warnings"])


def test_check_finds_what_is_wrong(lakeside: Path, commands: Commands) -> None:
    """`check` is content with a good configuration; with a bad one it names every file and ends with 2."""
    (lakeside / "rostergate.toml").write_text('[server]\npublic_host = "sftp.example.org"\n')
    good = {"ok": True, "errors": [], "warnings": [], "districts": 1, "database": "readable"}
    assert commands.answer("check") == good
    (lakeside / "districts" / "bad.toml").write_text("name = 5\n")
    (lakeside / "rostergate.toml").write_text("[delivery]\nsettle_second = 5\n")
    errors = "\n".join(commands.answer("check", status=2)["errors"])
    assert "bad.toml" in errors
    assert "settle_seconds" in errors


@pytest.mark.parametrize("commands", ENGINES, indirect=True)
def test_a_database_of_a_newer_version_is_told(lakeside: Path, commands: Commands) -> None:
    """`serve` would refuse to start on it, and `check` says so in the same words."""
    assert commands.answer("check")["database"] == "readable"
    connection = open_blocking(commands.location).connect()
    with connection, to_write(connection).begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    answer = commands.answer("check", status=2)
    (told,) = answer["errors"]
    assert told.startswith(f"The database {commands.location} was written by a newer rostergate (schema 9999). Install")
    assert answer["database"] is None
    assert told in commands("serve").output
    assert lakeside


def test_a_database_that_was_never_set_up_is_not_there_yet(
    lakeside: Path, commands: Commands, postgresql: PostgreSQL
) -> None:
    """A server's empty database is as good as a file that is not there: the daemon makes its tables at the start."""
    with postgresql.empty() as name:
        commands.server = postgresql.server(name)
        assert commands.answer("check")["database"] == "not there yet"
    assert lakeside


def test_check_makes_no_folder(commands: Commands) -> None:
    """`check` on a folder that is not there says so instead of making it."""
    assert "no such folder" in commands.answer("check", status=2)["errors"][0]
    assert not list(commands.folder.iterdir())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param(
            f'{MAIL}username = "roster"\npassword_file = "/no/such/file"\n',
            "rostergate.toml:5: mail.password_file: /no/such/file: no such file or directory",
            id="a password file that is not there",
        ),
        pytest.param(
            f'{MAIL}username = "roster"\npassword_file = "smtp"\n',
            "rostergate.toml:5: mail.password_file: /run/credentials/rostergate.service/smtp: no such file",
            id="a credential while the service does not run",
        ),
        pytest.param(
            '[encryption]\nkey_file = "/dev/null"\n',
            "rostergate.toml:2: encryption.key_file: /dev/null: expected 1 to 100 keys, found 0",
            id="a key file without a key",
        ),
        pytest.param(
            "[disk]\nfree_bytes_min = 1099511627776\nfree_bytes_low = 1099511627776\n",
            "rostergate.toml:2: disk.free_bytes_min: only ",
            id="a disk that is too full",
        ),
    ],
)
def test_what_the_settings_name_is_looked_at(lakeside: Path, commands: Commands, settings: str, said: str) -> None:
    """What cannot be used is told with file, line and key."""
    (lakeside / "rostergate.toml").write_text(settings)
    (told,) = commands.answer("check", status=2)["errors"]
    assert said in told


def test_a_key_from_the_environment_is_named_by_its_variable(
    lakeside: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no line to name then."""
    monkeypatch.setenv("ROSTERGATE_ENCRYPTION__KEY_FILE", str(lakeside / "none"))
    (told,) = commands.answer("check", status=2)["errors"]
    assert told.startswith(f"ROSTERGATE_ENCRYPTION__KEY_FILE: encryption.key_file: {lakeside}/none: no such file")


def test_a_secret_that_everybody_can_read_is_told(lakeside: Path, commands: Commands) -> None:
    """The command that mends it is told, and nothing of the secret."""
    secret = lakeside / "key"
    secret.write_text(f"{KEY}\n")
    (lakeside / "rostergate.toml").write_text(f'[encryption]\nkey_file = "{secret}"\n')
    secret.chmod(0o644)
    (told,) = commands.answer("check", status=2)["errors"]
    assert told.endswith(f"run chmod o= {secret}")
    assert KEY not in told
    secret.chmod(0o640)
    assert commands.answer("check")["ok"]


def test_a_template_that_cannot_be_used_is_told(lakeside: Path, commands: Commands) -> None:
    """An operator need not wait for the night on which the mail would be sent."""
    (lakeside / "templates").mkdir()
    (lakeside / "templates" / "held.txt.j2").write_text("{{ schol.name }}")
    (told,) = commands.answer("check", status=2)["errors"]
    assert "held.txt.j2, line 1: 'schol' is undefined" in told


def test_what_stands_in_the_place_of_the_state_is_told(lakeside: Path, commands: Commands) -> None:
    """A folder that is none, and a host key that is none, are named."""
    state = commands.folder / "state"
    (state / "keys" / "ssh_host_rsa_key").write_text("nothing")
    (told,) = commands.answer("check", status=2)["errors"]
    assert told.startswith(f"{state}/keys/ssh_host_rsa_key: not a private key")
    (state / "kept").rmdir()
    (state / "kept").write_text("")
    (told,) = commands.answer("check", status=2)["errors"]
    assert told.startswith(f"{state}/kept: this is no folder")
    assert lakeside


@pytest.mark.skipif(os.geteuid() == 0, reason="left out: root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_told(lakeside: Path, commands: Commands) -> None:
    """The daemon would find it out at the first delivery."""
    deliveries = commands.folder / "state" / "deliveries"
    deliveries.chmod(0o500)
    try:
        (told,) = commands.answer("check", status=2)["errors"]
    finally:
        deliveries.chmod(0o700)
    assert told.startswith(f"{deliveries}: permission denied")
    assert lakeside


def test_what_nobody_would_be_told_is_a_warning(lakeside: Path, commands: Commands) -> None:
    """Mail without anybody who gets it, a district that cannot log in, a name that is the machine's own."""
    assert "server.public_host: empty, so districts are told to connect to " in warned(commands)
    (lakeside / "rostergate.toml").write_text(f'{MAIL}[server]\npublic_host = "sftp.example.org"\n')
    (lakeside / "districts" / "oakdale.toml").write_text(
        'name = "Oakdale"\ntime_zone = "UTC"\nrecipients = ["it@oakdale.example.org"]\nlegacy = true\n'
    )
    operators, lakesides, *oakdales = warned(commands).splitlines()
    assert operators.startswith(f"{lakeside}/rostergate.toml:1: mail.operators: empty, so nobody is told of failed")
    assert lakesides == f"{lakeside}/districts/lakeside.toml: recipients is empty, so nobody there gets mail"
    assert ["cannot log in" in oakdales[0], "server.legacy_port in rostergate.toml is 0" in oakdales[1]] == [True, True]
    assert "warning: " in commands("check").output
