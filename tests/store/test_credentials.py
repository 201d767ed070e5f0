from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.store import credentials
from store.making import AT, LATER

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection


async def test_the_last_password_is_the_only_one(tx: AsyncConnection) -> None:
    """A district has no password until one is set, and afterwards the last one that was set."""
    assert await credentials.password_hash(tx, "lincoln") is None
    await credentials.set_password(tx, "lincoln", "$argon2id$one", AT)
    await credentials.set_password(tx, "east", "$argon2id$other", AT)
    await credentials.set_password(tx, "lincoln", "$argon2id$two", LATER)
    assert await credentials.password_hash(tx, "lincoln") == "$argon2id$two"
    assert await credentials.password_hash(tx, "east") == "$argon2id$other"
