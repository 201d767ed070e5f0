"""Addresses of clients: how they are written, and which of them count as one."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rostergate.config.values import Network

_NETWORK_BITS: Final = 64  # of an IPv6 address: what one customer is given at least (RFC 6177), to use as he likes


def plain(address: str) -> str:
    """Return an address without scope, and an IPv4 address as such where it comes dressed as IPv6."""
    address = address.partition("%")[0]
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def crowd(address: str) -> str:
    """Return what limits count by: an IPv4 address itself, the /64 network of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((parsed, _NETWORK_BITS), strict=False))


def within(address: str, networks: Iterable[Network]) -> bool:
    """Say whether a plain address is in one of the networks; an IPv4 network may be written as mapped into IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    dressed = IPv6Address(f"::ffff:{parsed}") if parsed.version == 4 else parsed  # noqa: PLR2004 - as in IPv4
    return any(parsed in network or dressed in network for network in networks)
