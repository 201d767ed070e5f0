"""Removing a district: its account and its files at once, its history when the platform has followed.

Rule 1: what would go is told first. Whoever was interrupted does it again: each step finds what is left.
Rule 2: the district's file goes first, so that nothing more comes in; then the roster, so that the feed tells it; then
the disk. The history is another step, because the feed is told from it.
"""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate import store
from rostergate.errors import NotFound, Refused
from rostergate.spool import sealing
from rostergate.spool.folders import Area
from rostergate.store import leaving
from rostergate.worker import kept

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.spool.folders import Spool


@dataclass(frozen=True, slots=True)
class Outlook:
    """What there is of a district."""

    district: str
    file: Path | None
    """Its file in the configuration; None when it has gone already."""
    folders: tuple[Path, ...]
    """Inboxes, deliveries, reports and what is kept of its roster."""
    current: int
    """Rows in the roster."""
    versions: int
    """Rows of roster and history."""
    plans: int
    deliveries: int

    @property
    def here(self) -> bool:
        """Whether it has not left yet: the first step has something to do."""
        return bool(self.file or self.folders or self.current)


async def look(engine: AsyncEngine, spool: Spool, districts: Path, district: str) -> Outlook:
    """Return what there is of a district; change nothing. Raises `NotFound`, `StoreError`, `OSError`."""
    async with store.reading(engine) as tx:
        known = await leaving.known(tx, district)
    file = districts / f"{district}.toml"
    found = Outlook(
        district=district,
        file=file if file.exists() else None,
        folders=await asyncio.to_thread(lambda: tuple(_folders(spool, district))),
        **known,
    )
    if not (found.here or found.deliveries):
        raise NotFound(f"there is no district {district}; `rostergate district list` shows those there are")
    return found


async def leave(engine: AsyncEngine, spool: Spool, outlook: Outlook, now: datetime) -> int:
    """Take a district out of configuration, roster and disk; return how many changes of the roster that are.

    Raises `Refused` while a delivery of it is being decided; `StoreError`, `OSError`.
    """
    district = outlook.district
    async with store.reading(engine) as tx:
        await leaving.assert_decided(tx, district)
    if outlook.file is not None:
        await asyncio.to_thread(outlook.file.unlink, missing_ok=True)
    async with store.writing(engine, district) as tx:
        changes = await leaving.leave(tx, district, now)
    await asyncio.to_thread(kept.forget, spool, district)
    for folder in await asyncio.to_thread(lambda: list(_folders(spool, district))):
        await asyncio.to_thread(_remove, folder)
    return changes


async def forget(engine: AsyncEngine, outlook: Outlook) -> int:
    """Remove a district's history; return how many rows those were. Raises `Refused` while it has not left."""
    if outlook.here:
        raise Refused(
            f"{outlook.district} is still there: first `rostergate district remove {outlook.district}`, and this when "
            "the platform has followed"
        )
    async with store.writing(engine, outlook.district) as tx:
        return await leaving.forget(tx, outlook.district)


def _folders(spool: Spool, district: str) -> list[Path]:
    own = [spool.inbox(district, area) for area in Area]
    own += [spool.reports(district), spool.kept(district), spool.delivery(sealing.dry_run(district))]
    own += [
        folder
        for folder in (*sealing.sealed(spool), *sealing.unfinished(spool), *sealing.aside(spool))
        if folder.name.partition(".")[0].rpartition("-")[0] == district
    ]
    return [path for path in own if path.exists()]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
