"""Turns in the store: each time a delivery had its say about a district's roster, in the order of the commits.

A turn is one transaction's work for one delivery: its conclusion, even when that changed nothing, or plans of it that
were released together. A turn may also be of no delivery: then no row has changed, but where rows stand with the
platform (`store.states`). The turns of all districts form one line, and the feed of changes follows it.

Rule 1: positions count up in the order in which transactions are committed. The end of the line is one row, locked from
the moment a position is taken until the transaction ends, so nobody who has read a position can miss an earlier one.
Rule 2: the turns of a district's deliveries never interleave: once another delivery has been accepted, what waits of an
older one is superseded. So a delivery's turns tell the roster before it and the roster after it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rostergate.errors import NotFound, Refused
from rostergate.store.schema import WHOLE_DISTRICT, deliveries, feed_end, grounds, turns

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Rows:
    """What a turn did to one canonical table."""

    first: int = 0
    """The lowest `id` that a version which the turn made can have; it may have made less than all from there on."""
    last: int = 0
    made: int = 0
    """Versions."""
    ended: int = 0
    stood: int = 0
    """Rows that it tells to stand otherwise, whether it changed them or not."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn. `at` is aware, in UTC."""

    position: int
    delivery: str | None
    """None where only states have changed."""
    district: str
    ground: int
    """The district's, after it."""
    at: datetime
    rows: dict[str, Rows]
    """By canonical table; tables that stayed as they were are left out."""

    renumbered: int = 0
    """Times it has lost lines to an erasure, and the others were numbered anew."""
    erased: dict[str, str] | None = None
    """Who was erased by it: `table`, and `sha256` of `salt` and id (`core.person.digest`)."""

    @property
    def moved(self) -> bool:
        """Whether it changed any row."""
        return any(one.made or one.ended for one in self.rows.values())

    @property
    def first_line(self) -> int:
        """The number before that of its first line in the feed: higher than any that was given before it lost lines."""
        return self._lines * self.renumbered

    @property
    def lines_max(self) -> int:
        """The highest number that a line of the feed about it can have."""
        return self._lines * (self.renumbered + 1)

    @property
    def _lines(self) -> int:
        return sum(one.made + one.ended + one.stood for one in self.rows.values()) + bool(self.erased)


@dataclass(frozen=True, slots=True)
class Span:
    """A delivery's turns together, as grounds of its district."""

    before: int
    """The ground on which it found the roster."""
    after: int
    """The ground on which it left the roster; the same when it changed nothing."""
    position: int
    """Of its last turn."""


async def take(
    tx: AsyncConnection, delivery: str | None, district: str, *, ground: int, at: datetime, rows: Mapping[str, Rows]
) -> int:
    """Note a delivery's turn at the end of the line, and return its position.

    The last thing that its transaction does for the roster; what it makes stand otherwise is added with `stood`.
    """
    end = feed_end.update().values(position=feed_end.c.position + 1).returning(feed_end.c.position)
    position: int | None = await tx.scalar(end)
    if position is None:
        raise AssertionError("the line of turns has no end: the database was not made by the migrations")
    told = {name: asdict(one) for name, one in rows.items()}
    new = {"position": position, "delivery": delivery, "district": district, "ground": ground, "at": at, "rows": told}
    await tx.execute(turns.insert().values(new))
    return position


async def take_alone(tx: AsyncConnection, district: str, at: datetime) -> int:
    """Note a turn of no delivery, for what stands otherwise without any row changing; return its position."""
    query = sa.select(grounds.c.ground).where(grounds.c.district == district, grounds.c.school_id == WHOLE_DISTRICT)
    return await take(tx, None, district, ground=int(await tx.scalar(query) or 0), at=at, rows={})


async def stood(tx: AsyncConnection, position: int, counts: Mapping[str, int]) -> None:
    """Note how many rows, by canonical table, the turn at a position tells to stand otherwise. Counts add up."""
    turn = await at(tx, position) if any(counts.values()) else None
    if turn is None:
        return
    rows = dict(turn.rows)
    for name, count in counts.items():
        known = rows.get(name, Rows())
        rows[name] = replace(known, stood=known.stood + count)
    told = {name: asdict(one) for name, one in rows.items()}
    await tx.execute(turns.update().where(turns.c.position == position).values(rows=told))


async def newest(tx: AsyncConnection, district: str) -> Turn | None:
    """Return a district's last turn; None before its first."""
    query = sa.select(turns).where(turns.c.district == district).order_by(turns.c.position.desc()).limit(1)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else _turn(row)


async def newest_delivery(tx: AsyncConnection, district: str) -> str | None:
    """Return the delivery of a district that had the last turn; None before the first."""
    of_delivery = turns.c.district == district, turns.c.delivery.is_not(None)
    query = sa.select(turns.c.delivery).where(*of_delivery).order_by(turns.c.position.desc()).limit(1)
    found: str | None = await tx.scalar(query)
    return found


async def mark_erased(tx: AsyncConnection, position: int, told: Mapping[str, str]) -> None:
    """Note who was erased by a turn, in the shape of `Turn.erased`."""
    await tx.execute(turns.update().where(turns.c.position == position).values(erased=dict(told)))


async def renumber(tx: AsyncConnection, district: str, moved_to: Collection[int]) -> None:
    """Note that the turns which led a district to these grounds, or were on them, have lost lines."""
    chosen = turns.update().where(turns.c.district == district, turns.c.ground == sa.bindparam("moved_to"))
    if moved_to:
        await tx.execute(
            chosen.values(renumbered=turns.c.renumbered + 1), [{"moved_to": one} for one in sorted(moved_to)]
        )


async def renumber_at(tx: AsyncConnection, district: str, positions: Collection[int]) -> None:
    """Note that the turns of a district at these positions have lost lines."""
    chosen = turns.c.district == district, turns.c.position.in_(positions)
    await tx.execute(turns.update().where(*chosen).values(renumbered=turns.c.renumbered + 1))


async def last(tx: AsyncConnection) -> int:
    """Return the position of the last turn; 0 before the first."""
    return int(await tx.scalar(sa.select(feed_end.c.position)) or 0)


async def following(tx: AsyncConnection, position: int, *, district: str | None = None, limit: int = 100) -> list[Turn]:
    """Return the turns after a position, of one district or of all, in order."""
    conditions = [turns.c.position > position]
    if district is not None:
        conditions.append(turns.c.district == district)
    query = sa.select(turns).where(*conditions).order_by(turns.c.position).limit(limit)
    return [_turn(row) for row in await tx.execute(query)]


async def at(tx: AsyncConnection, position: int) -> Turn | None:
    """Return the turn at a position; None when there is none."""
    row = (await tx.execute(sa.select(turns).where(turns.c.position == position))).one_or_none()
    return None if row is None else _turn(row)


async def of(tx: AsyncConnection, delivery: str) -> list[Turn]:
    """Return a delivery's turns, in order.

    Raises `NotFound`; raises `Refused` when it had none: it was not decided, so there is no roster as of it.
    """
    found = [
        _turn(row)
        for row in await tx.execute(sa.select(turns).where(turns.c.delivery == delivery).order_by(turns.c.position))
    ]
    if not found:
        state = await tx.scalar(sa.select(deliveries.c.state).where(deliveries.c.id == delivery))
        if state is None:
            raise NotFound(f"There is no delivery {delivery}; `rostergate deliveries` lists them.")
        raise Refused(f"Delivery {delivery} is {state} and was never decided: it has left no roster to look at.")
    return found


async def span(tx: AsyncConnection, delivery: str) -> Span:
    """Return the grounds before and after a delivery. Raises as `of` does."""
    found = await of(tx, delivery)
    return Span(before=found[0].ground - found[0].moved, after=found[-1].ground, position=found[-1].position)


def _turn(row: sa.Row[Any]) -> Turn:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    values["rows"] = {name: Rows(**counts) for name, counts in values["rows"].items()}
    return Turn(**values)
