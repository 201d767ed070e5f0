"""The PROXY header, byte by byte."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostergate.gate.proxy import SIGNATURE, BadHeader, missing, source

BYTES_MAX = 1_024


def version_2(
    command: int = 0x21, kind: int = 0x11, addresses: bytes = bytes([192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 3, 4])
) -> bytes:
    """Return a header of version 2."""
    return SIGNATURE + bytes([command, kind]) + len(addresses).to_bytes(2, "big") + addresses


V6 = IPv6Address("2001:db8::7").packed + IPv6Address("::1").packed + bytes(4)
GOOD = {
    "version 1, IPv4": (b"PROXY TCP4 192.0.2.7 10.0.0.1 40000 2222\r\n", "192.0.2.7"),
    "version 1, IPv6": (b"PROXY TCP6 2001:db8::7 ::1 0 65535\r\n", "2001:db8::7"),
    "version 1, longest": (
        b"PROXY TCP6 " + b" ".join([b"ffff:" * 7 + b"ffff"] * 2) + b" 65535 65535\r\n",
        "ffff:" * 7 + "ffff",
    ),
    "version 1, unknown": (b"PROXY UNKNOWN\r\n", None),
    "version 1, unknown with more": (b"PROXY UNKNOWN ffff::1 ::1 1 2\r\n", None),
    "version 2, IPv4": (version_2(), "192.0.2.7"),
    "version 2, IPv6": (version_2(kind=0x21, addresses=V6), "2001:db8::7"),
    "version 2, with more after the addresses": (version_2(kind=0x21, addresses=V6 + bytes(200)), "2001:db8::7"),
    "version 2, local": (version_2(command=0x20), None),
    "version 2, local without addresses": (version_2(command=0x20, kind=0, addresses=b""), None),
    "version 2, unspecified": (version_2(kind=0x00, addresses=b""), None),
}
BAD = {
    "SSH": b"SSH-2.0-OpenSSH_9.9\r\n",
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
    "version 1, small letters": b"proxy tcp4 192.0.2.7 10.0.0.1 1 2\r\n",
    "version 1, another family": b"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n",
    "version 1, address of the other family": b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
    "version 1, no address": b"PROXY TCP4 localhost 10.0.0.1 1 2\r\n",
    "version 1, address with a zone": b"PROXY TCP4 192.0.2.7%eth0 10.0.0.1 1 2\r\n",
    "version 1, leading zero": b"PROXY TCP4 192.0.2.07 10.0.0.1 1 2\r\n",
    "version 1, port too large": b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 2\r\n",
    "version 1, port with a sign": b"PROXY TCP4 192.0.2.7 10.0.0.1 +1 2\r\n",
    "version 1, a field too many": b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3\r\n",
    "version 1, two blanks": b"PROXY  TCP4 192.0.2.7 10.0.0.1 1 2\r\n",
    "version 1, not ASCII": "PROXY TCP4 192.0.2.\u0667 10.0.0.1 1 2\r\n".encode(),
    "version 1, without an end": b"PROXY TCP4 " + b"1" * 200,
    "version 2, version 3": version_2(command=0x31),
    "version 2, unknown command": version_2(command=0x22),
    "version 2, UDP": version_2(kind=0x12),
    "version 2, a local socket": version_2(kind=0x31, addresses=bytes(216)),
    "version 2, too short for IPv6": version_2(kind=0x21),
    "version 2, longer than is taken": version_2(addresses=bytes(BYTES_MAX)),
}


def read(stream: bytes, piece: int = BYTES_MAX) -> tuple[str | None, bytes]:
    """Read a header as the entrance does, at most `piece` bytes at a time; return the source and what is left."""
    header = b""
    while lacking := missing(header, BYTES_MAX):
        more = stream[len(header) :][: min(lacking, piece)]
        if not more:
            raise EOFError
        header += more
    return source(header), stream[len(header) :]


@pytest.mark.parametrize(("header", "address"), GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("piece", [1, 7, BYTES_MAX])
def test_good(header: bytes, address: str | None, piece: int) -> None:
    """A header gives its source, and what stands behind it is left for SSH, in however many pieces it arrives."""
    assert read(header + b"SSH-2.0-client\r\n", piece) == (address, b"SSH-2.0-client\r\n")


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_bad(header: bytes) -> None:
    """What is not exactly a header is refused."""
    with pytest.raises(BadHeader):
        read(header + b"SSH-2.0-client\r\n")


@given(st.binary(max_size=300))
def test_anything_is_a_header_or_none(stream: bytes) -> None:
    """Whatever arrives, it is read to an end, refused or waited for; nothing else can happen."""
    for start in (b"", b"PROXY ", SIGNATURE, SIGNATURE + b"\x21"):
        try:
            address, left = read(start + stream)
        except (BadHeader, EOFError):
            continue
        assert address is None or ip_address(address)
        assert (start + stream).endswith(left)


@given(st.ip_addresses(v=4), st.ip_addresses(v=6), st.binary(max_size=100))
def test_both_versions_say_the_same(four: IPv4Address, six: IPv6Address, rest: bytes) -> None:
    """Every address comes back from either version, whatever follows."""
    for family, kind, address in (("TCP4", 0x11, four), ("TCP6", 0x21, six)):
        line = f"PROXY {family} {address} {address} 1 2\r\n".encode()
        packed = version_2(kind=kind, addresses=address.packed * 2 + bytes(4))
        assert read(line + rest) == read(packed + rest) == (str(address), rest)
