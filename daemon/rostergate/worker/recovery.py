"""Recovery: at start-up, what is on disk and what is in the database are brought together.

The crash table. A delivery's road is a row of steps; wherever the program stopped, one of these is found:

    on disk                                in the database       start-up does
    -------------------------------------  --------------------  -----------------------------------------------------
    inbox/<d>/.scratch/*                   anything              puts it aside for a resume (inbox)
    inbox/<d>/<file>                       nothing, receiving    looks at the set as if it had just come (receiving)
    deliveries/<id>.sealing, no manifest   receiving             sends the files back to the inbox
    deliveries/<id>.sealing, manifest      receiving             gives it its final name; then as below
    deliveries/<id>                        receiving             records it as sealed
    deliveries/<id>                        sealed                decides it, unless its attempts are used up (queue)
    nothing                                sealed                gives up: `failed`, says that the files are gone
    deliveries/<id>                        planned and later     writes the report, where it is missing (service)
    deliveries/<id>                        no such delivery      sets it aside and says so: the database is an older
                                                                 backup, and the district's next delivery has that name
    deliveries/<d>.preview                 anything              removes it: a dry run can be pushed again

Between "sealed" and "planned" there is one database transaction, so no half plan is ever found.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from rostergate import journal, store
from rostergate.core.delivery import State
from rostergate.errors import NotFound
from rostergate.spool import sealing
from rostergate.store import deliveries
from rostergate.worker import failing, sealed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import Districts, Settings
    from rostergate.spool.folders import Spool

log = structlog.get_logger()


async def recover(
    engine: AsyncEngine, spool: Spool, districts: Districts, settings: Settings, now: datetime
) -> list[str]:
    """Go through the crash table, top to bottom; return whose dry runs were removed. Raises `StoreError`, `OSError`."""
    for folder in await asyncio.to_thread(sealing.unfinished, spool):
        await asyncio.to_thread(_end_sealing, spool, folder)
    dry_runs = await asyncio.to_thread(sealing.dry_runs, spool)
    for folder in dry_runs:
        await asyncio.to_thread(sealing.discard, folder)
        log.warning(journal.STATE_RECOVERED, folder=folder.name, step="dry run removed")
    folders = await asyncio.to_thread(sealing.sealed, spool)
    async with store.reading(engine) as tx:
        known = {folder: await _known(tx, folder.name) for folder in folders}
    for folder, delivery in known.items():
        await _enter_seal(engine, districts, settings, folder, delivery)
    async with store.writing(engine) as tx:
        await deliveries.note_stuck(tx, None, None)  # that is found out again
        for delivery in await deliveries.due(tx):
            if not spool.delivery(delivery.id).exists():
                why = "its files are gone from the disk; upload them again"
                await failing.give_up(tx, settings, districts, delivery.id, why, now)
                log.error(
                    journal.DELIVERY_FAILED, delivery=delivery.id, district=delivery.district, reason="files gone"
                )
    return [sealing.origin(folder)[0] for folder in dry_runs]


def _end_sealing(spool: Spool, folder: Path) -> None:
    """Finish a sealing or undo it. Where neither can be done now only its district waits: receiving goes on with it."""
    try:
        manifest = sealing.end(spool, folder.name.removesuffix(sealing.UNFINISHED))
    except OSError as error:
        log.error(journal.STATE_RECOVERED, folder=folder.name, step="not put in order yet", exc_info=error)
        return
    step = "sealing finished" if manifest else "files sent back to the inbox"
    log.warning(journal.STATE_RECOVERED, folder=folder.name, step=step)


async def _known(tx: AsyncConnection, delivery: str) -> deliveries.Delivery | None:
    try:
        return await deliveries.get(tx, delivery)
    except NotFound:
        return None


async def _enter_seal(
    engine: AsyncEngine, districts: Districts, settings: Settings, folder: Path, delivery: deliveries.Delivery | None
) -> None:
    if delivery is None:
        aside = await asyncio.to_thread(sealing.set_aside, folder)
        step = f"set aside as {aside.name}: the database has no such delivery"
        log.error(journal.STATE_RECOVERED, folder=folder.name, step=step)
    elif delivery.state is State.RECEIVING:
        if district := districts.get(delivery.district):
            manifest = await asyncio.to_thread(sealing.manifest_of, folder)
            await sealed.enter(engine, district, manifest, settings)
            log.warning(journal.STATE_RECOVERED, delivery=delivery.id, step="recorded as sealed")
        else:
            log.error(
                journal.STATE_RECOVERED, delivery=delivery.id, step="left alone: its district has no configuration"
            )
