"""The daemon: start, run until told to stop, drain."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from rostergate import journal, store
from rostergate.core.completeness import Stuck
from rostergate.desk import latest
from rostergate.errors import Refused
from rostergate.gate import CLOSING_SECONDS_MAX, Gate, Services
from rostergate.service import notices, purging, readiness, reporting, silence, upgrading
from rostergate.service.alone import Alone
from rostergate.service.clock import booted_at, utc_now
from rostergate.service.dry_runs import DryRuns
from rostergate.service.due_reports import DueReports
from rostergate.service.footings import Footings
from rostergate.service.lock import StateLock
from rostergate.service.lookup import FreshDistricts
from rostergate.service.observing import Observation, measure_loop_delay
from rostergate.service.post import TEMPLATES, Post
from rostergate.service.room import Room
from rostergate.spool import cipher
from rostergate.spool.folders import Area
from rostergate.spool.inbox import Inboxes
from rostergate.store import credentials, deliveries, legacy
from rostergate.worker import recovery
from rostergate.worker.processes import Processes
from rostergate.worker.queue import Queue
from rostergate.worker.receiving import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rostergate.config import District, Districts, Reloaded, Settings
    from rostergate.core.completeness import Judgement
    from rostergate.gate import LegacyLogin
    from rostergate.spool.folders import Spool
    from rostergate.store import Location

LEGACY_SOCKET = "legacy"
"""`FileDescriptorName=` of a socket unit that is the legacy port."""
_OBJECTS_BETWEEN_LOOKS: Final = 20_000
"""New objects from which on the garbage collector looks for some that can go: with Python's 700 it took a seventh of a
thousand sessions' processor time."""

log = structlog.get_logger()


async def serve(settings: Settings, districts: Districts, spool: Spool, database: Location) -> bool:
    """Run the daemon until SIGTERM or SIGINT; return False when it ended because one of its parts failed.

    Raises `StateError`, `StoreError`, `ConfigError`, `Refused`, `OSError` when it cannot start.
    """
    spool.prepare()
    if spool.key_file:
        await asyncio.to_thread(cipher.keys_in, spool.key_file)  # rather not begin than seal nothing
    with StateLock(spool) as lock:
        await upgrading.upgrade(database, settings.database.start_seconds_max)
        async with Alone(database) as alone:
            return await _run(Daemon(settings, districts, spool, database, alone), lock, len(districts))


async def _run(daemon: Daemon, lock: StateLock, districts: int) -> bool:
    with _stopped_by_signals(daemon.stop):
        try:
            port = await daemon.start()
            lock.announce(port)
            readiness.notify("READY=1", f"STATUS=listening on port {port}")
            log.info(journal.SERVICE_STARTED, port=port, districts=districts)
            gc.freeze()  # looking through all that stays would hold up every session for a tenth of a second
            gc.set_threshold(_OBJECTS_BETWEEN_LOOKS)
            await daemon.stop.wait()
            readiness.notify("STOPPING=1", "STATUS=finishing what is under way")
        finally:
            await daemon.drain()
    log.info(journal.SERVICE_STOPPED)
    return not daemon.failed


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` at SIGTERM, SIGINT and the end of the terminal that the log goes to.

    Elsewhere SIGHUP asks a daemon to read its settings again; systemd takes an end by it for a wanted one.
    """
    loop = asyncio.get_running_loop()
    hang_up = stop.set if sys.stderr.isatty() else partial(log.warning, journal.SIGNAL_IGNORED)
    heard = {signal.SIGTERM: stop.set, signal.SIGINT: stop.set, signal.SIGHUP: hang_up}
    for one, hear in heard.items():
        loop.add_signal_handler(one, hear)
    try:
        yield
    finally:
        for one in heard:
            loop.remove_signal_handler(one)


class Daemon:
    """Every room, joined."""

    def __init__(
        self,
        settings: Settings,
        districts: Districts,
        spool: Spool,
        database: Location,
        alone: Alone,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.stop = asyncio.Event()
        self.failed = False
        self._now = now
        self._settings = settings
        self._districts = districts
        self._spool = spool
        self._database = database
        self._alone = alone
        self._engine = store.open(database)
        self._processes = Processes(
            settings.delivery.workers,
            seconds_max=settings.delivery.decide_seconds_max,
            modules=(reporting.__name__,),
            log=settings.log,
        )
        self._inboxes = Inboxes(spool, self._now, booted_at=booted_at())
        self._footings = Footings(self._engine, districts, self._now)
        self._room = Room(settings, self._engine, spool.state, self._now)
        self._queue = Queue(
            settings=settings,
            districts=districts,
            engine=self._engine,
            spool=spool,
            database=database,
            processes=self._processes,
            now=self._now,
            on_closed=self._report,
            room=self._room.refusal,
        )
        self._reports = DueReports(settings, districts, self._engine, spool, database, self._processes, self._now)
        self._dry_runs = DryRuns(settings, spool, database, self._processes, self._now)
        self._receiver = Receiver(
            settings=settings,
            districts=districts,
            engine=self._engine,
            spool=spool,
            inboxes=self._inboxes,
            now=self._now,
            on_sealed=self._tell_sealed,
            on_dry_run=self._dry_runs.start,
            on_waiting=self._tell_waiting,
            on_refusal=self._tell_set_refusal,
        )
        self._post = Post(
            settings=settings,
            districts=districts,
            engine=self._engine,
            spool=spool,
            now=self._now,
            templates=districts.folder.parent / TEMPLATES,
        )
        self._gate = Gate(
            Services(
                settings=settings,
                districts=FreshDistricts(districts, self._tell_reloaded),
                spool=spool,
                inboxes=self._inboxes,
                now=self._now,
                password_hash=self._password_hash,
                password_costs=self._password_costs,
                renew_password=self._renew_password,
                footing=self._footings.of,
                on_refusal=self._tell_refusal,
                on_legacy=self._note_legacy,
                room=self._room.refusal,
            )
        )
        self._observation = Observation(settings, self._engine, spool, self._gate.closed)
        self._parts: list[asyncio.Task[None]] = []

    async def start(self) -> int:
        """Bring disk and database together, then listen; return the port."""
        stopped = await recovery.recover(self._engine, self._spool, self._districts, self._settings, self._now())
        for district in filter(None, map(self._districts.get, stopped)):
            await self._dry_runs.tell_failed(district)
        await self._reports.sweep()
        await asyncio.to_thread(self._lay_out_pages, list(self._districts))
        await self._room.look()
        await self._listen()
        await self._observe()
        for part in (
            self._receiver.run(self.stop),
            self._queue.run(self.stop),
            self._room.watch(self.stop, self._queue.look),
            self._reload_districts(),
            self._gate.logins.watch(self.stop),
            self._post.run(self.stop),
            silence.watch(self.stop, self._settings, self._districts, self._engine, self._now),
            self._alone.keep(self.stop),
            self._reports.watch(self.stop),
            purging.watch(self.stop, self._settings, self._engine, self._spool, self._now),
            readiness.feed_watchdog(self.stop),
            measure_loop_delay(self.stop),
        ):
            task = asyncio.create_task(part)
            task.add_done_callback(self._ended)
            self._parts.append(task)
        return self._gate.port

    async def _listen(self) -> None:
        """Listen where the service manager says, or else where the settings say. Raises `Refused`."""
        server, legacy_inherited = self._settings.server, False
        sockets = readiness.inherited_sockets()
        for name, one in sockets:
            legacy = name == LEGACY_SOCKET
            legacy_inherited |= legacy
            await self._gate.listen(sock=one, legacy=legacy)
        if not sockets:
            await self._listen_on(server.port, "server.port or --port")
        if server.legacy_port and not legacy_inherited:
            await self._listen_on(server.legacy_port, "server.legacy_port", legacy=True)

    async def _listen_on(self, port: int, keys: str, *, legacy: bool = False) -> None:
        address = self._settings.server.address
        try:
            await self._gate.listen(address, port, legacy=legacy)
        except OSError as error:
            raise _taken(error, address, port, f"server.address, {keys}") from error

    async def _observe(self) -> None:
        metrics = self._settings.metrics
        try:
            await self._observation.open()
        except OSError as error:
            raise _taken(error, metrics.address, metrics.port, "metrics.address or metrics.port") from error

    async def drain(self) -> None:
        """Take no more logins, let uploads and decisions finish within `server.drain_seconds_max`, and close."""
        self.stop.set()
        bound = self._settings.server.drain_seconds_max
        finished = asyncio.create_task(self._finish(bound))
        _, late = await asyncio.wait([finished], timeout=bound)
        if late:
            log.warning(journal.SERVICE_DRAINED, complete=False)
            self._processes.kill()  # first: what else is under way may wait for the end of a worker's transaction
            finished.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await finished
        await self._observation.close()
        await self._footings.close()
        await self._engine.dispose()

    async def _finish(self, bound: float) -> None:
        draining = self._gate.drain(bound - min(CLOSING_SECONDS_MAX, bound / 2))
        await asyncio.gather(draining, *self._parts, self._dry_runs.ended(), return_exceptions=True)
        await self._processes.close()

    def _ended(self, part: asyncio.Task[None]) -> None:
        """End the daemon when one of its parts fails: the service manager starts it whole again."""
        if not part.cancelled() and (error := part.exception()):
            log.critical(journal.SERVICE_FAILED, exc_info=error)
            self.failed = True
            self.stop.set()

    async def _reload_districts(self) -> None:
        async for reloaded in self._districts.watch(self.stop):
            self._tell_reloaded(reloaded)
            await asyncio.to_thread(self._lay_out_pages, [one.slug for one in reloaded if one.district])

    def _lay_out_pages(self, slugs: list[str]) -> None:
        """Give each district that has none yet a LATEST.txt, which /README.txt sends people to."""
        for slug in slugs:
            folder = self._spool.reports(slug)
            try:
                if not (folder / latest.NAME).exists():
                    latest.waiting(folder, Area.UPLOAD, None, self._now())
            except OSError as error:
                log.error(journal.PAGE_FAILED, district=slug, exc_info=error)

    def _tell_reloaded(self, reloaded: list[Reloaded]) -> None:
        self._gate.logins.changed.set()
        for one in reloaded:
            if one.error:
                log.error(journal.CONFIG_REFUSED, district=one.slug or None, reason=one.error)
            else:
                log.info(journal.CONFIG_RELOADED, district=one.slug, removed=one.district is None)
                for area in Area:
                    self._receiver.look(one.slug, area)

    # What the gate asks and tells.

    async def _password_hash(self, slug: str) -> str | None:
        async with store.reading(self._engine) as tx:
            return await credentials.password_hash(tx, slug)

    async def _password_costs(self) -> list[str]:
        async with store.reading(self._engine) as tx:
            return await credentials.password_hashes(tx)

    async def _renew_password(self, slug: str, old: str, new: str) -> bool:
        async with store.writing(self._engine, slug) as tx:
            return await credentials.renew_password(tx, slug, old, new)

    async def _tell_refusal(self, slug: str, _: Area, name: str, reason: str) -> None:
        now = self._now().astimezone(self._districts[slug].zone)
        told = reason if not name or reason.startswith(name) else f"{name}: {reason}"
        await asyncio.to_thread(latest.tell, self._spool.reports(slug), told, now)

    async def _note_legacy(self, slug: str, login: LegacyLogin) -> None:
        async with store.writing(self._engine, slug) as tx:
            await legacy.note(tx, slug, self._now(), client=login.client, cipher=login.cipher, mac=login.mac)

    # What the receiver and the queue tell.

    def _tell_sealed(self, slug: str) -> None:
        self._footings.forget(slug)
        self._queue.look()

    async def _tell_waiting(self, district: District, area: Area, judgement: Judgement | None) -> None:
        folder, now = self._spool.reports(district.slug), self._now().astimezone(district.zone)
        await asyncio.to_thread(latest.waiting, folder, area, judgement, now)
        if area is Area.PREVIEW:  # whoever tries something looks at LATEST.txt
            return
        newest = now
        if not isinstance(judgement, Stuck):  # then perhaps nobody can read the inbox
            entries = self._inboxes.of(district.slug, area).entries()
            newest = max((entry.at for entry in entries.values()), default=now)
        async with store.writing(self._engine, district.slug) as tx:
            await deliveries.note_stuck(tx, district.slug, judgement.why if isinstance(judgement, Stuck) else None)
            if await notices.tell_unfinished(tx, self._settings, district, judgement, now, newest=newest):
                self._post.look()

    async def _tell_set_refusal(self, district: District, reason: str) -> None:
        folder, now = self._spool.reports(district.slug), self._now().astimezone(district.zone)
        await asyncio.to_thread(latest.tell, folder, reason, now)

    async def _report(self, delivery: str) -> None:
        """Write the report of a delivery, and of those that it took the place of."""
        slug = delivery.rpartition("-")[0]
        self._footings.forget(slug)
        await self._reports.write_due(slug)
        self._post.look()


def _taken(error: OSError, address: str, port: int, keys: str) -> Refused:
    """Return what an operator is told when an address cannot be listened on."""
    known = error.errno is not None and error.errno in errno.errorcode  # not so for a name nobody knows
    reason = os.strerror(error.errno or 0) if known else error.strerror or str(error)
    return Refused(
        f"cannot listen on {address}, port {port}: {reason.lower()}; "
        f"end the program that has that port, or change {keys}"
    )
