"""Mail: the server that takes it, who is told, and for how long delivery is tried."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from rostergate.config.credential import located, missing_hint
from rostergate.config.section import Section
from rostergate.config.values import Recipient, RecipientOrNone
from rostergate.core.notices import NOBODY, Audience, Kind
from rostergate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PASSWORD_BYTES_MAX = 4_096


class MailSettings(Section):
    """The `[mail]` table."""

    host: Annotated[str, Field(max_length=255)] = ""
    """Empty: no mail is written or sent."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Annotated[str, Field(max_length=320)] = ""
    password_file: Annotated[str, Field(max_length=4_096)] = ""
    """An absolute path, or the name of a credential that systemd loaded."""
    sender: RecipientOrNone = ""
    reply_to: RecipientOrNone = ""
    operators: Annotated[tuple[Recipient, ...], Field(strict=False, max_length=50)] = ()
    leave_out: Annotated[tuple[Annotated[Kind, Field(strict=False)], ...], Field(strict=False)] = ()
    attach_findings: bool = False
    send_seconds_max: Annotated[int, Field(ge=5, le=600)] = 60
    retry_seconds: Annotated[int, Field(ge=1, le=3_600)] = 60
    tries_max: Annotated[int, Field(ge=1, le=100)] = 20
    age_hours_max: Annotated[int, Field(ge=1, le=720)] = 72
    release_code_hours_max: Annotated[int, Field(ge=1, le=720)] = 72
    received_after_minutes: Annotated[int, Field(ge=0, le=720)] = 10
    late_minutes: Annotated[int, Field(ge=0, le=720)] = 60
    silent_days: Annotated[int, Field(ge=1, le=365)] = 4
    forgotten_days: Annotated[int, Field(ge=1, le=3_650)] = 90

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.host and not self.sender:
            raise ValueError("expected sender, the address that mail comes from, because host is set; found none")
        if bool(self.username) != bool(self.password_file):
            raise ValueError("expected username and password_file together, found only one of them")
        if self.username and self.security == "none":
            raise ValueError('expected security "starttls" or "tls" with a username: a password is not sent in clear')
        return self

    @property
    def on(self) -> bool:
        """Whether mail is sent at all."""
        return bool(self.host)

    def audience(self, recipients: Iterable[str] = ()) -> Audience:
        """Return who of a district's recipients and the operators is told of what; nobody where no mail is sent."""
        return Audience(tuple(recipients), frozenset(self.leave_out), self.operators) if self.on else NOBODY

    @property
    def received_after(self) -> timedelta:
        """How long a delivery may take to be decided before its district is told that it was received; 0: no time."""
        return timedelta(minutes=self.received_after_minutes)

    def path(self, environ: Mapping[str, str]) -> Path | None:
        """Return where the password's file is; None where none is needed."""
        return located(self.password_file, environ) if self.password_file else None

    def password(self, environ: Mapping[str, str]) -> str | None:
        """Read the password; None where none is needed. `environ` has systemd's `CREDENTIALS_DIRECTORY`.

        Raises `ConfigError`.
        """
        path = self.path(environ)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                password = file.read(PASSWORD_BYTES_MAX).decode().strip("\r\n")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            hint = missing_hint(self.password_file, environ) or "; the service's user must be able to read it"
            raise ConfigError(f"mail.password_file: {path}: {reason}{hint}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"mail.password_file: {path}: expected UTF-8 text, found other bytes") from error
        if not password:
            raise ConfigError(f"mail.password_file: {path}: expected the account's password, found an empty file")
        return password
