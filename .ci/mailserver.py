#!/usr/bin/env python3
"""The mail server of README's example, smtp.example.org, for a throwaway system: takes mail after STARTTLS and a login.

Needs Debian's python3-aiosmtpd, openssl and ca-certificates, and root: it makes itself a certificate that the system
trusts. Writes each message into the folder that is named, as 1.eml, 2.eml, ...; runs until it is ended.
"""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

NAME, PORT = "smtp.example.org", 587
USERNAME, PASSWORD = b"rostergate", b"the password of the mail server"
TRUSTED = Path("/usr/local/share/ca-certificates/trial.crt")


class Letterbox:
    """Keeps what is taken, message by message."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a message."""
        self.count += 1
        (self.folder / f"{self.count}.eml").write_bytes(envelope.original_content or b"")
        return "250 taken"


def certificate() -> ssl.SSLContext:
    """Make a certificate for the server's name and let the system trust it."""
    key = TRUSTED.with_suffix(".key")
    named = f"-subj /CN={NAME} -addext subjectAltName=DNS:{NAME} -keyout {key} -out {TRUSTED}"
    subprocess.run(f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 {named}".split(), check=True)  # noqa: S603
    subprocess.run(["update-ca-certificates"], check=True)  # noqa: S607
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TRUSTED, key)
    return context


def logged_in(_: SMTP, __: Session, ___: Envelope, ____: str, given: object) -> AuthResult:
    """Let in whoever has the password."""
    known = isinstance(given, LoginPassword) and (given.login, given.password) == (USERNAME, PASSWORD)
    return AuthResult(success=known)


if __name__ == "__main__":
    letters = Path(sys.argv[1])
    letters.mkdir(parents=True, exist_ok=True)
    Controller(
        Letterbox(letters),
        hostname="127.0.0.1",
        port=PORT,
        tls_context=certificate(),
        require_starttls=True,
        authenticator=logged_in,
        auth_required=True,
    ).start()
    threading.Event().wait()
