"""The observation port: /metrics, /healthz and /readyz over HTTP, for monitoring on the same machine.

Rule 1: it tells how the daemon is and nothing of any district.
Rule 2: bounded like everything else: the size of a request, the time it takes, how many there are at once.
Rule 3: what is looked up (database, disk) is looked up when somebody asks, so it is never older than the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from rostergate import metrics, store
from rostergate.desk.words import counted
from rostergate.errors import RostergateError
from rostergate.service.clock import utc_now
from rostergate.spool import cipher
from rostergate.store import standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import Settings
    from rostergate.spool.folders import Spool

REQUEST_BYTES_MAX: Final = 8_192
REQUEST_SECONDS_MAX: Final = 5.0
LOOK_SECONDS_MAX: Final = 3.0  # for the database to answer
CONNECTIONS_MAX: Final = 16
LOOP_LOOKED_AT_SECONDS: Final = 0.1
_TEXT: Final = "text/plain; charset=utf-8"
_FROM_THE_DATABASE: Final = (
    metrics.PLANS_HELD,
    metrics.SETS_STUCK,
    metrics.QUEUE_DELIVERIES,
    metrics.QUEUE_SECONDS,
    metrics.MAIL_WAITING,
    metrics.MAIL_SECONDS,
)


class Observation:
    """Answers whoever watches the daemon."""

    def __init__(self, settings: Settings, engine: AsyncEngine, spool: Spool, closed: Callable[[], str | None]) -> None:
        """Watch this engine and spool; `closed` says why the gate takes nobody at the moment, or None when it does."""
        self._settings = settings.metrics
        self._free_bytes_min = settings.disk.free_bytes_min
        self._engine = engine
        self._spool = spool
        self._closed = closed
        self._server: asyncio.Server | None = None
        self._connections = 0

    @property
    def port(self) -> int:
        """The port that is listened on, or 0."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server else 0

    async def open(self) -> None:
        """Listen, if the settings say where. Raises `OSError`."""
        if self._settings.port:
            self._server = await asyncio.start_server(
                self._serve, self._settings.address, self._settings.port, limit=REQUEST_BYTES_MAX
            )

    async def close(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            if self._connections <= CONNECTIONS_MAX:
                async with asyncio.timeout(REQUEST_SECONDS_MAX):
                    writer.write(await self._answer(reader))
                    await writer.drain()
        except (TimeoutError, OSError, EOFError):
            pass  # nobody listens to the answer any more
        finally:
            self._connections -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request and return the answer to it (HTTP/1.1, RFC 9112). Raises `EOFError`, `OSError`."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request is too large\n")
        method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
        if method not in {b"GET", b"HEAD"}:
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n")
        response = await self._page(rest.partition(b" ")[0].partition(b"?")[0])
        return response if method == b"GET" else response.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"

    async def _page(self, path: bytes) -> bytes:
        match path:
            case b"/metrics":
                await self._look()
                return _response(HTTPStatus.OK, metrics.page().decode(), metrics.CONTENT_TYPE)
            case b"/healthz":
                return _response(HTTPStatus.OK, "alive\n")
            case b"/readyz":
                why = self._closed() or await self._look()
                return _response(HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK, f"{why or 'ready'}\n")
        return _response(HTTPStatus.NOT_FOUND, "there are /metrics, /healthz and /readyz\n")

    async def _look(self) -> str | None:
        """Set what is looked up, and say what keeps the daemon from doing its work, or None."""
        free = (await asyncio.to_thread(shutil.disk_usage, self._spool.state)).free
        metrics.DISK_FREE_BYTES.set(free)
        try:
            async with asyncio.timeout(LOOK_SECONDS_MAX), store.reading(self._engine) as tx:
                metrics.PLANS_HELD.set(await standing.held(tx))
                stuck = await standing.stuck(tx)
                waiting, sealed_at = await standing.queue(tx)
                mail, written_at = await standing.mail(tx)
        except (RostergateError, TimeoutError):
            for gauge in _FROM_THE_DATABASE:
                gauge.set(float("nan"))
            return "the database does not answer"
        metrics.SETS_STUCK.set(stuck)
        metrics.QUEUE_DELIVERIES.set(waiting)
        metrics.QUEUE_SECONDS.set(_age(sealed_at))
        metrics.MAIL_WAITING.set(mail)
        metrics.MAIL_SECONDS.set(_age(written_at))
        if free < self._free_bytes_min:
            return f"only {free} bytes are free on the disk of the state folder, so uploads are refused"
        if self._spool.key_file:
            try:
                await asyncio.to_thread(cipher.keys_in, self._spool.key_file)
            except cipher.KeyUnusableError as error:
                return str(error)
        if stuck:
            return f"stuck with {counted(stuck, 'upload')} that came whole or in part; `rostergate status` tells why"
        return None


async def measure_loop_delay(stop: asyncio.Event) -> None:
    """Measure by how much the event loop is late, until `stop` is set."""
    loop = asyncio.get_running_loop()
    while not stop.is_set():
        due = loop.time() + LOOP_LOOKED_AT_SECONDS
        await asyncio.sleep(LOOP_LOOKED_AT_SECONDS)
        metrics.LOOP_DELAY_SECONDS.observe(max(0.0, loop.time() - due))


def _age(since: datetime | None) -> float:
    return (utc_now() - since).total_seconds() if since else 0.0


def _response(status: HTTPStatus, text: str, kind: str = _TEXT) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
