"""The gate as a whole: it listens, lets districts in, serves their sessions, and stops without cutting uploads off."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

import asyncssh
import structlog

from rostergate import journal
from rostergate.core import catalogue
from rostergate.errors import RostergateError
from rostergate.gate.addresses import crowd, within
from rostergate.gate.algorithms import LEGACY, MODERN
from rostergate.gate.aside import Aside
from rostergate.gate.entrance import Entrance, listening_on
from rostergate.gate.files import Files
from rostergate.gate.guests import Guests
from rostergate.gate.hostkeys import host_keys
from rostergate.gate.limits import Seldom
from rostergate.gate.logins import Logins
from rostergate.gate.pace import Pace
from rostergate.gate.passwords import Passwords
from rostergate.gate.protocol import SFTP_VERSION, Packets
from rostergate.gate.readme import readme
from rostergate.gate.refusals import DISK_FAILED, Refusal
from rostergate.gate.services import LegacyLogin, Visitor
from rostergate.gate.session import SFTP_ONLY
from rostergate.gate.telling import Teller
from rostergate.gate.throttle import Throttle

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine

    from rostergate.config.district import District
    from rostergate.gate.door import Door
    from rostergate.gate.services import Services

_log = structlog.get_logger()
KEEPALIVE_SECONDS: Final = 30
KEEPALIVES_UNANSWERED_MAX: Final = 3
CLOSING_SECONDS_MAX: Final = 5.0
"""How long connections and sessions may take to end once they have been told to."""


class Gate:
    """The SFTP server."""

    def __init__(self, services: Services, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.services = services
        self.guests = Guests(services.settings.server)
        self.passwords = Passwords(services.settings.passwords)
        self.throttle = Throttle(services.settings.throttle, clock)
        self.seldom = Seldom(clock)
        self.doors: set[Door] = set()
        self.draining = False
        self.logins = Logins(services, self.passwords, self.seldom, self.doors)
        self._entrances: list[Entrance] = []
        self._sessions: dict[asyncio.Task[None], Files] = {}
        self._notes: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port that is listened on first, or 0."""
        return next((one.port for one in self._entrances if not one.legacy), 0)

    @property
    def legacy_port(self) -> int:
        """The legacy port, or 0."""
        return next((one.port for one in self._entrances if one.legacy), 0)

    async def listen(
        self, host: str = "", port: int = 0, *, sock: socket.socket | None = None, legacy: bool = False
    ) -> None:
        """Listen on an address, or on a socket that is bound already; more than once for more than one.

        Raises `StateError` when the host keys cannot be used and `OSError` when the address cannot.
        """
        keys = await asyncio.to_thread(host_keys, self.services.spool.keys, legacy=legacy)
        await self.passwords.prepare(await self.services.password_costs())
        options = await asyncssh.SSHServerConnectionOptions.construct(
            config=None,
            server_version="rostergate",
            server_host_keys=keys,
            **(LEGACY if legacy else MODERN).options(),
            # The entrance counts the time until the login, and tells when it is over.
            login_timeout=0,
            keepalive_interval=KEEPALIVE_SECONDS,
            keepalive_count_max=KEEPALIVES_UNANSWERED_MAX,
            gss_kex=False,
            gss_auth=False,
            gss_host=None,
            host_based_auth=False,
            allow_pty=False,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            rdns_lookup=False,
            sftp_version=SFTP_VERSION,
        )
        for one in [sock] if sock is not None else await listening_on(host, port):
            entrance = Entrance(self, one, options, legacy=legacy)
            entrance.open()
            self._entrances.append(entrance)

    def stop_logins(self) -> None:
        """Take no new connection, and end those that have not logged in."""
        self.draining = True
        self.logins.changed.set()  # whoever waits for that looks whether to stop
        for entrance in self._entrances:
            entrance.close()
        for door in tuple(self.doors):
            if door.district is None:
                door.disconnect("the server is about to stop; try again later")

    async def drain(self, seconds: float) -> None:
        """Let uploads in progress come to their end for that long, then end every connection.

        What is still in progress then waits for a resume. Returns when all have ended, or have had
        `CLOSING_SECONDS_MAX` for it.
        """
        self.stop_logins()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (busy := [task for task, files in self._sessions.items() if files.uploading]) and loop.time() < deadline:
            # An upload ends without its session ending, so this looks again from time to time.
            await asyncio.wait(busy, timeout=min(0.05, deadline - loop.time()), return_when=asyncio.FIRST_COMPLETED)
        doors = tuple(self.doors)
        for door in doors:
            door.disconnect("the server is about to stop; try again later")
        ending = [asyncio.ensure_future(door.wait_closed()) for door in doors]
        ending += [asyncio.ensure_future(entrance.wait_closed()) for entrance in self._entrances]
        left = (*ending, *self._sessions, *self._notes)
        hanging = (await asyncio.wait(left, timeout=CLOSING_SECONDS_MAX))[1] if left else set()
        for task in hanging:
            task.cancel()
        self._entrances.clear()
        self.passwords.close()
        _log.info(journal.SERVICE_DRAINED, connections=len(doors), complete=not hanging)

    # What the doors ask

    def closed(self) -> str | None:
        """Say why nobody can log in at the moment, or None."""
        if self.draining:
            return "the daemon is about to stop"
        return None if self.port else "the daemon does not listen yet"

    def closed_to(self, address: str) -> str | None:
        """Return a code that says why nobody may connect from there now, or None."""
        if self.draining:
            return "draining"
        allowed = self.services.settings.server.allowed_addresses
        if allowed and not within(address, allowed):
            return "not-allowed"
        return "banned" if self.throttle.address_banned(address) else None

    def banned(self, reached: list[str], address: str) -> None:
        """Tell of the bans that a failed login has brought about; whoever is still trying from there has to go."""
        for limit in reached:
            self.seldom.reached(limit, address=address)
        if self.throttle.address_banned(address):
            for door in tuple(self.doors):
                if door.district is None and crowd(door.address) == crowd(address):
                    door.disconnect("too many logins from this address have failed; try again later")

    def note_legacy(self, slug: str, connection: asyncssh.SSHServerConnection) -> None:
        """Let the house note down who has come in by the legacy port, and what kept it there."""
        login = LegacyLogin(
            client=str(connection.get_extra_info("client_version", "")),
            cipher=str(connection.get_extra_info("recv_cipher", "")),
            mac=str(connection.get_extra_info("recv_mac", "")),
        )
        self.note(self._note_legacy(slug, login))

    async def _note_legacy(self, slug: str, login: LegacyLogin) -> None:
        try:
            await self.services.on_legacy(slug, login)
        except RostergateError:
            _log.exception(journal.SESSION_FAILED, district=slug)

    def serve(
        self, door: Door, district: District
    ) -> Callable[[asyncssh.SSHServerChannel[bytes], asyncssh.SSHReader[bytes], asyncssh.SSHWriter[bytes]], None]:
        """Return what begins an SFTP session of that district on a channel."""

        def begin(
            channel: asyncssh.SSHServerChannel[bytes],
            reader: asyncssh.SSHReader[bytes],
            writer: asyncssh.SSHWriter[bytes],
        ) -> None:
            try:
                files = Files(channel, self.services, self._visitor(door, district))
            except RostergateError:
                _log.exception(journal.SESSION_FAILED, district=district.slug, address=door.address)
                Aside(channel).say(DISK_FAILED)
                channel.exit(1)
                return
            task = asyncio.create_task(self._session(door, district.slug, files, reader, writer))
            self._sessions[task] = files
            task.add_done_callback(self._sessions.pop)

        return begin

    def scp_refused(self, door: Door, district: District) -> Callable[[asyncssh.SSHServerChannel[bytes]], None]:
        """Return what tells the client of a channel, the log and the house that files do not come by scp of old."""

        async def tell(channel: asyncssh.SSHServerChannel[bytes]) -> None:
            teller = Teller(self.services, self._visitor(door, district), Aside(channel))
            await teller.refused(Refusal("scp", SFTP_ONLY), None)
            channel.exit(1)

        return lambda channel: self.note(tell(channel))

    def _visitor(self, door: Door, district: District) -> Visitor:
        return Visitor(
            district=district,
            address=door.address,
            limits=district.limits(self.services.settings),
            wanted=catalogue.file_names(district.format),
            readme=readme(district).encode(),
        )

    def note(self, note: Coroutine[Any, Any, None]) -> None:
        """Let something be told while the connection goes on."""
        task = asyncio.create_task(note)
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _session(
        self, door: Door, slug: str, files: Files, reader: asyncssh.SSHReader[bytes], writer: asyncssh.SSHWriter[bytes]
    ) -> None:
        """Serve one session to its end. The task is ours: asyncssh would give up waiting for it with the connection."""
        server = self.services.settings.server
        _log.info(journal.SESSION_OPENED, district=slug, address=door.address)
        packets = Packets(
            files,
            reader,
            writer,
            packet_bytes_max=server.packet_bytes_max,
            handles_max=server.handles_per_session_max,
            active=door.active,
            pace=self._pace_of(door.address, slug),
            reached=lambda limit: self.seldom.reached(limit, address=door.address, district=slug),
        )
        try:
            await packets.run()
        except EOFError:
            pass  # the client went before it said what version it speaks
        except Exception:  # noqa: BLE001 - one session's failure ends that session, and is told
            _log.exception(journal.SESSION_FAILED, district=slug, address=door.address)
        finally:
            await files.abandon()
            writer.close()
            _log.info(journal.SESSION_CLOSED, district=slug, address=door.address)

    def _pace_of(self, address: str, slug: str) -> Callable[[], float]:
        """Return what counts a session's requests and says how long the next answer has to wait; it tells once."""
        loop = asyncio.get_running_loop()
        pace = Pace(self.services.settings.server.requests_per_second_max, loop.time())
        told = False

        def count() -> float:
            nonlocal told
            seconds = pace.count(loop.time())
            if seconds and not told:
                told = True
                self.seldom.reached("server.requests_per_second_max", district=slug, address=address)
            return seconds

        return count
