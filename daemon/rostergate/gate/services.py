"""What the gate needs from the rest of the house, and what it knows of one visitor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from rostergate.config.district import District, UploadLimits
    from rostergate.config.settings import Settings
    from rostergate.spool.folders import Area, Spool
    from rostergate.spool.inbox import Inboxes


class Lookup(Protocol):
    """Where districts are found, always in their last good version."""

    def get(self, slug: str, /) -> District | None:
        """Return the district, or None."""
        ...


@dataclass(frozen=True, slots=True)
class LegacyLogin:
    """What a client of the legacy port said of itself and agreed to. Its own words, so at most fit for a table."""

    client: str  # its version line without "SSH-2.0-"
    cipher: str
    mac: str


@dataclass(frozen=True, slots=True)
class Footing:
    """Where a district stands with the house."""

    refusal: str | None
    """Why it may not upload now, in words for the district; None when it may."""
    delivered: Mapping[str, tuple[int, datetime]]
    """The files of its latest delivery: name -> (bytes, when the upload began)."""


@dataclass(frozen=True, slots=True)
class Services:
    """The rest of the house, as far as the gate needs it."""

    settings: Settings
    districts: Lookup
    spool: Spool
    inboxes: Inboxes
    now: Callable[[], datetime]
    """The time, aware."""
    password_hash: Callable[[str], Awaitable[str | None]]
    """District -> its argon2id hash, or None. Asked for names that are no district, too."""
    password_costs: Callable[[], Awaitable[Sequence[str]]]
    """The hashes of all passwords: what they cost is what a name that is no district must cost as well."""
    renew_password: Callable[[str, str, str], Awaitable[bool]]
    """Told of a hash of today's cost for the same password: district, old hash, new hash. Says whether it was taken."""
    footing: Callable[[str], Awaitable[Footing]]
    """District -> where it stands. Asked before every upload and for every listing, so it had better be quick."""
    on_refusal: Callable[[str, Area, str, str], Awaitable[None]]
    """Told of every refusal: district, area, the name that was used (printable), the reason."""
    on_legacy: Callable[[str, LegacyLogin], Awaitable[None]]
    """Told of every login on the legacy port: the district, and what its client is."""
    room: Callable[[], str | None]
    """Why nothing more can be taken at the moment, in words for the district, or None. Asked for every packet."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is connected, once logged in."""

    district: District
    address: str
    limits: UploadLimits
    wanted: frozenset[str]
    """The file names that count."""
    readme: bytes
