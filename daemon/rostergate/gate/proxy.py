"""The PROXY protocol, version 1 and 2: how a balancer tells whom a connection comes from.

Source: "The PROXY protocol", versions 1 & 2, doc/proxy-protocol.txt of HAProxy (2020/03/05), sections 2.1 and 2.2.

Rule 1: pure. The caller reads; `missing` says how many bytes it may read without taking any that belong to SSH.
Rule 2: strict. What is not exactly as the document has it is no header, and its connection is refused.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"  # of version 2
LINE_BYTES_MAX: Final = 107  # of version 1, its end included
_FIRST: Final = b"PROXY "  # of version 1
_LINE_BYTES_MIN: Final = len(b"PROXY UNKNOWN\r\n")
_FIXED_BYTES: Final = 16  # of version 2: signature, version and command, family and protocol, length of the rest
_LOCAL, _PROXY = 0x20, 0x21  # version 2 in the high half
_UNSPECIFIED, _TCP4, _TCP6 = 0x00, 0x11, 0x21
_ADDRESSES_BYTES: Final = {_TCP4: 12, _TCP6: 36}  # two addresses and two ports
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,4}")
_PORT_MAX: Final = 65_535


class BadHeader(ValueError):  # noqa: N818 - it names what was found
    """This is no PROXY header; the text says why, without what was sent."""


class HeaderTooLong(BadHeader):
    """The header is longer than is taken."""


def missing(header: bytes, bytes_max: int) -> int:
    """Return how many bytes the header lacks at least, 0 when it is whole. Raises `BadHeader`.

    `header` is what was read so far, never more than the header itself; `bytes_max` bounds the whole.
    """
    if SIGNATURE.startswith(header[: len(SIGNATURE)]):
        if len(header) < _FIXED_BYTES:
            # Before the first byte it may be either version, and the shortest line is longer than the signature.
            return (_FIXED_BYTES if header else len(SIGNATURE)) - len(header)
        whole = _FIXED_BYTES + int.from_bytes(header[14:16], "big")
        if whole > bytes_max:
            raise HeaderTooLong(f"{whole} bytes")
        return whole - len(header)
    if not _FIRST.startswith(header[: len(_FIRST)]):
        raise BadHeader("neither version 1 nor version 2")
    if header.endswith(b"\r\n"):
        return 0
    if len(header) >= min(LINE_BYTES_MAX, bytes_max):
        raise BadHeader("a line without an end")
    return max(1, _LINE_BYTES_MIN - len(header))


def source(header: bytes) -> str | None:
    """Return the address a whole header names as the source; None when the balancer speaks for itself.

    It does so in its own health checks (LOCAL in version 2) and where it does not know (UNKNOWN). Raises `BadHeader`.
    """
    if header.startswith(SIGNATURE):
        return _of_version_2(header)
    return _of_version_1(header)


def _of_version_1(header: bytes) -> str | None:
    try:
        fields = header.removesuffix(b"\r\n").decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise BadHeader("not in ASCII") from None
    if fields[:2] == ["PROXY", "UNKNOWN"]:
        return None
    if len(fields) != 6 or fields[0] != "PROXY":  # noqa: PLR2004 - the line's six fields
        raise BadHeader("not six fields")
    _, family, source_text, destination_text, *ports = fields
    if not all(_NUMBER.fullmatch(port) and int(port) <= _PORT_MAX for port in ports):
        raise BadHeader("a port that is none")
    kind = {"TCP4": IPv4Address, "TCP6": IPv6Address}.get(family)
    if kind is None:
        raise BadHeader("neither TCP4, TCP6 nor UNKNOWN")
    try:
        kind(destination_text)
        return str(kind(source_text))
    except AddressValueError:
        raise BadHeader("an address that is none") from None


def _of_version_2(header: bytes) -> str | None:
    command, kind = header[12], header[13]
    if command not in {_LOCAL, _PROXY}:
        raise BadHeader("an unknown version or command")
    if command == _LOCAL or kind == _UNSPECIFIED:
        return None
    if kind not in _ADDRESSES_BYTES:
        raise BadHeader("not over TCP")
    if len(header) < _FIXED_BYTES + _ADDRESSES_BYTES[kind]:
        raise BadHeader("addresses that are cut off")
    if kind == _TCP4:
        return str(IPv4Address(header[16:20]))
    return str(IPv6Address(header[16:32]))
