from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.store import legacy
from store.making import AT, LATER

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

OLD = {"client": "JSCH-0.1.51", "cipher": "aes128-cbc", "mac": "hmac-sha1"}


async def test_logins_are_counted_and_the_last_client_is_kept(tx: AsyncConnection) -> None:
    """Each district has one row: how often, when last, with what; the last one to come in stands first."""
    assert await legacy.used(tx) == []
    await legacy.note(tx, "lincoln", AT, **OLD)
    await legacy.note(tx, "madison", AT, **OLD)
    await legacy.note(tx, "lincoln", LATER, **{**OLD, "client": "PuTTY_Release_0.60"})
    assert await legacy.used(tx) == [
        legacy.LegacyUse("lincoln", 2, LATER, "PuTTY_Release_0.60", "aes128-cbc", "hmac-sha1"),
        legacy.LegacyUse("madison", 1, AT, **OLD),
    ]


async def test_what_a_client_says_of_itself_is_cut(tx: AsyncConnection) -> None:
    """A client's own words are kept short, and cannot move the reader's cursor."""
    await legacy.note(tx, "lincoln", AT, **{**OLD, "client": "\x1b[2Jold" + "x" * 1_000})
    (use,) = await legacy.used(tx)
    assert use.client.startswith("[2Joldx")
    assert len(use.client) < legacy.CHARS_MAX
