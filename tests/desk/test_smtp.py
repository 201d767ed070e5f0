from __future__ import annotations

import socket
import ssl
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from mailing import SENDER, mail_server
from rostergate.config.mail import MailSettings
from rostergate.desk.letters import Letter
from rostergate.desk.smtp import REASON_CHARS_MAX, Envelope, NeverTaken, NotTaken, Postman, message

if TYPE_CHECKING:
    from email.message import EmailMessage

    from mailing import Mailbox

LETTER = Letter("Señor Lincoln: 3 changes", "Text, é\n", "<p>HTML, é</p>\n")
ENVELOPE = Envelope(
    SENDER,
    "it@lincoln.example.org",
    "help@platform.example",
    "mail.7@platform.example",
    datetime(2026, 9, 1, tzinfo=UTC),
)


def settings(box: Mailbox, **rest: Any) -> MailSettings:
    """Return settings that point at the server."""
    return MailSettings(**{"host": "127.0.0.1", "port": box.port, "security": "none", "sender": SENDER, **rest})


def a_message() -> EmailMessage:
    """Return a message as the post makes it."""
    return message(LETTER, ENVELOPE, "severity,code\n")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority that nobody but the tests trusts."""
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Return the trust in one authority."""
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return trust


async def test_a_message_arrives_as_it_was_made() -> None:
    """Both forms, the attachment, and the headers that mark it as automatic and name it for good."""
    async with mail_server() as box, Postman(settings(box), None) as postman:
        await postman.send(a_message())
    (made,) = box.messages
    assert box.recipients == ["it@lincoln.example.org"]
    assert made["Subject"] == LETTER.subject
    assert (made["From"], made["To"], made["Reply-To"]) == (SENDER, "it@lincoln.example.org", "help@platform.example")
    assert made["Message-ID"] == "<mail.7@platform.example>"
    assert made["Auto-Submitted"] == "auto-generated"
    text, html = made.get_body(("plain",)), made.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().replace("\r\n", "\n") == LETTER.html
    assert [one.get_filename() for one in made.iter_attachments()] == ["findings.csv"]


async def test_one_conversation_carries_several_messages() -> None:
    """The server is called once for all that there is to send."""
    async with mail_server() as box, Postman(settings(box), None) as postman:
        for _ in range(3):
            await postman.send(a_message())
    assert (len(box.messages), box.connections) == (3, 1)


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_password_is_only_said_under_encryption(authority: trustme.CA, security: str) -> None:
    """With either kind of TLS the server sees the login and the message, both encrypted."""
    async with mail_server(security=security, authority=authority, password=b"secret") as box:
        known = settings(box, security=security, username="roster", password_file="smtp")
        async with Postman(known, "secret", trust=trusting(authority)) as postman:
            await postman.send(a_message())
    assert box.logins == [(b"roster", b"secret")]
    assert box.encrypted == [True]


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_server_that_nobody_vouches_for_gets_nothing(authority: trustme.CA, security: str) -> None:
    """An unknown certificate ends the conversation before the password is said; it is tried again later."""
    async with mail_server(security=security, authority=authority, password=b"secret") as box:
        known = settings(box, security=security, username="roster", password_file="smtp")
        async with Postman(known, "secret") as postman:
            with pytest.raises(NotTaken, match=r"(?i)certificate") as caught:
                await postman.send(a_message())
    assert not caught.value.permanent
    assert (box.logins, box.messages) == ([], [])


async def test_a_server_without_starttls_gets_nothing() -> None:
    """Encryption that was asked for is not done without."""
    async with mail_server() as box, Postman(settings(box, security="starttls"), None) as postman:
        with pytest.raises(NotTaken, match="STARTTLS"):
            await postman.send(a_message())
    assert box.messages == []


async def test_a_wrong_password_is_tried_again(authority: trustme.CA) -> None:
    """It is the operator's to mend, and loses no mail."""
    async with mail_server(security="tls", authority=authority, password=b"secret") as box:
        known = settings(box, security="tls", username="roster", password_file="smtp")
        async with Postman(known, "wrong", trust=trusting(authority)) as postman:
            with pytest.raises(NotTaken, match="535") as caught:
                await postman.send(a_message())
    assert not caught.value.permanent


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        pytest.param({"rcpt_answer": "550 5.1.1 no such user"}, NeverTaken, id="nobody of that name"),
        pytest.param({"rcpt_answer": "450 4.2.0 greylisted"}, NotTaken, id="come again later"),
        pytest.param({"data_answer": "554 5.7.1 looks like spam"}, NeverTaken, id="the message refused"),
        pytest.param({"data_answer": "452 4.3.1 disk full"}, NotTaken, id="no room for it now"),
    ],
)
async def test_a_refusal_says_whether_trying_again_can_help(answers: dict[str, str], error: type[NotTaken]) -> None:
    """5yz is for good, 4yz for now, and the reason is the server's."""
    async with mail_server() as box, Postman(settings(box), None) as postman:
        vars(box).update(answers)
        with pytest.raises(NotTaken, match=next(iter(answers.values()))[:3]) as caught:
            await postman.send(a_message())
        assert type(caught.value) is error
        box.rcpt_answer = box.data_answer = "250 OK"
        await postman.send(a_message())
    assert len(box.messages) == 1


@pytest.mark.parametrize("recipient", ["müller@lincoln.example.org", "it@schule-müller.example"])
async def test_an_address_that_the_server_cannot_take_is_given_up(recipient: str) -> None:
    """Without SMTPUTF8 no try will ever take it; the next message goes all the same."""
    async with mail_server() as box, Postman(settings(box), None) as postman:
        with pytest.raises(NeverTaken, match="SMTPUTF8"):
            await postman.send(message(LETTER, replace(ENVELOPE, recipient=recipient)))
        await postman.send(a_message())
    assert box.recipients == [ENVELOPE.recipient]


@pytest.mark.parametrize(
    ("spoken", "security", "hint"),
    [
        ("none", "tls", 'set mail.security to "starttls"'),
        ("none", "starttls", 'Set mail.security to "tls"'),
        ("tls", "starttls", 'needs "tls" as mail.security'),
        ("tls", "none", 'needs "tls" as mail.security'),
    ],
)
async def test_a_port_of_another_kind_is_told(authority: trustme.CA, spoken: str, security: str, hint: str) -> None:
    """Whoever took the port of one kind for the other reads which setting to change, not what OpenSSL calls it."""
    async with mail_server(security=spoken, authority=authority) as box:
        known = settings(box, security=security).model_copy(update={"send_seconds_max": 1})
        async with Postman(known, None) as postman:
            with pytest.raises(NotTaken, match=hint) as caught:
                await postman.send(a_message())
    assert not caught.value.permanent
    assert len(str(caught.value)) < REASON_CHARS_MAX


async def test_a_server_that_dies_is_tried_again() -> None:
    """It went in the middle of a message; the next message calls it anew."""
    async with mail_server() as box, Postman(settings(box), None) as postman:
        box.dying = True
        with pytest.raises(NotTaken, match="ended the conversation"):
            await postman.send(a_message())
        box.dying = False
        await postman.send(a_message())
    assert (len(box.messages), box.connections) == (1, 2)


async def test_a_server_that_never_answers_is_left() -> None:
    """A message takes no longer than the settings allow."""
    async with mail_server() as box:
        known = settings(box).model_copy(update={"send_seconds_max": 0.3})
        box.deaf = True
        async with Postman(known, None) as postman:
            with pytest.raises(NotTaken, match="did not answer in time"):
                await postman.send(a_message())


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    """Nobody listens on the port; that is said once."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        known = MailSettings(host="127.0.0.1", port=taken.getsockname()[1], security="none", sender=SENDER)
        async with Postman(known, None) as postman:
            with pytest.raises(NotTaken) as caught:
                await postman.send(a_message())
    assert 0 < len(str(caught.value)) <= REASON_CHARS_MAX
    assert str(caught.value).count("Connect call failed") == 1
