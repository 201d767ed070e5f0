"""What a delivery changed at once, in the transaction that concluded it: the changes of its clear plans, all together.

A hundred schools have a thousand small tables of changes. Put together they are ten large ones, which takes a tenth of
the time and half the room; only plans that wait keep their own (`plans.changes`), because each is applied by itself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.core.diff import gathered, shared
from rostergate.core.plan import packed_rows, unpacked_rows
from rostergate.core.roster import TABLES
from rostergate.store.schema import applied_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames


def packed(plans: Mapping[str, Frames]) -> dict[str, bytes]:
    """Return the changes of plans, by school id, as `write` takes them: an Arrow IPC file by canonical table."""
    return {name: packed_rows(rows) for name in TABLES if (rows := gathered(plans, name)) is not None}


async def write(tx: AsyncConnection, delivery: str, changes: Mapping[str, bytes]) -> None:
    """Write what `packed` returned."""
    for table, rows in changes.items():  # one by one: of a million students each may be a hundred megabytes
        await tx.execute(applied_changes.insert().values({"delivery": delivery, "table": table, "rows": rows}))


async def load(tx: AsyncConnection, delivery: str) -> dict[str, Frames]:
    """Return the changes of the plans that a delivery's conclusion applied, by school id, as `Plan.changes`."""
    query = sa.select(applied_changes.c.table, applied_changes.c.rows).where(applied_changes.c.delivery == delivery)
    found: dict[str, bytes] = {table: rows for table, rows in await tx.execute(query)}  # noqa: C416 - of rows
    return await asyncio.to_thread(_unpacked, found)


def _unpacked(found: Mapping[str, bytes]) -> dict[str, Frames]:
    return shared({name: unpacked_rows(found[name]) for name in TABLES if name in found})
