"""Erasing a person: from the database, from the files of deliveries, from reports and from everything kept beside them.

Rule 1: what would go is told first, and what cannot be told from here is said in words: backups, the district's own
export, whatever the platform has taken over.
Rule 2: database first, in one transaction; then the disk; then what databases keep of deleted rows. Whoever was
interrupted does it again: what is left is found by the id then, no longer by names.
Rule 3: a delivery's files are sealed by their hashes, so nothing is cut out of them: where one of them names the
person, all files of that delivery go. Its manifest stays, and says so.
"""

from __future__ import annotations

import asyncio
import csv
import secrets
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rostergate import store
from rostergate.core.roster import PEOPLE
from rostergate.desk.words import listed
from rostergate.errors import NotFound, Refused
from rostergate.service import reporting
from rostergate.spool import sealing
from rostergate.spool.cipher import CipherDamagedError, KeyUnusableError
from rostergate.spool.folders import Area
from rostergate.spool.searching import found_in, pattern
from rostergate.store import compacting, deliveries, erasing
from rostergate.store.erasing import Person
from rostergate.worker import kept

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path
    from re import Pattern

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import District, Settings
    from rostergate.core.delivery import State
    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.store.erasing import Traces

ROLES: Final = {table.name: table for table in PEOPLE}
_SALT_BYTES: Final = 16
_PIECE_BYTES: Final = 1 << 20
_SHEETS: Final = ("changes.csv", "holds.csv")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What erasing a person would do."""

    traces: Traces
    files: tuple[str, ...]
    """Deliveries whose files would go."""
    unreadable: tuple[str, ...]
    """Those of them of which nobody can say whether they name the person."""
    reports: tuple[str, ...]
    """Deliveries whose reports would be written again."""
    newest: tuple[str, State] | None
    """The district's newest delivery, and how it stood: what has come since was not looked at."""

    @property
    def empty(self) -> bool:
        """Whether nothing of the person is kept."""
        return not (self.traces.any or self.files or self.reports)


async def look(
    engine: AsyncEngine, spool: Spool, district: str, person_id: str, role: str | None, *, unreadable: bool = False
) -> Outlook:
    """Work out what erasing a person would do; change nothing.

    `unreadable`: files that cannot be read, because their key is lost or they are damaged, go as if they named the
    person. Raises `NotFound` when nothing of such a person is kept; raises `Refused` when the id is of several people
    and no role says which, while files that are coming in name the person, and where files cannot be read and are not
    to go.
    """
    async with store.reading(engine) as tx:
        newest = await _newest(tx, district)
    found = []
    for name, table in ROLES.items():
        if role in {None, name}:
            async with store.reading(engine) as tx:
                found.append(await erasing.find(tx, Person(district, table, person_id)))
    known = [one for one in found if one.any]
    if len(known) > 1:
        roles = ", ".join(one.person.role.name for one in known)
        raise Refused(f"{person_id} is the id of several people of {district}: {roles}. Say which with --role.")
    traces = known[0] if known else found[0]
    wanted = pattern([person_id, *traces.emails], traces.names)
    coming = await asyncio.to_thread(_coming, spool, district, wanted)
    if coming:
        raise Refused(f"{coming}. Let it be decided, or remove it, and erase then.")
    naming, unread = await asyncio.to_thread(_deliveries_naming, spool, district, wanted)
    if unread and not unreadable:
        raise Refused(
            f"{listed([*unread])}: the files cannot be read, so nobody knows whether they name this person "
            f"({next(iter(unread.values()))}). Once they can, erase as now; where they never will, --unreadable has "
            "all files of these deliveries go as well."
        )
    outlook = Outlook(
        traces,
        (*naming, *unread),
        (*unread,),
        await asyncio.to_thread(lambda: tuple(_reports_naming(spool, district, person_id, traces.deliveries))),
        newest,
    )
    if outlook.empty:
        raise NotFound(f"Nothing of a person {person_id} of {district} is kept; ids are the SIS's, and capitals count.")
    return outlook


async def carry_out(
    engine: AsyncEngine, spool: Spool, settings: Settings, district: District | None, outlook: Outlook, now: datetime
) -> None:
    """Do what was told. Raises `Refused` where a delivery came since, or is being decided; `StoreError`, `OSError`."""
    who = outlook.traces.person
    async with store.writing(engine, who.district) as tx:
        newest = await _newest(tx, who.district)
        if newest and newest != outlook.newest:
            raise Refused(f"{newest[0]} has come or was decided meanwhile, and may name the person. Erase again.")
        if outlook.traces.any:
            await erasing.erase(tx, who, now, secrets.token_hex(_SALT_BYTES))
    for delivery in outlook.files:
        await asyncio.to_thread(sealing.erase, spool.delivery(delivery), now)
    await asyncio.to_thread(kept.forget, spool, who.district)
    for delivery in outlook.reports:
        if district is not None and delivery != reporting.PREVIEW:
            await reporting.write(engine, spool, settings, district, delivery, now)
    for delivery in await asyncio.to_thread(lambda: list(_reports_naming(spool, who.district, who.id, ()))):
        await asyncio.to_thread(shutil.rmtree, spool.report(who.district, delivery))


async def _newest(tx: AsyncConnection, district: str) -> tuple[str, State] | None:
    found = await deliveries.latest(tx, district)
    return None if found is None else (found.id, found.state)


async def compact(location: Location) -> None:
    """Let nothing be left in the database's files of what was erased. Raises `StoreError`."""
    await asyncio.to_thread(compacting.compact, location)


def _coming(spool: Spool, district: str, wanted: Pattern[bytes]) -> str | None:
    """Say what is coming in and names the person, or may."""
    for area in Area:
        for folder in (spool.inbox(district, area), spool.scratch(district, area)):
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
            for path in paths:
                if path.is_file() and found_in(_pieces(path), wanted):
                    return f"{path.name} is coming in and names this person"
    if any(sealing.origin(folder)[0] == district for folder in sealing.unfinished(spool)):
        return "A set is being sealed and may name this person"
    folder = spool.delivery(sealing.dry_run(district))
    named = folder.is_dir() and _names(folder, wanted, None)
    return "A dry run is coming in and names this person" if named else None


def _deliveries_naming(spool: Spool, district: str, wanted: Pattern[bytes]) -> tuple[list[str], dict[str, str]]:
    """Return the deliveries whose files name the person, and why those of others cannot be read."""
    naming, unread = [], {}
    for folder in (*sealing.sealed(spool), *sealing.aside(spool)):
        if folder.name.rpartition("-")[0] == district:
            try:
                if _names(folder, wanted, spool.key_file):
                    naming.append(folder.name)
            except (KeyUnusableError, CipherDamagedError) as error:
                unread[folder.name] = str(error)
    return naming, unread


def _names(folder: Path, wanted: Pattern[bytes], key_file: Path | None) -> bool:
    return any(found_in(pieces, wanted) for pieces in sealing.in_pieces(folder, key_file))


def _reports_naming(spool: Spool, district: str, person_id: str, known: tuple[str, ...]) -> Iterator[str]:
    """Give the deliveries with a report that names the person, by the store's word or by its own sheets."""
    root = spool.reports(district)
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        if folder.is_dir() and (folder.name in known or any(_has_cell(folder / name, person_id) for name in _SHEETS)):
            yield folder.name


def _has_cell(path: Path, value: str) -> bool:
    if not path.exists():
        return False
    with path.open(encoding="utf-8", newline="") as sheet:
        return any(value in (cell, cell.removeprefix("'")) for row in csv.reader(sheet) for cell in row)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
