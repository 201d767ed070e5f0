"""The door: who may come in. One object per connection.

Rule 1: whatever is wrong with a login reads the same and costs the same: the client learns only that it was refused.
Rule 2: everything before the login is counted and limited: connections, time, tries, keys that are offered.
"""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import asyncssh
import structlog
from asyncssh.constants import DISC_BY_APPLICATION, DISC_NO_MORE_AUTH_METHODS_AVAILABLE, OPEN_RESOURCE_SHORTAGE

from rostergate import journal
from rostergate.config.values import is_slug
from rostergate.gate.session import Session

if TYPE_CHECKING:
    from rostergate.config.district import District
    from rostergate.gate.listening import Gate

_log = structlog.get_logger()
KEYS_OFFERED_MAX: Final = 20  # an agent offers all its keys; each costs a look, so this is more than the tries


class Door(asyncssh.SSHServer):
    """One connection, from its first byte on."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._connection: asyncssh.SSHServerConnection | None = None
        self.address = ""
        self.district: District | None = None
        """The district, once logged in."""
        self._counted = False
        self._tries = 0
        self._keys_offered = 0
        self._candidate: District | None = None
        self._active_at = 0.0
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the connection, or end it at once when there is no room."""
        self._connection = conn
        self.address = _plain(str(conn.get_extra_info("peername", ("",))[0]))
        why = self._gate.closed_to(self.address) or self._gate.guests.connect(self.address)
        if why is None:
            self._counted = True
            self._gate.doors.add(self)
            return
        _log.warning(journal.CONNECTION_REFUSED, address=self.address, why=why)
        asyncio.get_running_loop().call_soon(conn.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Give the connection's place free."""
        if self._idle is not None:
            self._idle.cancel()
        if self._counted:
            self._gate.guests.disconnect(self.address)
            self._counted = False
        self._gate.doors.discard(self)

    def begin_auth(self, username: str) -> bool:
        """Look the district up. Everybody has to prove who they are."""
        self._candidate = self._gate.admitted(username, self.address)
        return True

    # Passwords

    def password_auth_supported(self) -> bool:
        """Passwords are taken, by keyboard-interactive as well."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Say whether the password is right, in the same time for everybody."""
        self._tries += 1
        if self._too_many():
            return False
        stored = await self._gate.services.password_hash(username) if is_slug(username) else None
        if self._candidate is None or self._gate.throttle.account_banned(username, self.address):
            stored = None
        right = await self._gate.passwords.match(stored, password)
        if not right:
            self._refused(username, "password")
        return right

    # Keys

    def public_key_auth_supported(self) -> bool:
        """Keys are taken beside passwords."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Say whether the key is one of the district's; asyncssh then checks that the client has it."""
        if self._candidate is not None and key.public_data in self._gate.keys_of(self._candidate):
            return True
        self._keys_offered += 1
        if not self._too_many() and self._keys_offered == 1:
            self._refused(username, "key")
        return False

    # Once logged in

    def auth_completed(self) -> None:
        """Let the district in."""
        assert self._candidate is not None  # noqa: S101 - nobody else passes a check above
        assert self._connection is not None  # noqa: S101 - a login comes over a connection
        self.district = self._candidate
        self._gate.throttle.succeeded(self.district.slug, self.address)
        _log.info(journal.LOGIN_ACCEPTED, district=self.district.slug, address=self.address)
        self.active()
        self._watch_idle()

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Session]:
        """Open a channel for SFTP. Raises `ChannelOpenError` when the district has too many."""
        assert self.district is not None  # noqa: S101 - asyncssh opens channels after the login only
        assert self._connection is not None  # noqa: S101 - as above
        slug = self.district.slug
        if self._gate.draining:
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, "the server is about to stop; try again later")
        if not self._gate.guests.begin(slug):
            _log.warning(journal.CONNECTION_REFUSED, district=slug, address=self.address, why="sessions-per-district")
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, "too many sessions of this district are open")
        channel = self._connection.create_server_channel(encoding=None)
        # A client could otherwise fill the memory with variables that nobody reads.
        vars(channel)["_process_env_request"] = lambda _packet: False
        serve = self._gate.serve(self, self.district)
        return channel, Session(serve, lambda: self._gate.guests.end(slug))

    def active(self) -> None:
        """Note that the client did something."""
        self._active_at = asyncio.get_running_loop().time()

    def disconnect(self, text: str) -> None:
        """End the connection and say why."""
        if self._connection is not None:
            self._connection.disconnect(DISC_BY_APPLICATION, text)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        if self._connection is not None:
            await self._connection.wait_closed()

    def _watch_idle(self) -> None:
        loop = asyncio.get_running_loop()
        left = self._active_at + self._gate.services.settings.server.idle_seconds_max - loop.time()
        if left <= 0:
            self.disconnect("idle for too long")
        else:
            self._idle = loop.call_later(left, self._watch_idle)

    def _too_many(self) -> bool:
        """Say whether the tries are used up, and end the connection then."""
        if (
            self._tries <= self._gate.services.settings.server.login_tries_max
            and self._keys_offered <= KEYS_OFFERED_MAX
        ):
            return False
        if self._connection is not None:
            self._connection.disconnect(DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many tries to log in")
        return True

    def _refused(self, username: str, how: str) -> None:
        self._gate.throttle.failed(username, self.address)
        known = self._gate.services.districts.get(username) is not None
        _log.warning(
            journal.LOGIN_REFUSED,
            district=username if known else None,
            address=self.address,
            how=how,
            tries=self._tries,
        )


def _plain(address: str) -> str:
    """Return an address without scope, and an IPv4 address as such where it comes dressed as IPv6."""
    address = address.partition("%")[0]
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
