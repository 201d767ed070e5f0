"""A real gate on a free port with a house around it, for tests."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import asyncssh
from argon2 import PasswordHasher
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE
from structlog.testing import capture_logs

from rostergate import metrics
from rostergate.config.district import District
from rostergate.config.settings import Settings
from rostergate.errors import StoreError
from rostergate.gate import Footing, Gate, LegacyLogin, Services
from rostergate.gate.hostkeys import host_keys
from rostergate.spool.folders import Area, Spool
from rostergate.spool.inbox import Inbox, Inboxes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

SLUG = "lincoln"
PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CHEAP = {"memory_kib": 8_192, "passes": 1, "lanes": 1}
DATA = b"school_id,school_name\n" + b"1,Lincoln High\n" * 20_000
HASH = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)


@dataclass
class House:
    """A gate with a house around it whose answers a test can set."""

    state: Path
    server: dict[str, Any] = field(default_factory=dict)
    upload: dict[str, Any] = field(default_factory=dict)
    passwords: dict[str, Any] = field(default_factory=dict)
    throttle: dict[str, Any] = field(default_factory=dict)
    districts: dict[str, District] = field(default_factory=dict)
    slot: str | None = None
    full: str | None = None
    sealed: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    refusals: list[tuple[str, Area, str, str]] = field(default_factory=list)
    legacy_logins: list[tuple[str, LegacyLogin]] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    away: bool = False
    """Whether the database can be asked for nothing."""
    now: datetime = NOW
    clock: float = 0.0

    def __post_init__(self) -> None:
        self.spool = Spool(self.state)
        self.spool.prepare()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        if not self.districts:
            self.admit()

    def admit(self, slug: str = SLUG, **changes: Any) -> None:
        """Set a district's file to these values."""
        values: dict[str, Any] = {
            "slug": slug,
            "name": "Lincoln Unified",
            "time_zone": "America/Chicago",
            "format": "remind-1.0",
            "authorized_keys": (self.key.export_public_key().decode().strip(),),
            **changes,
        }
        self.districts[slug] = District(**values)
        self.hashes.setdefault(slug, HASH)

    async def open(self) -> None:
        """Start listening."""
        settings = Settings.model_validate(
            {
                "server": self.server,
                "upload": self.upload,
                "passwords": CHEAP | self.passwords,
                "throttle": self.throttle,
            }
        )
        self.inboxes = Inboxes(self.spool, lambda: self.now)
        services = Services(
            settings=settings,
            districts=self.districts,
            spool=self.spool,
            inboxes=self.inboxes,
            now=lambda: self.now,
            password_hash=self._password_hash,
            password_costs=self._password_costs,
            renew_password=self._renew_password,
            footing=self._footing,
            on_refusal=self._on_refusal,
            on_legacy=self._on_legacy,
            room=lambda: self.full,
        )
        _lay_out_keys(self.spool.keys)
        self.gate = Gate(services, clock=lambda: self.clock)
        await self.gate.listen("127.0.0.1", 0)

    def inbox(self, area: Area = Area.UPLOAD, slug: str = SLUG) -> Inbox:
        """Return an inbox."""
        return self.inboxes.of(slug, area)

    def committed(self, area: Area = Area.UPLOAD) -> dict[str, bytes]:
        """Return the committed files and what is in them."""
        inbox = self.inbox(area)
        return {name: (inbox.folder / name).read_bytes() for name in inbox.entries()}

    async def _password_hash(self, slug: str) -> str | None:
        if self.away:
            raise StoreError("it is away")
        return self.hashes.get(slug)

    async def _password_costs(self) -> list[str]:
        return sorted(self.hashes.values())

    async def _renew_password(self, slug: str, old: str, new: str) -> bool:
        if self.hashes.get(slug) != old:
            return False
        self.hashes[slug] = new
        return True

    async def _footing(self, _slug: str) -> Footing:
        return Footing(self.slot, self.sealed)

    async def _on_refusal(self, slug: str, area: Area, name: str, reason: str) -> None:
        self.refusals.append((slug, area, name, reason))

    async def _on_legacy(self, slug: str, login: LegacyLogin) -> None:
        self.legacy_logins.append((slug, login))

    def options(self, **changes: Any) -> dict[str, Any]:
        """Return the options an asyncssh client connects with."""
        return {
            "host": "127.0.0.1",
            "port": self.gate.port,
            "known_hosts": None,
            "username": SLUG,
            "client_keys": [self.key],
            "agent_path": None,
            "config": None,
            **changes,
        }

    @contextlib.asynccontextmanager
    async def sftp(self, **changes: Any) -> AsyncIterator[asyncssh.SFTPClient]:
        """Log in and start SFTP."""
        async with asyncssh.connect(**self.options(**changes)) as connection, connection.start_sftp_client() as client:
            yield client


@cache
def _host_keys() -> dict[str, bytes]:
    """Make the host keys once for all tests of a process: an RSA key takes a second."""
    with TemporaryDirectory() as folder:
        host_keys(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _lay_out_keys(folder: Path) -> None:
    for name, key in _host_keys().items():
        (folder / name).write_bytes(key)


@contextlib.contextmanager
def reaching(limit: str) -> Iterator[None]:
    """Check that a limit is reached meanwhile: it is logged under its key, and counted."""
    counted = partial(metrics.REGISTRY.get_sample_value, "rostergate_limits_reached_total", {"limit": limit})
    before = counted() or 0.0
    with capture_logs() as lines:
        yield
    assert (counted() or 0.0) > before
    assert limit in {line.get("limit") for line in lines}, lines


async def until(condition: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something is so; fail when it does not become so in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def put(sftp: asyncssh.SFTPClient, name: str, data: bytes = DATA) -> None:
    """Upload a file as a whole."""
    async with sftp.open(name, "wb") as file:
        await file.write(data)


async def cut_off(house: House, name: str, data: bytes) -> None:
    """Send a part of a file and lose the connection."""
    connection = await asyncssh.connect(**house.options())
    sftp = await connection.start_sftp_client()
    file = await sftp.open(name, FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
    await file.write(data)
    connection.abort()
    await until(lambda: house.inbox().open_uploads == 0)
