"""Reporting: puts a delivery's story together from the store and lets the desk write it.

Rule 1: a report says what the store says. It can be written again at any time; `reported_at` tells whether it must be.
Rule 2: LATEST.txt tells of the newest delivery; the report of an older one leaves it alone.
Rule 3: whoever changes what a report says writes it again. Where that was kept from it, `due_reports` finds out.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from rostergate import store
from rostergate.core.calendar import day_of, next_opening
from rostergate.desk import latest, report
from rostergate.desk.story import Story
from rostergate.service.address import address
from rostergate.spool import sealing
from rostergate.store import deliveries, past, plans, undos, verdicts
from rostergate.worker import road, slot, workbench

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District, Settings
    from rostergate.core.roster import Frames
    from rostergate.core.verdict import Verdict
    from rostergate.desk.story import Change
    from rostergate.service.address import Address
    from rostergate.spool.folders import Spool
    from rostergate.store import Location

PREVIEW: Final = "preview"
"""The folder of the newest dry run's report; no delivery is called so."""
HISTORY_MAX: Final = 20
"""Deliveries on the line of a report: four weeks of school days."""


def write_in_process(
    spool: Spool, database: Location, settings: Settings, district: District, delivery: str, now: datetime
) -> None:
    """Write a delivery's report. Runs in a worker process. Raises as `write` does."""
    workbench.do(database, lambda engine: write(engine, spool, settings, district, delivery, now))


async def write(
    engine: AsyncEngine, spool: Spool, settings: Settings, district: District, delivery: str, now: datetime
) -> None:
    """Write a delivery's report, and LATEST.txt where it is the newest; note in the store that it is written.

    Raises `NotFound`, `StoreError`, `OSError`.
    """
    async with store.reading(engine) as tx:
        stored = await plans.of(tx, delivery)
        changes = await plans.changes(tx, delivery)
        held = [(plan.school_id, await plans.concerned_rows(tx, plan)) for plan in stored if plan.holds]
    told = await story(engine, spool, settings, district, delivery, now)
    told = replace(told, changes=partial(_changes, sorted(changes.items())), held=held.copy)
    await asyncio.to_thread(report.write, spool.report(district.slug, delivery), told)
    async with store.reading(engine) as tx:  # only now: a large report takes its time, and a newer one may have come
        newest = await deliveries.latest(tx, district.slug)
    if newest is not None and newest.id == delivery:
        await asyncio.to_thread(latest.write, spool.reports(district.slug), told)
    async with store.writing(engine, district.slug) as tx:
        if (await deliveries.get(tx, delivery)).state == told.state:
            await deliveries.reported(tx, delivery, now)


async def story(
    engine: AsyncEngine, spool: Spool, settings: Settings, district: District, delivery: str, now: datetime
) -> Story:
    """Return a delivery's story as it stands, without its changed rows. Raises `NotFound`, `StoreError`, `OSError`."""
    async with store.reading(engine) as tx:
        answer = await verdicts.load(tx, delivery)
        about = await deliveries.get(tx, delivery)
        newer = await deliveries.replaced_by(tx, about)
        by_undo = newer is not None and await undos.of(tx, newer) is not None
        refused = await slot.refusal(tx, district, day_of(now, district.zone))
        last = [] if answer["undo"] else await past.up_to(tx, district.slug, about.number, HISTORY_MAX)
    if about.format and district.format == "auto" and sealing.kept(spool, delivery):
        answer["recognised"] = await asyncio.to_thread(road.recognised, spool.delivery(delivery), spool.key_file)
    reached = address(spool, settings)
    return Story(
        district=district.slug,
        name=district.name,
        zone=district.zone,
        delivery=delivery,
        state=about.state.value,
        verdict=answer if about.outcome else None,
        undoes=answer["undo"] and answer["undo"]["undone"],
        undone_by=tuple(answer["undone_by"]),
        replaced_by=newer,
        replaced_by_undo=by_undo,
        received_at=about.sealed_at or about.began_at,
        decided_at=about.decided_at,
        day=about.day,
        next_opening=next_opening(now, district.zone) if refused else None,
        history=tuple(last),
        host=reached.host,
        port=reached.port,
        username=district.slug,
    )


def dry_run(
    spool: Spool, database: Location, settings: Settings, district: District, folder: Path, now: datetime
) -> dict[str, Any]:
    """Decide about a dry run, write its report and remove its files. Runs in a worker process.

    Returns what the log tells of it: verdict, format, files, findings by severity. Raises `StoreError`, `OSError`.
    """
    policy = district.policy(settings, day_of(now, district.zone))
    verdict = road.dry_run(database, folder, district.slug, policy)
    told = _dry_run_story(address(spool, settings), district, verdict, now)
    report.write(spool.report(district.slug, PREVIEW), told)
    latest.write(spool.reports(district.slug), told)
    sealing.discard(folder)
    return {
        "verdict": verdict.outcome.value,
        "format": verdict.format,
        "files": len(verdict.files),
        "findings": sum(one.count for one in verdict.findings),
    }


def _dry_run_story(reached: Address, district: District, verdict: Verdict, now: datetime) -> Story:
    return Story(
        district=district.slug,
        name=district.name,
        zone=district.zone,
        delivery=None,
        state=None,
        verdict=verdict.as_json(),
        received_at=now,
        decided_at=now,
        folder=f"/reports/{PREVIEW}/",
        host=reached.host,
        port=reached.port,
        username=district.slug,
        changes=partial(_changes, [(plan.school_id, plan.changes) for plan in verdict.plans]),
        held=[(plan.school_id, plan.holds) for plan in verdict.plans].copy,
    )


def _changes(plans_of_schools: Iterable[tuple[str, Frames]]) -> Iterator[Change]:
    for school_id, changes in plans_of_schools:
        for table, rows in changes.items():
            yield school_id, table, rows
