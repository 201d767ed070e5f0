"""The kinds of value a district's file has: each checked where it is read, each error saying what was expected.

Rule: an error repeats what was found, except where it could be a secret.
"""

from __future__ import annotations

import contextlib
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, TypeAlias

import phonenumbers
from pydantic import AfterValidator, BeforeValidator

from rostergate.config import zones
from rostergate.config.wording import PRIVATE, did_you_mean, shown
from rostergate.core import catalogue

Network: TypeAlias = IPv4Network | IPv6Network

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
SLUG_RULE: Final = "1 to 32 of a-z, 0-9 and -, the first not a -"
RSA_BITS_MIN: Final = 2048
# One mailbox, without a display name: what stands in a message's To, so no space and no line end can be in it.
_MAILBOX: Final = re.compile(
    r"[^\s@<>,;:\"()\[\]\\]{1,64}@(?=.{1,255}\Z)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]{2,63}"
)
# sshd(8), AUTHORIZED_KEYS FILE FORMAT: options, without spaces save within double quotes, then the key.
_QUOTED: Final = re.compile(r'"(?:\\.|[^"\\])*"')
_OPTIONS: Final = re.compile(rf'(?P<options>(?:{_QUOTED.pattern}|[^"\s])+)\s+(?P<key>.+)')
# Python codecs that are no encodings of a file, although Python calls them text encodings.
_NO_FILE_ENCODINGS: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})


def is_slug(text: str) -> bool:
    """Say whether this can name a district."""
    return SLUG.fullmatch(text) is not None


def is_mailbox(text: str) -> bool:
    """Say whether this is one e-mail address, without a display name."""
    return _MAILBOX.fullmatch(text) is not None


def _time_zone(name: str) -> str:
    names = zones.names(including=name)
    if name not in names:
        raise ValueError(
            f"expected a time zone's IANA name such as America/Chicago, found {shown(name)}{did_you_mean(name, names)}"
        )
    zones.zone(name)
    return name


def _format(name: str) -> str:
    names = ["auto", *sorted(catalogue.formats())]
    if name not in names:
        raise ValueError(f"expected one of {', '.join(names)}, found {shown(name)}{did_you_mean(name, names)}")
    return name


def _encoding(name: str) -> str:
    expected = f"expected a text encoding that Python knows, such as utf-8 or cp1252, found {shown(name)}"
    try:
        "student_id".encode(name)
    except (LookupError, ValueError):
        raise ValueError(expected) from None
    if name.lower().replace("_", "-") in _NO_FILE_ENCODINGS:
        raise ValueError(expected)
    return name


def _phone_region(name: str) -> str:
    if name not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"expected a region's two capital letters (ISO 3166-1) such as US, found {shown(name)}")
    return name


def _recipient(text: str) -> str:
    if not is_mailbox(text):
        raise ValueError(f"expected an e-mail address such as it@example.org, found {shown(text)}")
    return text


def _network(value: object) -> Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    expected = "expected an address or a network such as 203.0.113.7 or 203.0.113.0/24"
    if not isinstance(value, str):
        raise ValueError(f"{expected}, found {shown(value)}")  # noqa: TRY004 - pydantic collects ValueErrors only
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        meant = f"; did you mean {ip_network(value, strict=False)}?"
    except ValueError:
        meant = ""
    raise ValueError(f"{expected}, found {shown(value)}{meant}")


def _authorized_key(line: str) -> str:
    if any(mark in line for mark in PRIVATE):
        raise ValueError(
            "expected a public key, found a private one, which must not stand here and should be replaced: "
            "it is no longer secret"
        )
    line = line.strip()
    expected = "expected one line of an OpenSSH public key file such as 'ssh-ed25519 AAAAC3... name'"
    if "\n" in line or "\r" in line:
        raise ValueError(f"{expected}, found several lines")
    import asyncssh  # noqa: PLC0415 - it would slow down every command, and only keys need it

    try:
        key = asyncssh.import_public_key(line)
    except asyncssh.KeyImportError:
        raise ValueError(f"{expected}, found {_no_key(line)}") from None
    algorithm = key.get_algorithm()
    if algorithm == "ssh-dss":
        raise ValueError("expected an ed25519, ECDSA or RSA key, found a DSA key")
    bits = getattr(key.pyca_key, "key_size", None) if algorithm == "ssh-rsa" else None
    if bits is not None and bits < RSA_BITS_MIN:
        raise ValueError(f"expected an RSA key of at least {RSA_BITS_MIN} bits, found one of {bits}")
    return line


def _no_key(line: str) -> str:
    """Say what a line is that is no public key by itself. Of options the names are told, which are no secret."""
    import asyncssh  # noqa: PLC0415 - as in `_authorized_key`

    with contextlib.suppress(asyncssh.KeyImportError):
        asyncssh.import_certificate(line)
        return "a certificate; put the key itself here, from the file without -cert in its name"
    if split := _OPTIONS.fullmatch(line):
        with contextlib.suppress(asyncssh.KeyImportError):
            asyncssh.import_public_key(split["key"])
            names = [one.partition("=")[0] for one in _QUOTED.sub("", split["options"]).split(",")]
            addresses = ", and list the addresses in allowed_addresses" if "from" in names else ""
            return f"options before the key ({', '.join(names)}), which are not followed; take them away{addresses}"
    return "something else"


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError(f"expected one line of text, found {shown(text)}")
    return text


OneLine = Annotated[str, AfterValidator(_one_line)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
FormatName = Annotated[str, AfterValidator(_format)]
Encoding = Annotated[str, AfterValidator(_encoding)]
PhoneRegion = Annotated[str, AfterValidator(_phone_region)]
Recipient = Annotated[str, AfterValidator(_recipient)]
RecipientOrNone = Annotated[str, AfterValidator(lambda text: text and _recipient(text))]
"""A mailbox, or nothing."""
AllowedNetwork = Annotated[Network, BeforeValidator(_network)]
AuthorizedKey = Annotated[str, AfterValidator(_authorized_key)]
