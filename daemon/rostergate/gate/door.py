"""The door: who may come in. One object per connection that has been let through the entrance.

Rule 1: whatever is wrong with a login reads the same and costs the same: the client learns only that it was refused.
Rule 2: everything before the login is counted and limited: tries, keys that are offered, requests of any kind.
Rule 3: a client that goes before the answer has learnt nothing, and counts as one that did not try: many honest ones
may lose patience when all come at once. Keys count once they have led to nothing: an agent offers all that it has, and
the right one or a password may come last.
Rule 4: what this side could not find out, for want of time, room or a database, is held against nobody; the client is
told to come again, rather than that it is wrong.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncssh
import structlog
from asyncssh.constants import (
    DISC_BY_APPLICATION,
    DISC_NO_MORE_AUTH_METHODS_AVAILABLE,
    DISC_SERVICE_NOT_AVAILABLE,
    MSG_KEXINIT,
    OPEN_RESOURCE_SHORTAGE,
)

from rostergate import journal, metrics
from rostergate.config.values import is_slug
from rostergate.gate import lane, transport
from rostergate.gate.algorithms import LEGACY, MODERN
from rostergate.gate.pace import Pace
from rostergate.gate.passwords import TooManyWaiting
from rostergate.gate.session import Session

if TYPE_CHECKING:
    from rostergate.config.district import District
    from rostergate.gate.listening import Gate

_log = structlog.get_logger()
CHANNEL_PACKET_BYTES_MAX: Final = 131_072
"""Bytes of data that a client may put into one packet of SSH: OpenSSH fills them, and each packet costs the same."""
KEY_EXCHANGE_REQUESTS: Final = 20  # as many other requests does a key exchange cost
LATER: Final = "the server cannot check logins at the moment; try again later"


class Door(asyncssh.SSHServer):
    """One connection, from the first byte of SSH on."""

    def __init__(self, gate: Gate, address: str, *, legacy: bool) -> None:
        self._gate = gate
        self._connection: asyncssh.SSHServerConnection | None = None
        self.address = address
        """Where the client is, plain; behind a balancer as the balancer says."""
        self.legacy = legacy
        """Whether the client came in by the legacy port."""
        self._signatures = {one.encode() for one in (LEGACY if legacy else MODERN).signatures}
        self.district: District | None = None
        """The district, once logged in."""
        self.proof: str | bytes = ""
        """What has let the district in: its key, or the hash of its password."""
        self._tries = 0
        self._keys_offered = 0
        self._requests = 0
        self._how = ""
        self._username: str | None = None
        self._candidate: District | None = None
        self._against = ""  # a code that says why the user may not come in whatever he knows, or nothing
        self._right = False
        loop, server = asyncio.get_running_loop(), gate.services.settings.server
        self._login_until = loop.time() + server.login_seconds_max
        self._rekeys = Pace(server.rekeys_per_minute_max / 60, loop.time(), 60)
        self._active_at = 0.0
        self._idle: asyncio.TimerHandle | None = None

    @property
    def came(self) -> bool:
        """Whether asyncssh has taken the connection over."""
        return self._connection is not None

    @property
    def tried(self) -> bool:
        """Whether the client has tried to log in."""
        return bool(self._tries or self._keys_offered)

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Keep the connection."""
        self._connection = conn
        lane.shorten(conn)
        transport.acknowledge_at_once(conn)
        transport.count_packets(conn, self._takes)
        if not self.legacy:
            transport.send_nothing_idle(conn)
        self._gate.doors.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's signature
        """Forget the connection."""
        if self._idle is not None:
            self._idle.cancel()
        self._gate.doors.discard(self)
        if self._keys_offered and not self._right and self._username is not None:
            self._refused(self._username, "key", self._against or "unknown-key", self._keys_offered)

    def begin_auth(self, username: str) -> bool:
        """Look the district up. Everybody has to prove who they are, under one name."""
        if self._username is not None:
            self.disconnect("the user name cannot change within a connection", DISC_NO_MORE_AUTH_METHODS_AVAILABLE)
            return True
        self._username = username
        self._candidate, self._against = self._gate.logins.admitted(username, self.address, legacy=self.legacy)
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
        try:
            stored = await self._gate.services.password_hash(username) if is_slug(username) else None
            against = self._against or ("" if stored else "no-password")
            if self._gate.throttle.account_banned(username, self.address):
                against = against or "banned"
            right = await self._gate.passwords.match(None if against else stored, username, password, self.address)
        except TooManyWaiting as full:
            self._gate.seldom.reached(full.limit, address=self.address)
            self.disconnect(LATER, DISC_SERVICE_NOT_AVAILABLE)
            return False
        except asyncio.CancelledError:
            if not self._gate.draining and asyncio.get_running_loop().time() < self._login_until:
                self._gate.banned(self._gate.throttle.unfinished(self.address), self.address)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is that fails there, it is not the client
            self._gate.logins.tell_failed(self.address, error)
            self.disconnect(LATER, DISC_SERVICE_NOT_AVAILABLE)
            return False
        if right and stored is not None:
            self._how, self.proof = "password", stored
            self._gate.note(self._gate.logins.renew_password(username, stored, password))
        else:
            self._refused(username, "password", against or "wrong", self._tries)
        return right

    # Keys

    def public_key_auth_supported(self) -> bool:
        """Keys are taken beside passwords."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's signature
        """Say whether the key is one of the district's; asyncssh then checks that the client has it."""
        if self._candidate is not None and key.public_data in self._gate.logins.keys_of(self._candidate):
            self._how, self.proof = "key", key.public_data
            # asyncssh 2.24 would verify with whatever signature the client chose, SHA-1 included.
            key.all_sig_algorithms = key.all_sig_algorithms & self._signatures
            return True
        self._keys_offered += 1
        self._too_many()
        return False

    # Once logged in

    def auth_completed(self) -> None:
        """Let the district in."""
        assert self._candidate is not None  # noqa: S101 - nobody else passes a check above
        assert self._connection is not None  # noqa: S101 - a login comes over a connection
        self._right, slug = True, self._candidate.slug
        self._gate.throttle.succeeded(slug, self.address)
        if not self._gate.guests.log_in(self.address, slug):
            self._gate.seldom.reached("server.connections_per_district_max", district=slug, address=self.address)
            self.disconnect("too many connections of this district are open")
            return
        self.district = self._candidate
        metrics.LOGINS_ACCEPTED.labels(self._how).inc()
        _log.info(
            journal.LOGIN_ACCEPTED,
            district=self.district.slug,
            address=self.address,
            how=self._how,
            **({"legacy": True} if self.legacy else {}),
        )
        if self.legacy:
            self._gate.note_legacy(self.district.slug, self._connection)
        self.active()
        self._watch_idle()

    def session_requested(self) -> tuple[asyncssh.SSHServerChannel[bytes], Session]:
        """Open a channel for SFTP. Raises `ChannelOpenError` when the district has too many."""
        assert self._connection is not None  # noqa: S101 - a channel comes over a connection
        if self.district is None:  # what came together with the login of one connection too many
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, "too many connections of this district are open")
        slug = self.district.slug
        if self._gate.draining:
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, "the server is about to stop; try again later")
        if not self._gate.guests.begin(slug):
            self._gate.seldom.reached("server.sessions_per_district_max", district=slug, address=self.address)
            raise asyncssh.ChannelOpenError(OPEN_RESOURCE_SHORTAGE, "too many sessions of this district are open")
        channel = self._connection.create_server_channel(encoding=None, max_pktsize=CHANNEL_PACKET_BYTES_MAX)
        # A client could otherwise fill the memory with variables that nobody reads.
        vars(channel)["_process_env_request"] = lambda _packet: False
        serve = self._gate.serve(self, self.district)
        return channel, Session(
            serve,
            refuse_scp=self._gate.scp_refused(self, self.district),
            ended=lambda: self._gate.guests.end(slug),
        )

    def active(self) -> None:
        """Note that the client did something."""
        self._active_at = asyncio.get_running_loop().time()

    def disconnect(self, text: str, code: int = DISC_BY_APPLICATION) -> None:
        """End the connection and say why; the code is for programs, which take another for a wrong password."""
        if self._connection is not None:
            self._connection.disconnect(code, text)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        if self._connection is not None:
            await self._connection.wait_closed()

    def _watch_idle(self) -> None:
        assert self.district is not None  # noqa: S101 - it is watched from the login on
        loop = asyncio.get_running_loop()
        left = self._active_at + self._gate.services.settings.server.idle_seconds_max - loop.time()
        if left <= 0:
            slug = self.district.slug
            self._gate.seldom.reached("server.idle_seconds_max", district=slug, address=self.address)
            self.disconnect("idle for too long")
        else:
            self._idle = loop.call_later(left, self._watch_idle)

    def _too_many(self) -> bool:
        """Say whether the tries are used up, and end the connection then."""
        server = self._gate.services.settings.server
        if self._tries > server.login_tries_max:
            self._gate.seldom.reached("server.login_tries_max", address=self.address)
        elif self._keys_offered > server.keys_offered_max:
            self._gate.seldom.reached("server.keys_offered_max", address=self.address)
        else:
            return False
        self.disconnect("too many tries to log in", DISC_NO_MORE_AUTH_METHODS_AVAILABLE)
        return True

    def _takes(self, kind: int) -> bool:
        """Count a packet that is for the connection itself; False when it is one too many, which ends it."""
        server, key_exchange = self._gate.services.settings.server, kind == MSG_KEXINIT
        if self._right:
            if not key_exchange or not self._rekeys.count(asyncio.get_running_loop().time()):
                return True
            limit, text = "rekeys_per_minute_max", "too many key exchanges"
        else:
            self._requests += KEY_EXCHANGE_REQUESTS if key_exchange else 1
            if self._requests <= server.login_requests_max:
                return True
            limit, text = "login_requests_max", "too many requests before the login"
        district = self.district.slug if self.district else None
        self._gate.seldom.reached(f"server.{limit}", address=self.address, district=district)
        self.disconnect(text)
        return False

    def _refused(self, username: str, how: str, why: str, tries: int) -> None:
        known = self._gate.services.districts.get(username) is not None
        metrics.LOGINS_REFUSED.labels(how).inc()
        _log.warning(
            journal.LOGIN_REFUSED,
            district=username if known else None,
            address=self.address,
            how=how,
            why=why,
            tries=tries,
        )
        self._gate.banned(self._gate.throttle.failed(username, self.address), self.address)
