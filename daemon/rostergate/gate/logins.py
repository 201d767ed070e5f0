"""Logins: who may log in, and whether what let somebody in still does.

Rule: a district that is disabled, removed, limited to other addresses, or given another password or key is logged out,
wherever it is logged in: at a reload at once, and otherwise within `LOOK_SECONDS`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import asyncssh
import structlog

from rostergate import journal
from rostergate.errors import RostergateError
from rostergate.gate.addresses import within

if TYPE_CHECKING:
    from collections.abc import Collection

    from rostergate.config.district import District
    from rostergate.gate.door import Door
    from rostergate.gate.limits import Seldom
    from rostergate.gate.passwords import Passwords
    from rostergate.gate.services import Services

_log = structlog.get_logger()
LOOK_SECONDS: Final = 30.0
"""So often it is looked whether a password was changed, which happens in another process."""


class Logins:
    """What the doors ask about a login, and what becomes of those that have been let in."""

    def __init__(self, services: Services, passwords: Passwords, seldom: Seldom, doors: Collection[Door]) -> None:
        self.changed = asyncio.Event()
        """Set when districts may have changed: then it is looked whom that concerns."""
        self._services = services
        self._passwords = passwords
        self._seldom = seldom
        self._doors = doors
        self._keys: dict[str, tuple[District, frozenset[bytes]]] = {}

    def admitted(self, slug: str, address: str, *, legacy: bool) -> tuple[District | None, str]:
        """Return the district if it may log in from there and by that port, in its version of this moment.

        Where it may not, the second is a code that says why.
        """
        district = self._services.districts.get(slug)
        if district is None:
            return None, "unknown"
        if not district.enabled:
            return None, "disabled"
        if legacy and not district.legacy:
            return None, "not-legacy"
        if district.allowed_addresses and not within(address, district.allowed_addresses):
            return None, "address"
        return district, ""

    def keys_of(self, district: District) -> frozenset[bytes]:
        """Return the public keys of a district, parsed once for each version of it."""
        kept = self._keys.get(district.slug)
        if kept is None or kept[0] is not district:
            keys = frozenset(asyncssh.import_public_key(line).public_data for line in district.authorized_keys)
            kept = self._keys[district.slug] = (district, keys)
        return kept[1]

    def tell_failed(self, address: str, error: Exception) -> None:
        """Tell that nobody could say whether a login is right."""
        if times := self._seldom.times(journal.LOGIN_FAILED):
            _log.error(journal.LOGIN_FAILED, address=address, times=times, exc_info=error)

    async def renew_password(self, slug: str, stored: str, password: str) -> None:
        """Keep the hash of a right password at today's cost, where it was made at another."""
        if not self._passwords.is_outdated(stored):
            return
        renewed = await self._passwords.renewed(password)
        try:
            taken = await self._services.renew_password(slug, stored, renewed)
        except RostergateError:
            return  # the next login tries again
        for door in self._doors:
            if taken and door.district is not None and (door.district.slug, door.proof) == (slug, stored):
                door.proof = renewed

    async def watch(self, stop: asyncio.Event) -> None:
        """End the connections of districts that may no longer log in as they did; look when told, and now and then."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self.changed.wait()
            self.changed.clear()
            with contextlib.suppress(RostergateError):  # a database that is away says nothing about anybody
                await self._end_revoked()

    async def _end_revoked(self) -> None:
        """End them. Raises `StoreError`."""
        for door in tuple(self._doors):
            if door.district is not None and (why := await self._revoked(door, door.district.slug)):
                _log.warning(journal.LOGIN_REVOKED, district=door.district.slug, address=door.address, why=why)
                door.disconnect("this account has been changed; log in again")

    async def _revoked(self, door: Door, slug: str) -> str:
        """Return a code that says why a connection's login no longer holds, or nothing."""
        district, why = self.admitted(slug, door.address, legacy=door.legacy)
        if district is None:
            return why
        if isinstance(door.proof, bytes):
            return "" if door.proof in self.keys_of(district) else "key-removed"
        proof, stored = door.proof, await self._services.password_hash(slug)
        return "" if stored in {proof, door.proof} else "password-changed"
