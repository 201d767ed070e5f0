"""Accounts in the store: those that the platform had before, who is linked to one, who has claimed one, live classes.

Rule 1: everybody in the roster has an account, which is offered as long as nothing else stands here: only links and
claims take a row. The row stays when its person is archived, so that whoever returns has the same account.
Rule 2: the platform's accounts are looked at whenever somebody is new or they are loaded again. Who is linked or has
claimed stays so; who fits is decided by `core.account.links`.
Rule 3: a class is live from the moment on when one of its teachers is active; the row stays when the class is archived.
Rule 4: each link, claim and class that is live is told by a turn: that of the delivery which brought it about, or its
own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import sqlalchemy as sa

from rostergate.core.account import ACTIVE, ClassState, Event, State, after, links
from rostergate.core.roster import PEOPLE
from rostergate.errors import NotFound, Refused
from rostergate.store import copying, many_values, turns
from rostergate.store.schema import accounts, live_classes, platform_accounts
from rostergate.store.schema import roster as versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

_OF_ACCOUNT: Final = ("account", "role", "email", "phone")
_ROLES: Final = {person.name: person.key[0] for person in PEOPLE}
"""Canonical table of people -> its key."""

SIGNS: Final = ("email", "phone")
"""What tells that a person has an account, the surer first."""


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """An account that the platform had before."""

    account: str
    """The platform's id of it."""
    role: str | None
    """The canonical table of people whom it can belong to; None: any of them."""
    email: str | None
    """In lower case."""
    phone: str | None
    """In E.164."""


async def load(tx: AsyncConnection, district: str, found: Iterable[PlatformAccount], at: datetime) -> int:
    """Put these in the place of all accounts that the platform had for a district; return how many people that links.

    Their ids are unique. Links and claims stay.
    """
    await tx.execute(platform_accounts.delete().where(platform_accounts.c.district == district))
    rows = [tuple(getattr(one, name) for name in _OF_ACCOUNT) for one in found]
    await _insert(tx, platform_accounts, rows, _OF_ACCOUNT, {"district": district})
    position = await turns.take_alone(tx, district, at)
    stand = await follow(tx, district, at, position)
    return sum(stand[role] for role in _ROLES)


async def follow(tx: AsyncConnection, district: str, at: datetime, position: int) -> dict[str, int]:
    """Link whoever is new and has an account, and let classes of active teachers be live.

    The turn at the position tells it. Return how many rows stand otherwise by it, by canonical table.
    """
    any_account = sa.select(platform_accounts.c.account).where(platform_accounts.c.district == district).limit(1)
    found = Counter(dict.fromkeys((*_ROLES, "classes"), 0))
    if await tx.scalar(any_account) is not None:
        for sign in SIGNS:
            found.update(await _link(tx, district, sign, at, position))
    found["classes"] = await _enliven(tx, district, at, position)
    await turns.stood(tx, position, found)
    return found


async def claim(tx: AsyncConnection, district: str, teacher_id: str, at: datetime) -> int:
    """Note that a teacher has taken the account; return how many classes are live by that.

    Raises `NotFound` when the roster has no such teacher; raises `Refused` when the account is claimed already.
    """
    made = versions["teachers"]
    of_district = made.c.district == district, made.c.teacher_id == teacher_id, made.c.until_delivery.is_(None)
    if await tx.scalar(sa.select(made.c.id).where(*of_district)) is None:
        raise NotFound(f"The roster of {district} has no teacher {teacher_id}; ids are the SIS's, and case counts.")
    whose = accounts.c.district == district, accounts.c.role == "teachers", accounts.c.person_id == teacher_id
    query = sa.select(accounts.c.state, accounts.c.claimed_at).where(*whose)
    known = (await tx.execute(query)).one_or_none()
    state = State(known.state) if known else State.OFFERED
    if state is State.CLAIMED and known:
        raise Refused(
            f"Teacher {teacher_id} of {district} has claimed the account already, on {known.claimed_at:%Y-%m-%d}."
        )
    position = await turns.take_alone(tx, district, at)
    claimed = {"state": after(state, Event.CLAIMED).value, "claimed_at": at, "claimed_position": position}
    if known:
        await tx.execute(accounts.update().where(*whose).values(claimed))
    else:
        await tx.execute(accounts.insert().values(district=district, role="teachers", person_id=teacher_id, **claimed))
    live = await _enliven(tx, district, at, position)
    await turns.stood(tx, position, {"teachers": 1, "classes": live})
    return live


async def counts(tx: AsyncConnection, district: str) -> dict[str, int]:
    """Return how many of the people in the roster have an account in each state, all roles together."""
    found = dict.fromkeys((state.value for state in State), 0)
    for role, key in _ROLES.items():
        made = versions[role]
        there = made.c.district == district, made.c.until_delivery.is_(None)
        of_person = sa.and_(
            accounts.c.district == made.c.district, accounts.c.role == role, accounts.c.person_id == made.c[key]
        )
        query = sa.select(accounts.c.state, sa.func.count()).select_from(made).outerjoin(accounts, of_person)
        for state, people in await tx.execute(query.where(*there).group_by(accounts.c.state)):
            found[state or State.OFFERED.value] += people
    return found


async def class_counts(tx: AsyncConnection, district: str) -> dict[str, int]:
    """Return how many of the classes in the roster are pending, and how many are live."""
    made = versions["classes"]
    there = made.c.district == district, made.c.until_delivery.is_(None)
    every = int(await tx.scalar(sa.select(sa.func.count()).select_from(made).where(*there)) or 0)
    same = sa.and_(*(live_classes.c[name] == made.c[name] for name in ("district", "school_id", "class_id")))
    query = sa.select(sa.func.count()).select_from(made).join(live_classes, same).where(*there)
    live = int(await tx.scalar(query) or 0)
    return {ClassState.PENDING.value: every - live, ClassState.LIVE.value: live}


async def listed(tx: AsyncConnection, district: str) -> list[tuple[str, str, str, str | None]]:
    """Return role, person id, state and the platform's account of everybody in the roster who is linked or has claimed.

    In the order of roles and ids.
    """
    found: list[tuple[str, str, str, str | None]] = []
    for role, key in _ROLES.items():
        made = versions[role]
        same = sa.and_(accounts.c.district == made.c.district, accounts.c.person_id == made.c[key])
        query = (
            sa.select(accounts.c.role, accounts.c.person_id, accounts.c.state, accounts.c.account)
            .join_from(accounts, made, same)
            .where(accounts.c.district == district, accounts.c.role == role, made.c.until_delivery.is_(None))
        )
        found += [tuple(row) for row in await tx.execute(query.order_by(accounts.c.person_id))]
    return found


async def classes(tx: AsyncConnection, district: str) -> list[tuple[str, str, ClassState]]:
    """Return school id, class id and state of every class in the roster, in the order of their ids."""
    made = versions["classes"]
    same = sa.and_(*(live_classes.c[name] == made.c[name] for name in ("district", "school_id", "class_id")))
    query = (
        sa.select(made.c.school_id, made.c.class_id, live_classes.c.live_at.is_not(None))
        .outerjoin_from(made, live_classes, same)
        .where(made.c.district == district, made.c.until_delivery.is_(None))
    )
    return [
        (school, one, ClassState.LIVE if live else ClassState.PENDING)
        for school, one, live in await tx.execute(query.order_by(made.c.school_id, made.c.class_id))
    ]


async def _link(tx: AsyncConnection, district: str, sign: str, at: datetime, position: int) -> Counter[str]:
    """Link those whom one sign tells; return how many by role."""
    # Filled a moment ago, these took minutes to be compared, while all districts wait for this turn to be committed.
    await copying.assure_statistics(tx, [platform_accounts.name, accounts.name, *_ROLES])
    fitting: list[tuple[str, str, str]] = []
    for role, key in _ROLES.items():
        made, other = versions[role], platform_accounts
        if sign not in made.c:
            continue
        person = accounts.c.district == district, accounts.c.role == role, accounts.c.person_id == made.c[key]
        taken = accounts.c.district == district, accounts.c.account == other.c.account
        same = sa.and_(other.c.district == made.c.district, other.c[sign] == sa.func.lower(made.c[sign]))
        query = (
            sa.select(made.c[key], other.c.account)
            .select_from(made)
            .join(other, same)
            .where(
                made.c.district == district,
                made.c.until_delivery.is_(None),
                sa.or_(other.c.role.is_(None), other.c.role == role),
                ~sa.exists().where(*person),
                ~sa.exists().where(*taken),
            )
        )
        fitting += [(role, person_id, account) for person_id, account in await tx.execute(query)]
    chosen = links(fitting)
    told = {"district": district, "state": after(State.OFFERED, Event.LINKED).value, "linked_by": sign}
    moment = {"linked_at": at, "linked_position": position}
    await _insert(tx, accounts, chosen, ("role", "person_id", "account"), told | moment)
    return Counter(role for role, _, _ in chosen)


async def _insert(
    tx: AsyncConnection,
    made: sa.Table,
    rows: Sequence[tuple[str | None, ...]],
    columns: Sequence[str],
    constants: Mapping[str, Any],
) -> None:
    """Insert rows of which none is there yet, each with the constants."""
    if not rows:
        return
    # Row by row, those of a large district took half a minute, while all others wait for the line of turns.
    insert = copying.insert_missing if tx.dialect.name == "postgresql" else many_values.insert_missing
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    if await insert(tx, made, frame, constants) != frame.height:
        raise AssertionError(f"{made.name} had rows already that were to be new")


async def _enliven(tx: AsyncConnection, district: str, at: datetime, position: int) -> int:
    """Let the classes be live of which a teacher is active; return how many newly are."""
    ties = versions["class_teachers"]
    active = sa.and_(
        accounts.c.district == ties.c.district,
        accounts.c.role == "teachers",
        accounts.c.person_id == ties.c.teacher_id,
        accounts.c.state.in_([state.value for state in ACTIVE]),
    )
    key = [ties.c[name] for name in ("district", "school_id", "class_id")]
    known = sa.and_(*(live_classes.c[column.name] == column for column in key))
    query = (
        sa.select(
            *key,
            sa.bindparam("live_at", at, type_=live_classes.c.live_at.type),
            sa.bindparam("position", position, type_=live_classes.c.position.type),
        )
        .join_from(accounts, ties, active)
        .where(accounts.c.district == district, ties.c.until_delivery.is_(None), ~sa.exists().where(known))
        .distinct()
    )
    insert = live_classes.insert().from_select(["district", "school_id", "class_id", "live_at", "position"], query)
    # SQLAlchemy leaves the count of an insert's rows out otherwise.
    made = await tx.execute(insert, execution_options={"preserve_rowcount": True})
    return made.rowcount
