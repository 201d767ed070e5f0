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


async def test_a_hash_is_renewed_while_it_is_the_same(tx: AsyncConnection) -> None:
    """Another hash takes the place of the one it was made for, not of a password that was set meanwhile."""
    await credentials.set_password(tx, "lincoln", "$argon2id$old", AT)
    assert await credentials.renew_password(tx, "lincoln", "$argon2id$old", "$argon2id$new")
    assert not await credentials.renew_password(tx, "lincoln", "$argon2id$old", "$argon2id$newer")
    assert await credentials.password_hashes(tx) == ["$argon2id$new"]
    assert await credentials.changed_at(tx, "lincoln") == AT
