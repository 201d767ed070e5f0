"""A real mail server for the tests, on a free port of loopback, that takes, refuses, dawdles or dies as it is told."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
import warnings
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from email.message import EmailMessage

    import trustme
    from aiosmtpd.smtp import Envelope, LoginPassword, Session

SENDER = "roster@platform.example"


@dataclass
class Mailbox:
    """What the server was given, and how it answers from now on."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    rcpt_answer: str = "250 OK"
    rcpt_refused: set[str] = field(default_factory=set)
    """Recipients that it does not know."""
    data_answer: str = "250 OK"
    deaf: bool = False
    """Whether it takes a message and never answers."""
    dying: bool = False
    """Whether it ends the connection instead of an answer."""
    encrypted: list[bool] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    connections: int = 0

    # aiosmtpd looks these up by name.

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> bytes:
        """Answer to a recipient."""
        if address in self.rcpt_refused:
            return b"550 5.1.1 no such user"
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer.encode("latin-1")

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer to a message."""
        if self.deaf:
            await asyncio.Event().wait()
        if self.dying:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
            return "421 gone"
        assert isinstance(envelope.content, bytes)
        if self.data_answer.startswith("250"):
            made: Any = message_from_bytes(envelope.content, policy=policy.default)
            self.messages.append(made)
            self.recipients += envelope.rcpt_tos
            assert server.transport is not None
            self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.data_answer


@asynccontextmanager
async def mail_server(
    *, security: str = "none", authority: trustme.CA | None = None, password: bytes | None = None
) -> AsyncIterator[Mailbox]:
    """Give a mail server on loopback; `security` as in the settings."""
    box = Mailbox()
    trust = None
    if authority is not None:
        trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1").configure_cert(trust)

    def checked(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, said: LoginPassword) -> AuthResult:
        box.logins.append((said.login, said.password))
        return AuthResult(success=said.password == password, handled=False)

    def conversation() -> SMTP:
        box.connections += 1
        with warnings.catch_warnings():
            # It warns of a login without STARTTLS, and does not see that it was encrypted from the start.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                box,
                hostname="mail.test",
                tls_context=trust if security == "starttls" else None,
                require_starttls=security == "starttls",
                authenticator=checked if password else None,
                auth_required=password is not None,
                auth_require_tls=security == "starttls",
            )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(conversation, "127.0.0.1", 0, ssl=trust if security == "tls" else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@contextmanager
def mail_server_beside() -> Iterator[Mailbox]:
    """Give a mail server that works in a thread of its own, beside a test that waits for other processes."""
    given: queue.SimpleQueue[tuple[Mailbox, asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        async with mail_server() as box:
            end = asyncio.Event()
            given.put((box, asyncio.get_running_loop(), end))
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    box, loop, end = given.get(timeout=60)
    try:
        yield box
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
