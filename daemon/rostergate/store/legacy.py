"""Legacy logins: which districts still come in by the port with old algorithms, and what their client is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from rostergate.store.schema import legacy_logins

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

CHARS_MAX: Final = 100  # of what a client says of itself


@dataclass(frozen=True, slots=True)
class LegacyUse:
    """One district's use of the legacy port."""

    district: str
    logins: int
    last_at: datetime
    client: str
    """What its client calls itself, at the last login; printable."""
    cipher: str
    mac: str


async def note(tx: AsyncConnection, district: str, at: datetime, *, client: str, cipher: str, mac: str) -> None:
    """Count a login of a district; of its client the last one is kept."""
    values = {"last_at": at, "client": _shown(client), "cipher": _shown(cipher), "mac": _shown(mac)}
    counted = {"logins": legacy_logins.c.logins + 1, **values}
    changed = await tx.execute(legacy_logins.update().where(legacy_logins.c.district == district).values(counted))
    if not changed.rowcount:
        await tx.execute(legacy_logins.insert().values(district=district, logins=1, **values))


async def used(tx: AsyncConnection) -> list[LegacyUse]:
    """Return every district that has ever used the port, the last one first."""
    rows = await tx.execute(sa.select(legacy_logins).order_by(legacy_logins.c.last_at.desc(), legacy_logins.c.district))
    return [LegacyUse(**row) for row in rows.mappings()]


def _shown(text: str) -> str:
    return "".join(char for char in text[:CHARS_MAX] if char.isprintable())
