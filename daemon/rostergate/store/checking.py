"""Checking the database: whether it is whole, of this version, and the roster in it keeps its rules.

Each check is a sentence about what was found; none of them repeats a cell. What one engine can check by itself (pages,
foreign keys) is asked of SQLite alone: PostgreSQL enforces its foreign keys always, and its pages are its
administrator's (`pg_amcheck`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from rostergate.core.roster import PEOPLE, TABLES
from rostergate.core.target import NEEDS
from rostergate.store import upgrading
from rostergate.store.engine import reading
from rostergate.store.schema import deliveries
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer."""

    name: str
    ok: bool
    found: str


async def check(engine: AsyncEngine) -> list[Check]:
    """Ask everything of one state of the database. Raises `StoreError` when it cannot be read."""
    async with reading(engine) as tx:
        version = await _version(tx)
        if not version.ok:
            return [version]  # the tables of another version are not looked at
        return [version, *[one async for one in _of_file(tx)], *[await _counted(tx, *one) for one in _invariants()]]


async def _version(tx: AsyncConnection) -> Check:
    known = upgrading.revision_known()
    found = await tx.run_sync(upgrading.revision_found)
    if found == known:
        return Check("schema", ok=True, found=f"schema {known}, as this version has it")
    if found is None:
        return Check("schema", ok=False, found="never set up; run `rostergate db upgrade`")
    if found in upgrading.revisions():
        return Check("schema", ok=False, found=f"schema {found}, older than {known}; run `rostergate db upgrade`")
    return Check("schema", ok=False, found=f"schema {found}, of a newer version than this; install that version")


async def _of_file(tx: AsyncConnection) -> AsyncIterator[Check]:
    if tx.dialect.name != "sqlite":
        return
    pages = list(await tx.scalars(sa.text("PRAGMA integrity_check(20)")))
    whole = pages == ["ok"]
    damage = f"damaged in {len(pages)} places or more; stop the daemon and restore the last backup"
    yield Check("pages", ok=whole, found="the file is whole" if whole else damage)
    broken = len((await tx.execute(sa.text("PRAGMA foreign_key_check"))).all())
    yield Check("foreign keys", ok=not broken, found=f"{broken} rows that refer to nothing")


async def _counted(tx: AsyncConnection, name: str, what: str, queries: list[sa.Select[int]]) -> Check:
    """Count what must not be there."""
    found = sum([int(await tx.scalar(query) or 0) for query in queries])
    return Check(name, ok=not found, found=f"{found} {what}")


def _invariants() -> Iterator[tuple[str, str, list[sa.Select[int]]]]:
    """Return, for each rule of the roster, its name, what breaks it, and the queries that count that.

    What a row refers to is told by the one list that the target of every delivery is checked against.
    """
    yield "one current version", "keys with more than one current version", [_doubled(name) for name in TABLES]
    yield "ties", "current people without any tie", [_untied(people.name) for people in PEOPLE]
    needed = [_without(name, other, on) for name, needs in NEEDS.items() for other, on in needs]
    yield "references", "current rows that refer to nothing", needed
    yield "order", "versions that end before they begin", [_backwards(name) for name in TABLES]
    origins = [_of_nothing(name, column) for name in TABLES for column in ("since_delivery", "until_delivery")]
    yield "origin", "versions made or ended by a delivery that there is not", origins


def _count(rows: sa.Subquery | sa.Table) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(rows)


def _doubled(name: str) -> sa.Select[int]:
    made = versions[name]
    key = [made.c.district, *(made.c[column] for column in TABLES[name].key)]
    doubled = sa.select(*key).where(made.c.until_delivery.is_(None)).group_by(*key).having(sa.func.count() > 1)
    return _count(doubled.subquery())


def _agree(one: sa.Table, other: sa.Table, on: Iterable[str]) -> sa.ColumnElement[bool]:
    return sa.and_(one.c.district == other.c.district, *(one.c[column] == other.c[column] for column in on))


def _untied(people: str) -> sa.Select[int]:
    made = versions[people]
    ties = (versions[tie] for tie in TABLES[people].tied_by)
    untied = (
        ~sa.exists().where(_agree(made, tie, TABLES[people].key), tie.c.until_delivery.is_(None)).correlate(made)
        for tie in ties
    )
    return _count(made).where(made.c.until_delivery.is_(None), *untied)


def _without(name: str, other: str, on: Iterable[str]) -> sa.Select[int]:
    """Count the current rows of a table without a current row of another one that has the same in some columns."""
    rows, needed = versions[name], versions[other]
    there = sa.exists().where(_agree(rows, needed, on), needed.c.until_delivery.is_(None)).correlate(rows)
    return _count(rows).where(rows.c.until_delivery.is_(None), ~there)


def _backwards(name: str) -> sa.Select[int]:
    made = versions[name]
    # By grounds: an undo may have a higher number than the delivery whose turn is after it.
    return _count(made).where(made.c.until_ground < made.c.since_ground)


def _of_nothing(name: str, column: str) -> sa.Select[int]:
    made = versions[name]
    is_it = deliveries.c.district == made.c.district, deliveries.c.number == made.c[column]
    return _count(made).where(made.c[column].is_not(None), ~sa.exists().where(*is_it).correlate(made))
