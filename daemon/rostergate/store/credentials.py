"""Credentials: the hash of each district's password. The password itself is nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.store.schema import credentials

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


async def password_hash(tx: AsyncConnection, district: str) -> str | None:
    """Return a district's argon2id hash, or None when it has no password."""
    query = sa.select(credentials.c.password_hash).where(credentials.c.district == district)
    found: str | None = await tx.scalar(query)
    return found


async def password_hashes(tx: AsyncConnection) -> list[str]:
    """Return the hashes of all districts, in no order that says whose they are."""
    query = sa.select(credentials.c.password_hash).order_by(credentials.c.password_hash)
    return list(await tx.scalars(query))


async def renew_password(tx: AsyncConnection, district: str, old: str, new: str) -> bool:
    """Put another hash of the same password in the place of `old`; False when that is no longer the district's.

    When the password was issued stays as it was.
    """
    mine = (credentials.c.district == district) & (credentials.c.password_hash == old)
    renewed = await tx.execute(credentials.update().where(mine).values(password_hash=new))
    return bool(renewed.rowcount)


async def changed_at(tx: AsyncConnection, district: str) -> datetime | None:
    """Return when a district's password was issued, or None when it has none."""
    query = sa.select(credentials.c.changed_at).where(credentials.c.district == district)
    found: datetime | None = await tx.scalar(query)
    return found


async def set_password(tx: AsyncConnection, district: str, password_hash: str, at: datetime) -> None:
    """Make `password_hash` (argon2id, encoded) the only one that lets a district in."""
    values = {"password_hash": password_hash, "changed_at": at}
    changed = await tx.execute(credentials.update().where(credentials.c.district == district).values(values))
    if not changed.rowcount:
        await tx.execute(credentials.insert().values(district=district, **values))


async def known(tx: AsyncConnection) -> frozenset[str]:
    """Return the districts that have a password."""
    return frozenset(await tx.scalars(sa.select(credentials.c.district)))
