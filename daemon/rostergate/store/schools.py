"""Schools in the store: the platform's, what was decided about a district's, and how both change a decision.

Rule 1: decisions are added, never changed: who matched, made, deselected or selected a school, and when, stays. The
newest of a school counts.
Rule 2: what the district's file says goes before what is kept here.
Rule 3: a match by name is kept once it has been applied, so that a school that changes its name keeps its place.
Rule 4: what says which school of the platform it is is told by a turn: that of the delivery, or its own. What says of
a school the same as before is not told again: it counts from the turn that told it first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from rostergate.core.matching import PLACING, Decision
from rostergate.core.policy import PlatformSchool, Policy
from rostergate.errors import Refused
from rostergate.store import roster, turns
from rostergate.store.schema import deliveries, platform_schools, school_decisions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection


_NOWHERE: Final[tuple[str | None, int | None]] = (None, None)
"""Where a school stands of which nothing was ever said, and the position that told it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """The newest decision about one school."""

    decision: Decision
    platform_school: str | None
    """The platform's id of it, where it was matched."""
    decided_by: str | None
    """Who; None when it was matched by its name, or made because none had it."""
    decided_at: datetime


async def load(tx: AsyncConnection, district: str, schools: Iterable[PlatformSchool], at: datetime) -> None:
    """Put these in the place of all schools that the platform had for a district. Their ids are unique."""
    await tx.execute(platform_schools.delete().where(platform_schools.c.district == district))
    rows = [{"district": district, "id": one.id, "name": one.name, "loaded_at": at} for one in schools]
    if rows:
        await tx.execute(platform_schools.insert(), rows)


async def loaded(tx: AsyncConnection, district: str) -> tuple[PlatformSchool, ...]:
    """Return the schools that the platform has for a district, by id; those of the district's file left aside."""
    query = sa.select(platform_schools.c.id, platform_schools.c.name).where(platform_schools.c.district == district)
    return tuple(PlatformSchool(*row) for row in await tx.execute(query.order_by(platform_schools.c.id)))


async def decisions(tx: AsyncConnection, district: str) -> dict[str, Decided]:
    """Return the newest decision about each school that there is any about, by school id."""
    return (await decisions_of_each(tx, [district])).get(district, {})


async def decisions_of_each(tx: AsyncConnection, districts: Collection[str]) -> dict[str, dict[str, Decided]]:
    """Return the same of each of some districts that have any."""
    columns = (school_decisions.c[name] for name in ("district", "school_id", *Decided.__slots__))
    query = sa.select(*columns).where(school_decisions.c.district.in_(districts)).order_by(school_decisions.c.id)
    found: dict[str, dict[str, Decided]] = {}
    for district, school_id, decision, *rest in await tx.execute(query):
        found.setdefault(district, {})[school_id] = Decided(Decision(decision), *rest)
    return found


async def decide(
    tx: AsyncConnection,
    district: str,
    school_id: str,
    decision: Decision,
    *,
    platform_school: str | None = None,
    by: str,
    at: datetime,
) -> None:
    """Keep a person's decision about a school."""
    position = None
    if decision in PLACING:
        place, position = (await _places(tx, district)).get(school_id, _NOWHERE)
        if place != platform_school:
            position = await turns.take_alone(tx, district, at)
            await turns.stood(tx, position, {"schools": int(school_id in await roster.schools(tx, district))})
    await _keep(tx, district, school_id, decision, platform_school, by, at, position)


async def remember(
    tx: AsyncConnection, district: str, matched: Mapping[str, str | None], at: datetime, position: int
) -> None:
    """Keep where schools stand (school id -> the platform's id, or None) whose plans were applied, unless it is kept.

    The turn at the position, which is the transaction's own, tells what has changed. That the platform makes a school
    is kept only of one that stood elsewhere before and was forgotten: another may be matched once more is loaded.
    """
    known, places = await decisions(tx, district), await _places(tx, district)
    told = 0
    for school_id, one in matched.items():
        said = known.get(school_id)
        place, since = places.get(school_id, _NOWHERE)
        if one is None:
            settled = place is None or said is None or said.decision is not Decision.SELECTED
        else:
            settled = said is not None and (said.decision, said.platform_school) == (Decision.MATCHED, one)
        if not settled:
            decision = Decision.MADE if one is None else Decision.MATCHED
            await _keep(tx, district, school_id, decision, one, None, at, since if place == one else position)
            told += place != one
    await turns.stood(tx, position, {"schools": told})


async def assert_free(tx: AsyncConnection, delivery: str, district: str, wanted: Mapping[str, str | None]) -> None:
    """Raise `Refused` where a school of the platform that a school's plan has would be the match of two schools.

    `wanted`: school id -> the platform's id, or None. When the delivery was decided each was free for that school, by
    what is kept and by the district's file; so what counts is what was decided since.
    """
    decided_at = await tx.scalar(sa.select(deliveries.c.decided_at).where(deliveries.c.id == delivery))
    since = [(school_id, one) for school_id, one in (await decisions(tx, district)).items() if school_id not in wanted]
    taken = {
        one.platform_school: school_id
        for school_id, one in since
        if one.decision is Decision.MATCHED and decided_at is not None and one.decided_at > decided_at
    }
    for school_id, place in wanted.items():
        other = taken.setdefault(place, school_id)
        if place is not None and other != school_id:
            raise Refused(
                f"Nothing was applied: the platform's school {place}, which school {school_id} would get, is the match "
                f"of school {other} by now. First discard the plan, or give one of them another place: "
                f"`rostergate schools match SCHOOL PLATFORM_SCHOOL --district {district} --by WHO`."
            )


async def _places(tx: AsyncConnection, district: str) -> dict[str, tuple[str | None, int | None]]:
    """Return the platform's id of each school that was ever matched or made, and the position that told it."""
    said = school_decisions.c
    query = sa.select(said.school_id, said.platform_school, said.position).where(
        said.district == district, said.decision.in_([one.value for one in PLACING])
    )
    return {school_id: (place, position) for school_id, place, position in await tx.execute(query.order_by(said.id))}


async def _keep(
    tx: AsyncConnection,
    district: str,
    school_id: str,
    decision: Decision,
    platform_school: str | None,
    by: str | None,
    at: datetime,
    position: int | None,
) -> None:
    """Keep a decision about a school. `by` None: its name has decided."""
    await tx.execute(
        school_decisions.insert().values(
            district=district,
            school_id=school_id,
            decision=decision.value,
            platform_school=platform_school,
            decided_by=by,
            decided_at=at,
            position=position,
        )
    )


async def policy(tx: AsyncConnection, district: str, given: Policy) -> Policy:
    """Return the policy of a district's file with what is kept here: the platform's schools and the decisions."""
    there, said = await loaded(tx, district), await decisions(tx, district)
    if not there and not said:
        return given
    in_file = {one.school_id for one in given.platform_schools} | given.deselected
    schools = {one.id: one for one in (*there, *given.platform_schools)}
    for school_id, one in said.items():
        if one.platform_school is not None and one.decision is Decision.MATCHED and school_id not in in_file:
            known = schools.get(one.platform_school, PlatformSchool(one.platform_school, one.platform_school))
            if known.school_id is None:
                schools[known.id] = replace(known, school_id=school_id)
    return replace(
        given,
        platform_schools=tuple(schools.values()),
        made=given.made | (_said(said, Decision.MADE) - in_file),
        deselected=given.deselected | (_said(said, Decision.DESELECTED) - in_file),
        forgotten=given.forgotten | (_said(said, Decision.SELECTED) - in_file),
    )


def _said(said: Mapping[str, Decided], decision: Decision) -> frozenset[str]:
    return frozenset(school_id for school_id, one in said.items() if one.decision is decision)
