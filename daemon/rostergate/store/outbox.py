"""The outbox: mail that is to be sent, written in the transaction of what it tells.

Rule 1: a crash may send a mail twice, never lose it: it is written with what it tells, and closed after it was taken.
Rule 2: a kind is told once about the same thing to the same recipient; writing it again does nothing.
Rule 3: a row holds no cell value: what a mail says is read from the store when it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rostergate.core.notices import Kind
from rostergate.errors import NotFound
from rostergate.store.schema import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


class State(StrEnum):
    """What became of a mail."""

    WAITING = "waiting"  # to be sent, perhaps again
    SENT = "sent"  # a server has taken it
    DEAD = "dead"  # given up: refused for good, too old or tried too often


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one recipient. Instants are aware, in UTC."""

    id: int
    kind: Kind
    about: str
    """What it tells of, as Rule 2 means it: a delivery's id, a day, a plan."""
    district: str | None
    """None: it is for the operators and about no district."""
    delivery: str | None
    recipient: str
    facts: dict[str, Any]
    """Counts, file names and times that the store does not keep elsewhere; never a cell value."""
    state: State
    written_at: datetime
    next_try_at: datetime
    tries: int
    error: str | None
    """Why the last try failed, in the server's words."""
    closed_at: datetime | None


_COLUMNS = tuple(outbox.c[name] for name in Mail.__slots__)


async def write(
    tx: AsyncConnection,
    kind: Kind,
    about: str,
    recipients: Iterable[str],
    at: datetime,
    *,
    district: str | None = None,
    delivery: str | None = None,
    facts: Mapping[str, Any] | None = None,
    after: timedelta = timedelta(0),
) -> int:
    """Write a mail for each recipient that was not told this yet; return how many those were.

    It is due `after` that time; until then `take_back` can make it undone.
    """
    told = sa.select(outbox.c.recipient).where(outbox.c.kind == kind.value, outbox.c.about == about)
    already = set(await tx.scalars(told))
    rows = [
        {
            "kind": kind.value,
            "about": about,
            "district": district,
            "delivery": delivery,
            "recipient": recipient,
            "facts": dict(facts or {}),
            "state": State.WAITING.value,
            "written_at": at,
            "next_try_at": at + after,
            "tries": 0,
        }
        for recipient in dict.fromkeys(recipients)
        if recipient not in already
    ]
    if rows:
        await tx.execute(outbox.insert(), rows)
    return len(rows)


async def take_back(tx: AsyncConnection, kind: Kind, about: str, now: datetime) -> None:
    """Remove the mail of a kind about something that is not due yet: something else is told instead."""
    not_due = outbox.c.state == State.WAITING.value, outbox.c.tries == 0, outbox.c.next_try_at > now
    await tx.execute(outbox.delete().where(outbox.c.kind == kind.value, outbox.c.about == about, *not_due))


async def due(tx: AsyncConnection, now: datetime, limit: int) -> list[Mail]:
    """Return the mail whose time to be sent has come, oldest first."""
    waiting = (outbox.c.state == State.WAITING.value, outbox.c.next_try_at <= now)
    return await _select(tx, *waiting, order=outbox.c.id, limit=limit)


async def listed(tx: AsyncConnection, state: State | None = None, limit: int = 50) -> list[Mail]:
    """Return the newest mail, newest first."""
    condition = () if state is None else (outbox.c.state == state.value,)
    return await _select(tx, *condition, order=outbox.c.id.desc(), limit=limit)


async def get(tx: AsyncConnection, number: int) -> Mail:
    """Return one mail. Raises `NotFound`."""
    found = await _select(tx, outbox.c.id == number, order=outbox.c.id)
    if not found:
        raise NotFound(f"There is no mail {number}; `rostergate mail list` lists them.")
    return found[0]


async def about_delivery(tx: AsyncConnection, delivery: str) -> list[Mail]:
    """Return the mail about a delivery, oldest first."""
    its_days = outbox.c.about.startswith(f"{delivery} ")
    about = sa.or_(outbox.c.delivery == delivery, outbox.c.about == delivery, its_days)
    return await _select(tx, about, order=outbox.c.id)


async def sent(tx: AsyncConnection, number: int, at: datetime) -> None:
    """Note that a server has taken a mail."""
    await _set(tx, number, state=State.SENT.value, tries=outbox.c.tries + 1, closed_at=at, error=None)


async def failed(tx: AsyncConnection, number: int, error: str, next_try_at: datetime) -> None:
    """Note that a try failed, and when the next one is due."""
    await _set(tx, number, tries=outbox.c.tries + 1, error=error, next_try_at=next_try_at)


async def gave_up(tx: AsyncConnection, number: int, error: str, at: datetime) -> None:
    """Note that a mail will not be sent."""
    await _set(tx, number, state=State.DEAD.value, tries=outbox.c.tries + 1, error=error, closed_at=at)


async def retry(tx: AsyncConnection, number: int, at: datetime) -> Mail:
    """Let a mail that was given up be sent after all, its tries and its age counted anew. Raises `NotFound`."""
    await get(tx, number)
    await _set(tx, number, state=State.WAITING.value, tries=0, written_at=at, next_try_at=at, closed_at=None)
    return await get(tx, number)


async def counts(tx: AsyncConnection) -> dict[State, int]:
    """Return how many mails there are in each state."""
    counted = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
    found = {State(state): count for state, count in await tx.execute(counted)}
    return {state: found.get(state, 0) for state in State}


async def closed_before(tx: AsyncConnection, before: datetime, limit: int | None = None) -> list[int]:
    """Return the mails, by number, that were sent or given up before then, oldest first.

    The newest of a kind about a district is never among them: by that one it is known what has been told.
    """
    newest = sa.select(sa.func.max(outbox.c.id)).group_by(outbox.c.kind, outbox.c.district, outbox.c.recipient)
    closed = outbox.c.state != State.WAITING.value, outbox.c.closed_at < before
    query = sa.select(outbox.c.id).where(*closed, outbox.c.id.not_in(newest))
    return list(await tx.scalars(query.order_by(outbox.c.id).limit(limit)))


async def remove(tx: AsyncConnection, numbers: Iterable[int]) -> None:
    """Remove mails for good."""
    await tx.execute(outbox.delete().where(outbox.c.id.in_(tuple(numbers))))


async def last_about(tx: AsyncConnection, kind: Kind, district: str | None) -> Mail | None:
    """Return the newest mail of a kind about a district."""
    found = await _select(
        tx, outbox.c.kind == kind.value, outbox.c.district == district, order=outbox.c.id.desc(), limit=1
    )
    return found[0] if found else None


async def _set(tx: AsyncConnection, number: int, **values: Any) -> None:  # noqa: ANN401 - columns
    await tx.execute(outbox.update().where(outbox.c.id == number).values(**values))


async def _select(
    tx: AsyncConnection, *conditions: sa.ColumnElement[bool], order: sa.ColumnElement[Any], limit: int | None = None
) -> list[Mail]:
    query = sa.select(*_COLUMNS).where(*conditions).order_by(order).limit(limit)
    return [_mail(row) for row in await tx.execute(query)]


def _mail(row: sa.Row[Any]) -> Mail:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    return Mail(**{**values, "kind": Kind(values["kind"]), "state": State(values["state"])})
