from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from rostergate.config.mail import MailSettings
from rostergate.core.notices import NOBODY, Kind
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

IT = "it@example.org"
USUAL = {"host": "mail.example.org", "sender": "roster@example.org"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param({"host": "mail.example.org"}, "expected sender", id="a server without a sender"),
        pytest.param({**USUAL, "username": "x"}, "username and password_file together", id="a user without a password"),
        pytest.param(
            {**USUAL, "username": "x", "password_file": "y", "security": "none"}, "in clear", id="a password in clear"
        ),
        pytest.param({"sender": "Roster <roster@example.org>"}, "e-mail address", id="a sender with a name"),
        pytest.param({"leave_out": ["helds"]}, "leave_out", id="a kind that does not exist"),
    ],
)
def test_what_cannot_be_sent_is_refused(values: dict[str, Any], said: str) -> None:
    """The daemon does not start with mail that could never go out."""
    with pytest.raises(ValidationError, match=said):
        MailSettings.model_validate(values)


def test_nobody_is_told_without_a_server() -> None:
    """With one, everybody is, save of the kinds that are left out."""
    assert MailSettings().audience([IT]) is NOBODY
    audience = MailSettings.model_validate({**USUAL, "leave_out": ["received"]}).audience([IT])
    assert (audience.of(Kind.HELD), audience.of(Kind.RECEIVED)) == ((IT,), ())


def test_a_password_is_read_from_its_file(tmp_path: Path) -> None:
    """By an absolute path, or by the name of a credential that systemd has loaded; a line end does not count."""
    (tmp_path / "smtp").write_text("secret\n")
    by_name = MailSettings.model_validate({**USUAL, "username": "x", "password_file": "smtp"})
    by_path = by_name.model_copy(update={"password_file": str(tmp_path / "smtp")})
    assert by_name.password({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "secret"
    assert by_path.password({}) == "secret"
    assert MailSettings().password({}) is None


def test_a_password_that_cannot_be_read_names_key_and_file(tmp_path: Path) -> None:
    """A missing file and one that is no text say so."""
    missing = MailSettings.model_validate({**USUAL, "username": "x", "password_file": str(tmp_path / "no")})
    with pytest.raises(ConfigError, match=r"mail\.password_file: .*no: no such file"):
        missing.password({})
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"mail\.password_file: .*bytes: expected UTF-8"):
        missing.model_copy(update={"password_file": str(tmp_path / "bytes")}).password({})
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match=r"mail\.password_file: .*empty: .* found an empty file"):
        missing.model_copy(update={"password_file": str(tmp_path / "empty")}).password({})
    with pytest.raises(ConfigError, match=r"/run/credentials/rostergate\.service/smtp: .*while it runs"):
        missing.model_copy(update={"password_file": "smtp"}).password({})
