"""An entrance: one listening socket, from accepting a connection to the end of its login.

Rule 1: whoever is not to be let in at all is turned away before a byte is exchanged: banned and unlisted addresses, and
everybody when there is no room.
Rule 2: behind a balancer it is the address in the PROXY header that counts, here and everywhere after. Only a
balancer's header is read; from anybody else it would be no SSH.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

import asyncssh
import structlog

from rostergate import journal, metrics
from rostergate.gate import proxy
from rostergate.gate.addresses import plain, within
from rostergate.gate.door import Door

if TYPE_CHECKING:
    from rostergate.gate.listening import Gate

_log = structlog.get_logger()
BACKLOG: Final = 512  # connections that the kernel keeps until they are accepted
ACCEPTED_AT_ONCE_MAX: Final = 32  # then the event loop turns once
PAUSE_SECONDS: Final = 1.0  # before accepting again when the process has no descriptors left


class Entrance:
    """One port: the modern or the legacy one."""

    def __init__(
        self, gate: Gate, listening: socket.socket, options: asyncssh.SSHServerConnectionOptions, *, legacy: bool
    ) -> None:
        self.legacy = legacy
        self.port: int = listening.getsockname()[1]
        self._gate = gate
        self._listening = listening
        self._options = options
        self._arrivals: set[asyncio.Task[None]] = set()
        self._introducing: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Accept connections from now on."""
        self._listening.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._listening.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Accept no more; what the kernel keeps waits for whoever holds the socket, too."""
        for task in self._introducing:
            task.cancel()
        if self._listening.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()

    async def wait_closed(self) -> None:
        """Wait until every connection that came in here has ended."""
        if self._arrivals:
            await asyncio.wait(tuple(self._arrivals))

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE_MAX):
            try:
                connection, peer = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause(error)
                return
            connection.setblocking(False)  # noqa: FBT003 - as above
            self._receive(connection, plain(str(peer[0])))

    def _pause(self, error: OSError) -> None:
        """Leave connections to the kernel for a moment: accepting again at once would only fail again."""
        self._told("no-descriptors", "", error=error)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listening)

        def again() -> None:
            if self._listening.fileno() >= 0:
                loop.add_reader(self._listening, self._accept)

        loop.call_later(PAUSE_SECONDS, again)

    def _receive(self, connection: socket.socket, address: str) -> None:
        """Turn a connection away, or begin with it."""
        balanced = within(address, self._gate.services.settings.server.proxy_protocol_from)
        if self._full_for_headers() if balanced else self._turned_away(address):
            connection.close()
            return
        road = self._introduced(connection, address) if balanced else self._served(connection, address)
        task = asyncio.create_task(road)
        self._arrivals.add(task)
        task.add_done_callback(self._arrivals.discard)
        if balanced:
            self._introducing.add(task)
            task.add_done_callback(self._introducing.discard)

    def _full_for_headers(self) -> bool:
        """Say whether so many connections wait for their PROXY header that there is no room for another."""
        limit = self._gate.guests.full()
        if limit is None and len(self._introducing) >= self._gate.services.settings.server.unauthenticated_max:
            limit = "server.unauthenticated_max"
        if limit:
            self._told("limit", "", limit=limit)
        return limit is not None

    def _turned_away(self, address: str) -> bool:
        """Count the connection, or say that it has to go, and tell why."""
        why = self._gate.closed_to(address)
        limit = self._gate.guests.connect(address) if why is None else None
        if why or limit:
            self._told(why or "limit", address, limit=limit)
        return bool(why or limit)

    async def _introduced(self, connection: socket.socket, balancer: str) -> None:
        """Serve a connection from a balancer, under the address that its header names."""
        try:
            named = await self._read_header(connection)
        except (proxy.BadHeader, TimeoutError, OSError, EOFError) as error:
            connection.close()
            self._bad_header(balancer, error)
            return
        except asyncio.CancelledError:
            connection.close()
            raise
        if task := asyncio.current_task():
            self._introducing.discard(task)
        address = plain(named) if named else balancer
        if self._turned_away(address):
            connection.close()
        else:
            await self._served(connection, address, own=named is None)

    def _bad_header(self, balancer: str, error: Exception) -> None:
        limit = None
        if isinstance(error, proxy.HeaderTooLong):
            limit = "server.proxy_header_bytes_max"
        elif isinstance(error, TimeoutError):
            limit = "server.proxy_header_seconds_max"
        reason = str(error) if isinstance(error, proxy.BadHeader) else "it did not arrive"
        self._told("proxy-header", balancer, limit=limit, reason=reason)

    async def _read_header(self, connection: socket.socket) -> str | None:
        """Read a PROXY header to its end and not further. Raises `BadHeader`, `TimeoutError`, `OSError`, `EOFError`."""
        server = self._gate.services.settings.server
        loop = asyncio.get_running_loop()
        header = b""
        async with asyncio.timeout(server.proxy_header_seconds_max):
            while lacking := proxy.missing(header, server.proxy_header_bytes_max):
                read = await loop.sock_recv(connection, lacking)
                if not read:
                    raise EOFError
                header += read
        return proxy.source(header)

    async def _served(self, connection: socket.socket, address: str, *, own: bool = False) -> None:
        """Serve a connection that has been counted, to its end. `own` says that it is a balancer's own health check."""
        door = Door(self._gate, address, legacy=self.legacy)
        try:
            async with asyncio.timeout(self._gate.services.settings.server.login_seconds_max):
                ssh = await asyncssh.run_server(
                    connection, config=None, options=self._options, server_factory=lambda: door
                )
        except TimeoutError:
            self._gate.seldom.reached("server.login_seconds_max", address=address)
        except (asyncssh.Error, OSError):
            pass  # the client went, or did not get in; the door has told what there is to tell
        else:
            await ssh.wait_closed()
        finally:
            if not door.came:
                connection.close()
            self._gate.guests.disconnect(address, door.district.slug if door.district else None)
            if not (door.district or door.tried or own or self._gate.draining):
                self._gate.banned(self._gate.throttle.unfinished(address), address)

    def _told(
        self,
        why: str,
        address: str,
        *,
        limit: str | None = None,
        reason: str | None = None,
        error: OSError | None = None,
    ) -> None:
        metrics.CONNECTIONS_REFUSED.labels(why).inc()
        if limit:
            metrics.LIMITS_REACHED.labels(limit).inc()
        if times := self._gate.seldom.times(journal.CONNECTION_REFUSED, why, limit or "", address):
            more = {"limit": limit, "reason": reason}
            _log.warning(
                journal.CONNECTION_REFUSED,
                address=address or None,
                why=why,
                times=times,
                exc_info=error,
                **{name: value for name, value in more.items() if value},
            )


async def listening_on(host: str, port: int) -> list[socket.socket]:
    """Return bound sockets for every address a name has. "::" takes IPv4 as well. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, place in dict.fromkeys((one[0], one[4]) for one in found):
            # Port 0 is one free port, the same for all addresses of the name.
            bound = (place[0], sockets[0].getsockname()[1] if sockets else port, *place[2:])
            dual = family == socket.AF_INET6 and host == "::"
            sockets.append(socket.create_server(bound, family=family, backlog=BACKLOG, dualstack_ipv6=dual))
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets
