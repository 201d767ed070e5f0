"""Deliveries in the store: from the first file that comes in to the report that is written.

Rule 1: a state changes only through `core.delivery.after`; what is illegal raises and changes nothing.
Rule 2: a delivery is named by its district and its number there (`lincoln-00017`). Numbers count up, without gaps, and
their order is the order of the deliveries.
Rule 3: `reported_at` is NULL whenever the report on disk does not say what the store says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from rostergate.core.delivery import Event, State, after
from rostergate.core.verdict import FileFacts, Outcome
from rostergate.errors import NotFound, Refused
from rostergate.store.plans import is_held
from rostergate.store.schema import deliveries, plans, undos

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery as it stands. Instants are aware, in UTC."""

    id: str
    district: str
    number: int
    state: State
    day: date | None
    """The day whose slot it uses, by the district's calendar; None until sealed."""
    began_at: datetime
    sealed_at: datetime | None
    decided_at: datetime | None
    closed_at: datetime | None
    """When it reached a state after which nothing more is expected: rejected, settled, failed or superseded."""
    reported_at: datetime | None
    content_hash: str | None
    attempts: int
    """Attempts to decide it, counted before they are made."""
    error: str | None
    """Why it failed or, while it is received, is stuck; no cell value."""
    format: str | None
    outcome: Outcome | None
    files: tuple[FileFacts, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """One district at a glance."""

    district: str
    last: Delivery
    """Its newest delivery, whatever its state."""
    open_holds: int
    """Plans that wait for a person."""


_COLUMNS = tuple(deliveries.c[name] for name in Delivery.__slots__)
_NEWEST_FIRST = (deliveries.c.began_at.desc(), deliveries.c.district, deliveries.c.number.desc())
_UNDECIDED = (State.RECEIVING, State.SEALED)
_UPLOADED = deliveries.c.id.not_in(sa.select(undos.c.delivery))


async def begin(tx: AsyncConnection, district: str, at: datetime) -> Delivery:
    """Begin a district's next delivery, or return the one that is being received already."""
    if already := await receiving(tx, district):
        return already
    delivery, number = await following(tx, district)
    await tx.execute(
        deliveries.insert().values(
            id=delivery,
            district=district,
            number=number,
            state=State.RECEIVING.value,
            began_at=at,
            attempts=0,
            files=[],
        )
    )
    return await get(tx, delivery)


async def following(tx: AsyncConnection, district: str) -> tuple[str, int]:
    """Return the id and the number of the district's next delivery, whatever begins it."""
    last = await tx.scalar(sa.select(sa.func.max(deliveries.c.number)).where(deliveries.c.district == district))
    number = (last or 0) + 1
    return f"{district}-{number:05d}", number


async def receiving(tx: AsyncConnection, district: str) -> Delivery | None:
    """Return the delivery that a district is uploading, if any."""
    found = await _select(tx, deliveries.c.district == district, deliveries.c.state == State.RECEIVING.value)
    return found[0] if found else None


async def seal(
    tx: AsyncConnection,
    delivery: str,
    *,
    day: date,
    files: Sequence[FileFacts],
    content_hash: str,
    at: datetime,
) -> Delivery:
    """Note that a delivery's files are frozen. Raises `NotFound`, `IllegalTransition`."""
    await step(
        tx,
        delivery,
        Event.COMPLETED,
        day=day,
        files=[asdict(one) for one in files],
        content_hash=content_hash,
        sealed_at=at,
        error=None,
    )
    return await get(tx, delivery)


async def note_stuck(tx: AsyncConnection, district: str | None, why: str | None) -> None:
    """Note why the server cannot go on with what a district is uploading (no cell value); None: it can.

    `district`: None for all of them.
    """
    chosen = () if district is None else (deliveries.c.district == district,)
    receiving = deliveries.c.state == State.RECEIVING.value
    await tx.execute(deliveries.update().where(receiving, *chosen).values(error=why))


async def due(tx: AsyncConnection) -> list[Delivery]:
    """Return the sealed deliveries, oldest first."""
    return await _select(
        tx, deliveries.c.state == State.SEALED.value, order=(deliveries.c.sealed_at, deliveries.c.number)
    )


async def next_due(tx: AsyncConnection, district: str) -> Delivery | None:
    """Return a district's oldest sealed delivery by its number, whatever the clocks said; None when it has none."""
    found = await in_states(tx, district, (State.SEALED,))
    return found[0] if found else None


async def count_attempt(tx: AsyncConnection, delivery: str) -> int:
    """Count an attempt that is about to be made, and return how many that makes.

    Commit before deciding, so that a delivery that ends the process still counts. Raises `NotFound`; raises `Refused`
    when the delivery is not sealed, for example because a newer one has taken its place.
    """
    attempts = await tx.scalar(
        deliveries.update()
        .where(deliveries.c.id == delivery, deliveries.c.state == State.SEALED.value)
        .values(attempts=deliveries.c.attempts + 1)
        .returning(deliveries.c.attempts)
    )
    if attempts is None:
        state = (await get(tx, delivery)).state
        raise Refused(f"Delivery {delivery} is {state.value}; only a sealed one can be decided.")
    return int(attempts)


async def uncount_attempt(tx: AsyncConnection, delivery: str) -> None:
    """Take back that an attempt was counted which was ended for nothing that the delivery has done."""
    await tx.execute(
        deliveries.update()
        .where(deliveries.c.id == delivery, deliveries.c.state == State.SEALED.value)
        .values(attempts=deliveries.c.attempts - 1)
    )


async def give_up(tx: AsyncConnection, delivery: str, error: str, at: datetime) -> Delivery:
    """Note that a delivery could not be decided, and why (no cell value). Raises `NotFound`, `IllegalTransition`."""
    await step(tx, delivery, Event.GAVE_UP, error=error, closed_at=at, reported_at=None)
    return await get(tx, delivery)


async def retry(tx: AsyncConnection, delivery: str) -> Delivery:
    """Let a failed delivery be decided after all, its attempts counted anew.

    Raises `NotFound`, `IllegalTransition`; raises `Refused` when a newer delivery of the district was accepted since:
    applying older files over newer ones would undo those.
    """
    found = await get(tx, delivery)
    newer = await tx.scalar(
        sa.select(deliveries.c.id).where(
            deliveries.c.district == found.district,
            deliveries.c.number > found.number,
            deliveries.c.outcome == Outcome.ACCEPTED.value,
            _UPLOADED,
        )
    )
    if newer is not None:
        raise Refused(f"Delivery {delivery} is out of date: {newer} was accepted since. Upload the files again.")
    await step(tx, delivery, Event.RETRIED, attempts=0, error=None, closed_at=None)
    return await get(tx, delivery)


async def get(tx: AsyncConnection, delivery: str) -> Delivery:
    """Return one delivery. Raises `NotFound`."""
    found = await _select(tx, deliveries.c.id == delivery)
    if not found:
        raise NotFound(f"There is no delivery {delivery}; `rostergate deliveries` lists them.")
    return found[0]


async def latest(tx: AsyncConnection, district: str, *, uploaded: bool = False) -> Delivery | None:
    """Return a district's newest delivery that has been sealed, whatever became of it; or the newest with files.

    An undo that began after an upload, and was sealed before it, is the older of the two.
    """
    conditions = [deliveries.c.district == district, deliveries.c.state != State.RECEIVING.value]
    if uploaded:
        conditions.append(_UPLOADED)
    newest = (deliveries.c.sealed_at.desc(), deliveries.c.number.desc())
    found = await _select(tx, *conditions, order=newest, limit=1)
    return found[0] if found else None


async def accepted_before(tx: AsyncConnection, district: str, number: int) -> Delivery | None:
    """Return the newest delivery with files of a district before that number that was accepted."""
    found = await _select(
        tx,
        deliveries.c.district == district,
        deliveries.c.number < number,
        deliveries.c.outcome == Outcome.ACCEPTED.value,
        _UPLOADED,
        order=(deliveries.c.number.desc(),),
        limit=1,
    )
    return found[0] if found else None


async def replaced_by(tx: AsyncConnection, about: Delivery) -> str | None:
    """Return the delivery that took the place of one, when it was decided; None when none did: an erasure ended it."""
    if about.state is not State.SUPERSEDED:
        return None
    found = await _select(tx, deliveries.c.district == about.district, deliveries.c.decided_at == about.closed_at)
    return found[0].id if found else None


async def arrivals(
    tx: AsyncConnection, districts: Collection[str], since: datetime
) -> dict[str, list[tuple[str, datetime]]]:
    """Return the deliveries with files of some districts that were sealed since then: id and time, oldest first.

    A district that has none is left out.
    """
    columns = deliveries.c.district, deliveries.c.id, deliveries.c.sealed_at
    of_them = deliveries.c.district.in_(districts), deliveries.c.sealed_at >= since
    found: dict[str, list[tuple[str, datetime]]] = {}
    for district, *one in await tx.execute(sa.select(*columns).where(*of_them, _UPLOADED).order_by(columns[-1])):
        found.setdefault(district, []).append((one[0], one[1]))
    return found


async def in_states(tx: AsyncConnection, district: str, states: Sequence[State]) -> list[Delivery]:
    """Return a district's deliveries in some states, oldest first."""
    chosen = deliveries.c.state.in_([state.value for state in states])
    return await _select(tx, deliveries.c.district == district, chosen, order=(deliveries.c.number,))


async def listed(tx: AsyncConnection, district: str | None = None, limit: int = 50) -> list[Delivery]:
    """Return the newest deliveries of one district or of all, newest first."""
    condition = () if district is None else (deliveries.c.district == district,)
    return await _select(tx, *condition, order=_NEWEST_FIRST, limit=limit)


async def accepted(tx: AsyncConnection, district: str, since: datetime) -> list[Delivery]:
    """Return the district's deliveries that were accepted since then, oldest first."""
    return await _select(
        tx,
        deliveries.c.district == district,
        deliveries.c.outcome == Outcome.ACCEPTED.value,
        deliveries.c.decided_at >= since,
        order=(deliveries.c.number,),
    )


async def last_accepted(tx: AsyncConnection, *districts: str) -> dict[str, str]:
    """Return the newest accepted delivery with files of each district that has one, whatever became of its plans."""
    one = deliveries.alias()
    accepted = one.c.outcome == Outcome.ACCEPTED.value, one.c.content_hash.is_not(None)
    newest = sa.select(one.c.id).where(one.c.district == deliveries.c.district, *accepted)
    newest = newest.order_by(one.c.number.desc()).limit(1)
    query = sa.select(deliveries.c.district, newest.scalar_subquery()).group_by(deliveries.c.district)
    found = await tx.execute(query.where(deliveries.c.district.in_(districts)))
    return {district: delivery for district, delivery in found if delivery is not None}


async def unreported(tx: AsyncConnection, district: str | None = None) -> list[Delivery]:
    """Return the deliveries of one district, or of all, whose report is to be written (again), each one's oldest first.

    These are decided, failed and superseded ones: whatever changes their state asks for a new report.
    """
    found = await _select(
        tx,
        *(() if district is None else (deliveries.c.district == district,)),
        deliveries.c.reported_at.is_(None),
        deliveries.c.state.not_in([state.value for state in _UNDECIDED]),
    )
    # In that order from the database, SQLite goes through all there ever were instead of the few that are due.
    return sorted(found, key=lambda one: (one.district, one.number))


async def districts(tx: AsyncConnection) -> list[str]:
    """Return every district that ever began a delivery."""
    return list(await tx.scalars(sa.select(deliveries.c.district).distinct().order_by(deliveries.c.district)))


async def sealed_before(tx: AsyncConnection, chosen: Collection[str], before: datetime) -> list[Delivery]:
    """Return those of some deliveries that were sealed before then."""
    return await _select(tx, deliveries.c.id.in_(chosen), deliveries.c.sealed_at < before)


async def reported(tx: AsyncConnection, delivery: str, at: datetime) -> None:
    """Note that a delivery's report says what the store says. Raises `NotFound`."""
    noted = await tx.execute(deliveries.update().where(deliveries.c.id == delivery).values(reported_at=at))
    if not noted.rowcount:
        raise NotFound(f"There is no delivery {delivery}.")


async def ask_for_report(tx: AsyncConnection, delivery: str) -> None:
    """Note that a delivery's report has to be written again."""
    await tx.execute(deliveries.update().where(deliveries.c.id == delivery).values(reported_at=None))


async def overview(tx: AsyncConnection) -> list[Overview]:
    """Return every district that ever began a delivery, by its slug."""
    newest = sa.select(deliveries.c.district, sa.func.max(deliveries.c.number)).group_by(deliveries.c.district)
    last = await _select(
        tx, sa.tuple_(deliveries.c.district, deliveries.c.number).in_(newest), order=(deliveries.c.district,)
    )
    waiting = sa.select(plans.c.district, sa.func.count()).where(is_held(plans))
    holds: dict[str, int] = {row[0]: row[1] for row in await tx.execute(waiting.group_by(plans.c.district))}
    return [Overview(one.district, one, holds.get(one.district, 0)) for one in last]


async def supersede_older(tx: AsyncConnection, district: str, number: int, at: datetime) -> tuple[str, ...]:
    """Let a delivery take the place of the older ones that are not finished, and return their ids, oldest first.

    Whatever has been decided was decided before. An undo takes the place of no files that wait.
    """
    planned = sa.and_(deliveries.c.state == State.PLANNED.value, deliveries.c.number != number)
    sealed = sa.and_(deliveries.c.state == State.SEALED.value, deliveries.c.number < number)
    undo = sa.select(undos.c.delivery).where(undos.c.delivery == f"{district}-{number:05d}")
    older = await _select(
        tx,
        deliveries.c.district == district,
        sa.or_(planned, sa.and_(sealed, ~undo.exists())),
        order=(deliveries.c.number,),
    )
    for one in older:
        await step(tx, one.id, Event.REPLACED, closed_at=at, reported_at=None)
    return tuple(one.id for one in older)


async def step(tx: AsyncConnection, delivery: str, event: Event, **values: Any) -> State:  # noqa: ANN401 - columns
    """Let an event happen to a delivery and set the given columns with it; return the state that follows.

    Raises `NotFound`, `IllegalTransition`.
    """
    # FOR UPDATE is for PostgreSQL; in SQLite the transaction holds the only write lock already.
    query = sa.select(deliveries.c.state).where(deliveries.c.id == delivery).with_for_update()
    state = await tx.scalar(query)
    if state is None:
        raise NotFound(f"There is no delivery {delivery}; `rostergate deliveries` lists them.")
    following = after(State(state), event)
    await tx.execute(deliveries.update().where(deliveries.c.id == delivery).values(state=following.value, **values))
    return following


async def _select(
    tx: AsyncConnection,
    *conditions: sa.ColumnElement[bool],
    order: Sequence[sa.ColumnElement[Any]] = (),
    limit: int | None = None,
) -> list[Delivery]:
    query = sa.select(*_COLUMNS).where(*conditions).order_by(*order).limit(limit)
    return [_delivery(row) for row in await tx.execute(query)]


def _delivery(row: sa.Row[Any]) -> Delivery:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
    values["state"] = State(values["state"])
    values["outcome"] = values["outcome"] and Outcome(values["outcome"])
    values["files"] = tuple(FileFacts(**one) for one in values["files"])
    return Delivery(**values)
