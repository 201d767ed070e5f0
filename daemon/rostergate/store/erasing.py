"""Erasing in the store: everything that the database has of one person goes, and the feed says that it has.

Rule 1: whoever is in the roster leaves it first as if the files had lacked them, in a turn of the district's newest
delivery, so that nothing is left that refers to nobody. Then every row that names the person goes, ended ones as well.
Rule 2: what waits is superseded, for it may name the person: the next delivery brings it again.
Rule 3: the feed's past lines about the person are gone. Lines of those turns get numbers that no cursor has had, so
who stopped among them is told the whole turn again; and the last line of the new turn says who is erased, by a digest.
Rule 4: an account that the platform had goes with the person when it is linked to that one, and, linked or not, when
it has an e-mail address or phone number that the person has or had. It stays only where it is linked to somebody else,
or where somebody else of the district has or had the same address or number.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from rostergate.core import concerned, person
from rostergate.core.delivery import Event, State
from rostergate.core.plan import ACTION, Action, pack, packed_rows, unpack, unpacked_rows
from rostergate.core.plan_state import OPEN, after
from rostergate.core.plan_state import Event as PlanEvent
from rostergate.core.roster import PEOPLE, empty
from rostergate.errors import Refused
from rostergate.store import deliveries, roster, turns
from rostergate.store.accounts import SIGNS
from rostergate.store.floors import PACKED_NOTHING
from rostergate.store.schema import accounts, applied_changes, held_rows, plans, platform_accounts
from rostergate.store.schema import deliveries as deliveries_table
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames, Table

PLANS_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be erased."""

    district: str
    role: Table
    """Of the people: teachers, students or guardians."""
    id: str


@dataclass(frozen=True, slots=True)
class Traces:
    """What the database has of a person."""

    person: Person
    current: bool
    """Whether the roster has the person now."""
    versions: dict[str, int]
    """Versions of roster rows that name the person, by table."""
    plans: tuple[int, ...]
    """Plans with rows that do."""
    deliveries: tuple[str, ...]
    """Of those plans; what is reported of them names the person."""
    waiting: tuple[str, ...]
    """Deliveries with plans that wait, which will be superseded."""
    loaded: frozenset[str] = field(repr=False)
    """Accounts that the platform had and that go with the person."""
    emails: frozenset[str] = field(repr=False)
    names: frozenset[tuple[str, str]] = field(repr=False)
    """First and last names, now or earlier."""

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return bool(self.versions or self.plans)


async def find(tx: AsyncConnection, who: Person) -> Traces:
    """Return what the database has of a person."""
    counts, current, emails, names = {}, False, set[str](), set[tuple[str, str]]()
    for table in person.naming(who.role):
        made = versions[table.name]
        counted = int(await tx.scalar(sa.select(sa.func.count()).select_from(made).where(*_of(made, who))) or 0)
        if counted:
            counts[table.name] = counted
    made = versions[who.role.name]
    columns = made.c.first_name, made.c.last_name, made.c.email, made.c.until_delivery
    for first, last, email, until in await tx.execute(sa.select(*columns).where(*_of(made, who))):
        current |= until is None
        emails |= {email} if email else set()
        names |= {(first, last)} if first and last else set()
    naming = [(number, delivery) async for number, delivery, _ in _plans_naming(tx, who)]
    async for delivery, _, frame in _applied_naming(tx, who):
        naming += [
            (number, delivery) for number in await _plans_of(tx, delivery, person.places(frame, who.role, who.id))
        ]
    naming = sorted(set(naming))
    waiting = [one.id for one in await deliveries.in_states(tx, who.district, (State.PLANNED,))]
    return Traces(
        person=who,
        current=current,
        versions=counts,
        plans=tuple(number for number, _ in naming),
        deliveries=tuple(dict.fromkeys(delivery for _, delivery in naming)),
        waiting=tuple(waiting),
        loaded=frozenset(await _loaded(tx, who)),
        emails=frozenset(emails),
        names=frozenset(names),
    )


async def erase(tx: AsyncConnection, who: Person, at: datetime, salt: str) -> None:
    """Remove what the database has of a person. Raises `Refused` while a delivery of the district is being decided."""
    undecided = await deliveries.in_states(tx, who.district, (State.SEALED,))
    if undecided:
        raise Refused(
            f"{undecided[0].id} is being decided, and may bring the person again. Wait until it is, then erase."
        )
    await supersede(tx, who.district, at)
    loaded = await _loaded(tx, who)  # by what is still known of the person
    of_district = platform_accounts.c.district == who.district
    await tx.execute(platform_accounts.delete().where(of_district, platform_accounts.c.account.in_(loaded)))
    newest = await turns.newest_delivery(tx, who.district)
    if newest is not None:
        await _leave(tx, who, newest, at)
        await turns.mark_erased(
            tx, await turns.last(tx), {"table": who.role.name, "salt": salt, "sha256": person.digest(salt, who.id)}
        )
    grounds: set[int] = set()
    for table in person.naming(who.role):
        made = versions[table.name]
        for pair in await tx.execute(sa.select(made.c.since_ground, made.c.until_ground).where(*_of(made, who))):
            grounds |= {ground for ground in pair if ground is not None}
        await tx.execute(made.delete().where(*_of(made, who)))
    await turns.renumber(tx, who.district, grounds)
    await turns.renumber_at(tx, who.district, await _told_at(tx, who))
    async for number, delivery, changes in _plans_naming(tx, who):
        await _without(tx, who, number, changes)
        await deliveries.ask_for_report(tx, delivery)
    async for delivery, name, frame in _applied_naming(tx, who):
        await _applied_without(tx, who, delivery, name, frame)
        await deliveries.ask_for_report(tx, delivery)
    await tx.execute(accounts.delete().where(*_account_of(who)))


async def _leave(tx: AsyncConnection, who: Person, newest: str, at: datetime) -> None:
    """Let a person leave the roster in a turn of the newest delivery; one without changes when it was so before."""
    changes: Frames = {}
    for table in person.naming(who.role):
        made = versions[table.name]
        current = sa.select(*(made.c[column] for column in table.columns)).where(
            *_of(made, who), made.c.until_delivery.is_(None)
        )
        found = [tuple(row) for row in await tx.execute(current)]
        if found:
            frame = pl.DataFrame(found, schema=empty()[table.name].schema, orient="row")
            changes[table.name] = frame.with_columns(action=pl.lit(Action.REMOVED.value, ACTION))
    if not changes or not await roster.apply(tx, who.district, [changes], newest, at):
        ground = await roster.ground(tx, who.district)
        await turns.take(tx, newest, who.district, ground=ground, at=at, rows={})


async def supersede(tx: AsyncConnection, district: str, at: datetime) -> None:
    """Supersede what waits of a district, because it may name who is to go."""
    for one in await deliveries.in_states(tx, district, (State.PLANNED,)):
        await deliveries.step(tx, one.id, Event.REPLACED, closed_at=at, reported_at=None)
    for state in OPEN:
        of_district = plans.c.district == district, plans.c.state == state.value
        following = after(state, PlanEvent.REPLACED)
        await tx.execute(plans.update().where(*of_district).values(state=following.value, closed_at=at))


async def _plans_naming(tx: AsyncConnection, who: Person) -> AsyncIterator[tuple[int, str, Frames]]:
    """Give each plan of the district that names a person: its number, its delivery, its changes."""
    last = 0
    while True:
        query = sa.select(plans.c.id, plans.c.delivery, plans.c.changes).where(
            plans.c.district == who.district, plans.c.id > last, plans.c.changes != PACKED_NOTHING
        )
        some = (await tx.execute(query.order_by(plans.c.id).limit(PLANS_AT_ONCE))).all()
        if not some:
            return
        for number, delivery, packed in some:
            changes = await asyncio.to_thread(unpack, packed)
            if person.rows(changes, who.role, who.id) or await _held_naming(tx, who, number):
                yield number, delivery, changes
        last = some[-1].id


async def _applied_naming(tx: AsyncConnection, who: Person) -> AsyncIterator[tuple[str, str, pl.DataFrame]]:
    """Give what deliveries of the district changed at once and names a person: delivery, table, its rows."""
    of_district = sa.select(deliveries_table.c.id).where(deliveries_table.c.district == who.district)
    query = sa.select(applied_changes.c.delivery, applied_changes.c.table).where(
        applied_changes.c.delivery.in_(of_district),
        applied_changes.c.table.in_([table.name for table in person.naming(who.role)]),
    )
    for delivery, table in (await tx.execute(query)).all():
        one = applied_changes.c.delivery == delivery, applied_changes.c.table == table
        packed: Any = await tx.scalar(sa.select(applied_changes.c.rows).where(*one))
        frame = await asyncio.to_thread(unpacked_rows, packed)
        if person.rows({table: frame}, who.role, who.id):
            yield delivery, table, frame


async def _plans_of(tx: AsyncConnection, delivery: str, schools: Collection[str]) -> list[int]:
    query = sa.select(plans.c.id).where(plans.c.delivery == delivery, plans.c.school_id.in_(schools))
    return list(await tx.scalars(query))


async def _applied_without(tx: AsyncConnection, who: Person, delivery: str, table: str, frame: pl.DataFrame) -> None:
    one = applied_changes.c.delivery == delivery, applied_changes.c.table == table
    left = person.without({table: frame}, who.role, who.id)
    if table not in left:
        await tx.execute(applied_changes.delete().where(*one))
        return
    rows = await asyncio.to_thread(packed_rows, left[table])
    await tx.execute(applied_changes.update().where(*one).values(rows=rows))


async def _held_naming(tx: AsyncConnection, who: Person, plan: int) -> dict[int, pl.DataFrame]:
    """Return the rows of a plan's holds, where they name a person, without those that do; by the hold's position."""
    found: dict[int, pl.DataFrame] = {}
    query = sa.select(held_rows.c.position, held_rows.c.rows).where(held_rows.c.plan == plan)
    for position, packed in (await tx.execute(query)).all():
        frame = concerned.unpack(packed)
        left = person.concerned_without(frame, who.role, who.id)
        if left.height < frame.height:
            found[position] = left
    return found


async def _without(tx: AsyncConnection, who: Person, plan: int, changes: Frames) -> None:
    left = await asyncio.to_thread(pack, person.without(changes, who.role, who.id))
    await tx.execute(plans.update().where(plans.c.id == plan).values(changes=left))
    for position, frame in (await _held_naming(tx, who, plan)).items():
        of_hold = held_rows.c.plan == plan, held_rows.c.position == position
        await tx.execute(held_rows.update().where(*of_hold).values(rows=concerned.pack(frame)))


async def _told_at(tx: AsyncConnection, who: Person) -> set[int]:
    """Return the positions of the turns that tell of the person's account."""
    query = sa.select(accounts.c.linked_position, accounts.c.claimed_position).where(*_account_of(who))
    return {position for row in await tx.execute(query) for position in row if position is not None}


async def _loaded(tx: AsyncConnection, who: Person) -> set[str]:
    """Return the platform's accounts that are the person's: see Rule 4."""
    of_person = _account_of(who)
    linked = sa.select(accounts.c.account).where(accounts.c.district == who.district, accounts.c.account.is_not(None))
    known = platform_accounts.c.account
    of_district = sa.select(known).where(platform_accounts.c.district == who.district)
    found = set(await tx.scalars(of_district.where(known.in_(linked.where(*of_person)))))
    for sign, own in (await _signs(tx, who)).items():
        alone = own - await _of_others(tx, who, sign, own)
        fitting = platform_accounts.c[sign].in_(alone), known.not_in(linked.where(~sa.and_(*of_person)))
        found |= set(await tx.scalars(of_district.where(*fitting)))
    return found


async def _signs(tx: AsyncConnection, who: Person) -> dict[str, set[str]]:
    """Return the e-mail addresses and phone numbers that a person has or had, by the roster or by plans."""
    made = versions[who.role.name]
    frames = [{who.role.name: await roster.collect(tx, who.role, made.select().where(*_of(made, who)).subquery())}]
    frames += [person.rows(changes, who.role, who.id) async for _, _, changes in _plans_naming(tx, who)]
    told = [one[who.role.name] for one in frames if who.role.name in one]
    return {sign: {value.lower() for frame in told for value in frame[sign] if value} for sign in SIGNS}


async def _of_others(tx: AsyncConnection, who: Person, sign: str, signs: set[str]) -> set[str]:
    """Return those of a person's signs that somebody else of the district has or had."""
    found: set[str] = set()
    for people in PEOPLE:
        made = versions[people.name]
        others = () if people is not who.role else (~sa.and_(*_of(made, who)),)
        same = sa.func.lower(made.c[sign])
        query = sa.select(same).where(made.c.district == who.district, same.in_(signs), *others)
        found |= set(await tx.scalars(query))
    return found


def _account_of(who: Person) -> tuple[Any, ...]:
    return accounts.c.district == who.district, accounts.c.role == who.role.name, accounts.c.person_id == who.id


def _of(made: sa.Table, who: Person) -> tuple[Any, ...]:
    return made.c.district == who.district, made.c[who.role.key[0]] == who.id
