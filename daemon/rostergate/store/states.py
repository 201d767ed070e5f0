"""States: where schools, people and classes stand with the platform, now or as of a turn of the feed.

A school is matched to one of the platform or made there, a person has an account, a class is pending or live. A
platform needs that besides the values of the rows.

Rule 1: a state keeps the position of the turn with which it is told. Where it has none, it is from before the feed told
states, and counts from the beginning.
Rule 2: a state outlives its row: whoever returns stands where they stood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from rostergate.core.account import ClassState, State
from rostergate.core.matching import PLACING
from rostergate.core.roster import PEOPLE
from rostergate.store.schema import accounts, live_classes, school_decisions

if TYPE_CHECKING:
    from rostergate.core.roster import Table

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "schools": ("platform_school",),
    **dict.fromkeys((one.name for one in PEOPLE), ("account_state", "account")),
    "classes": ("class_state",),
}
"""Canonical table -> what tells where its rows stand: `platform_school` is the platform's id of the school, null where
the platform makes it; `account_state` a value of `core.account.State`, `account` the platform's id of an account that
it had before, or null; `class_state` a value of `core.account.ClassState`."""

_PLACING: Final = tuple(sorted(one.value for one in PLACING))


def joined(
    table: Table, rows: sa.FromClause, district: str, position: int | None = None
) -> tuple[sa.FromClause, list[sa.ColumnElement[str]]]:
    """Return rows of a district's table, joined with where each stands, and the columns of that, as in `COLUMNS`.

    As of the turn at a position; without it, now.
    """
    if table.name == "schools":
        return rows, [_platform_school(rows.c.school_id, district, position)]
    if table.of_people:
        same = (
            accounts.c.district == district,
            accounts.c.role == table.name,
            accounts.c.person_id == rows.c[table.key[0]],
        )
        return rows.outerjoin(accounts, sa.and_(*same)), _of_account(position)
    if table.name == "classes":
        same_class = (live_classes.c[name] == rows.c[name] for name in table.key)
        live = sa.and_(live_classes.c.live_at.is_not(None), _by(live_classes.c.position, position))
        state = sa.case((live, ClassState.LIVE.value), else_=ClassState.PENDING.value)
        of_district = sa.and_(live_classes.c.district == district, *same_class)
        return rows.outerjoin(live_classes, of_district), [state.label("class_state")]
    return rows, []


def told_at(table: Table, district: str, position: int) -> sa.Select[Any]:
    """Choose what stands otherwise since the turn at a position: the keys of a table, and where each stands."""
    if table.name == "schools":
        said = school_decisions.c
        chosen = sa.select(said.school_id, _platform_school(said.school_id, district, position)).distinct()
        return chosen.where(said.district == district, said.position == position, said.decision.in_(_PLACING))
    if table.of_people:
        now = sa.or_(accounts.c.linked_position == position, accounts.c.claimed_position == position)
        people = sa.select(accounts.c.person_id.label(table.key[0]), *_of_account(position))
        return people.where(accounts.c.district == district, accounts.c.role == table.name, now)
    live = sa.literal(ClassState.LIVE.value).label("class_state")
    classes = sa.select(live_classes.c.school_id, live_classes.c.class_id, live)
    return classes.where(live_classes.c.district == district, live_classes.c.position == position)


def _platform_school(school_id: sa.ColumnElement[str], district: str, position: int | None) -> sa.ColumnElement[str]:
    said = school_decisions.alias("said")
    newest = (
        sa.select(said.c.platform_school)
        .where(
            said.c.district == district,
            said.c.school_id == school_id,
            said.c.decision.in_(_PLACING),
            _by(said.c.position, position),
        )
        .order_by(said.c.id.desc())
        .limit(1)
    )
    return newest.scalar_subquery().label("platform_school")


def _of_account(position: int | None) -> list[sa.ColumnElement[str]]:
    claimed = sa.and_(accounts.c.claimed_at.is_not(None), _by(accounts.c.claimed_position, position))
    linked = sa.and_(accounts.c.linked_at.is_not(None), _by(accounts.c.linked_position, position))
    state = sa.case((claimed, State.CLAIMED.value), (linked, State.LINKED.value), else_=State.OFFERED.value)
    return [state.label("account_state"), sa.case((linked, accounts.c.account)).label("account")]


def _by(told: sa.ColumnElement[int], position: int | None) -> sa.ColumnElement[bool]:
    """Tell whether something had been told by the turn at a position."""
    return sa.true() if position is None else sa.func.coalesce(told, 0) <= position
