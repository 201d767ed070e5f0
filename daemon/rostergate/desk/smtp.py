"""SMTP: hands one message to the mail server, and says whether trying again can help when it is not taken."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final

import aiosmtplib

from rostergate.errors import RostergateError

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Self

    from rostergate.config.mail import MailSettings
    from rostergate.desk.letters import Letter

REASON_CHARS_MAX: Final = 300
NOT_ASCII: Final = (
    "the address has other letters than ASCII's, and this mail server takes no such address (SMTPUTF8); "
    "use another address of that person, or write its domain as xn--... where only the domain has them"
)
_PERMANENT: Final = 500  # RFC 5321, section 4.2.1: 5yz replies are not to be tried again


class NotTaken(RostergateError):  # noqa: N818 - it names what happened
    """The mail server did not take the message; it is tried again later."""

    permanent = False


class NeverTaken(NotTaken):
    """The mail server refuses this message or this recipient for good."""

    permanent = True


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who a message is from and for, and how it is known again."""

    sender: str
    recipient: str
    reply_to: str
    message_id: str
    """Without brackets. The same whenever the same mail is sent: a server that took it twice can tell."""
    at: datetime


def message(letter: Letter, envelope: Envelope, findings_csv: str | None = None) -> EmailMessage:
    """Return the message: text, HTML beside it, and findings.csv attached where it is given."""
    made = EmailMessage()
    made["Subject"] = letter.subject
    made["From"] = envelope.sender
    made["To"] = envelope.recipient
    if envelope.reply_to:
        made["Reply-To"] = envelope.reply_to
    made["Date"] = format_datetime(envelope.at)
    made["Message-ID"] = f"<{envelope.message_id}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note shall answer it
    made.set_content(letter.text)
    made.add_alternative(letter.html, subtype="html")
    if findings_csv is not None:
        made.add_attachment(findings_csv.encode(), maintype="text", subtype="csv", filename="findings.csv")
    return made


class Postman:
    """One conversation with the mail server, for as many messages as there are. An async context.

    Rule: a message that failed never spoils the next one: the conversation is begun again.
    """

    def __init__(self, settings: MailSettings, password: str | None, *, trust: ssl.SSLContext | None = None) -> None:
        """`trust`: whose certificates are believed; None: those of the system."""
        self._settings = settings
        self._password = password
        self._trust = trust or ssl.create_default_context()
        self._server: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        """Begin; the server is called with the first message."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Say goodbye."""
        self._hang_up()

    async def send(self, made: EmailMessage) -> None:
        """Hand one message over. Raises `NotTaken`, `NeverTaken`."""
        try:
            # aiosmtplib bounds each answer of the server; a slow one could go on for ever.
            async with asyncio.timeout(self._settings.send_seconds_max):
                server = await self._called()
                await self._hand_over(server, made)
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            self._hang_up()
            raise _refused(error) from error
        except NeverTaken:
            self._hang_up()
            raise
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            hint = _hint(error, self._settings.security) if self._server is None else ""
            self._hang_up()
            raise NotTaken(f"{_reason(error)}{hint}"[:REASON_CHARS_MAX]) from error

    @staticmethod
    async def _hand_over(server: aiosmtplib.SMTP, made: EmailMessage) -> None:
        try:
            await server.send_message(made)
        except aiosmtplib.SMTPNotSupported as error:
            if made["To"].isascii():  # then it is the sender's address, which the operator can change
                raise
            raise NeverTaken(NOT_ASCII) from error

    async def _called(self) -> aiosmtplib.SMTP:
        if self._server is not None:
            return self._server
        settings = self._settings
        server = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.send_seconds_max,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=self._trust if settings.security != "none" else None,
            username=settings.username or None,
            password=self._password,
        )
        await server.connect()
        self._server = server
        return server

    def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


def _refused(error: aiosmtplib.SMTPRecipientsRefused | aiosmtplib.SMTPDataError) -> NotTaken:
    answers = error.recipients if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else [error]
    kind = NeverTaken if all(one.code >= _PERMANENT for one in answers) else NotTaken
    return kind("; ".join(f"{one.code} {_line(one.message)}" for one in answers)[:REASON_CHARS_MAX])


def _hint(error: Exception, security: str) -> str:
    """Return what to change where a conversation did not begin as `mail.security` says; empty where it may have."""
    if security == "tls" and "WRONG_VERSION_NUMBER" in f"{error} {error.__cause__}":
        return '; the port does not begin with TLS: set mail.security to "starttls" (usually port 587), or another port'
    if security == "starttls" and "STARTTLS extension not supported" in str(error):
        return ' Set mail.security to "tls" and the port to one for it (465), or to "none" where nobody can listen.'
    if security != "tls" and isinstance(error, TimeoutError):
        return '; a port that begins with TLS, as 465 does, needs "tls" as mail.security'
    return ""


def _reason(error: Exception) -> str:
    said = getattr(error, "message", None) or str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        said = "the mail server did not answer in time (mail.send_seconds_max)"
    elif isinstance(error, aiosmtplib.SMTPServerDisconnected):
        said = f"the mail server ended the conversation: {said}"
    if error.__cause__ is not None and str(error.__cause__) not in said:
        said = f"{said} {error.__cause__!s}"  # why a connection was not made
    code = getattr(error, "code", None)
    return (f"{code} {_line(said)}" if code else _line(said))[:REASON_CHARS_MAX]


def _line(said: str) -> str:
    """Return what was said as one line that can be stored: a server's answer may be in any encoding."""
    return " ".join("".join(char if char.isprintable() or char.isspace() else "?" for char in said).split())
