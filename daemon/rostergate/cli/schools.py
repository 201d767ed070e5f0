"""`rostergate schools`: which school of the platform each of a district's schools is."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rostergate import journal, store
from rostergate.cli import tables
from rostergate.cli.completing import DISTRICT
from rostergate.cli.holds import work_out_again, write_reports
from rostergate.cli.kept_text import KEPT_TEXT
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.core.matching import Decision, suggestions
from rostergate.core.plan_state import State
from rostergate.core.policy import PlatformSchool
from rostergate.core.school_status import Status
from rostergate.desk.words import counted
from rostergate.errors import NotFound, Refused
from rostergate.service.clock import utc_now
from rostergate.store import deciding, plans, roster, whereabouts
from rostergate.store import schools as stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.config import District
    from rostergate.core.policy import Policy
    from rostergate.store.plans import StoredPlan
    from rostergate.store.whereabouts import Standing

one_district = click.option("--district", "slug", type=DISTRICT, required=True, help="The district whose school it is.")
who = click.option("--by", type=KEPT_TEXT, required=True, help="Who decides.")


@click.group()
def schools() -> None:
    """Load the platform's schools; match, make, deselect or select a district's."""


@schools.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--district",
    "slug",
    type=DISTRICT,
    help="The district whose schools they all are; otherwise a column `district` says.",
)
@as_json
@click.pass_obj
def load(place: Place, file: Path, *, slug: str | None, as_json: bool) -> None:
    """Load the schools that the platform has from a CSV file: columns id, name and, without --district, district.

    They take the place of what was loaded before for the districts named. The next delivery uses them.
    """
    found = _read(file, slug)
    for one in found:
        place.assert_known(one)
    run(_load(place, found))
    if as_json:
        print_json([{"district": one, "schools": len(listed)} for one, listed in found.items()])
        return
    for one, listed in found.items():
        click.echo(f"{one}: {counted(len(listed), 'school')} of the platform loaded")


def _read(file: Path, slug: str | None) -> dict[str, list[PlatformSchool]]:
    needed = frozenset({"id", "name"} if slug else {"id", "name", "district"})
    found: dict[str, dict[str, PlatformSchool]] = defaultdict(dict)
    for line, row in tables.rows(file, needed=needed, known=needed):
        if empty := sorted(name for name, cell in row.items() if not cell):
            raise Refused(f"{file}, line {line}: {empty[0]} is empty; fill it in")
        here = found[slug or row["district"]]
        if row["id"] in here:
            raise Refused(f"{file}, line {line}: the id is there twice; take one of the rows away")
        here[row["id"]] = PlatformSchool(row["id"], row["name"])
    if not found:
        raise Refused(f"{file} has no schools; nothing was changed")
    return {one: list(listed.values()) for one, listed in found.items()}


async def _load(place: Place, found: Mapping[str, list[PlatformSchool]]) -> None:
    async with place.database() as engine, store.writing(engine) as tx:
        for slug, listed in found.items():
            await stored.load(tx, slug, listed, utc_now())


@schools.command(name="list")
@click.option("--district", "slug", type=DISTRICT, required=True, help="The district whose schools are listed.")
@click.option("--waiting", is_flag=True, help="Only those that wait for a match.")
@as_json
@click.pass_obj
def list_schools(place: Place, *, slug: str, waiting: bool, as_json: bool) -> None:
    """List a district's schools, most urgent first, with the nearest schools of the platform where one has no match."""
    rows = [row for row in run(_list(place, slug)) if not waiting or row["status"] == Status.WAITING]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("SCHOOL", "NAME", "STATUS", "ON THE PLATFORM", "DECIDED BY", "NEAREST"),
        [
            (row["school_id"], row["name"], row["status"], row["platform_school"], row["decided_by"], _nearest(row))
            for row in rows
        ],
        empty="no school waits for a match" if waiting else "no schools yet",
    )


def _nearest(row: Mapping[str, Any]) -> str:
    return "; ".join(f"{one['id']} {one['name']} ({one['score']:g} %)" for one in row["suggestions"])


async def _list(place: Place, slug: str) -> list[dict[str, Any]]:
    district = place.district(slug)
    async with place.database() as engine, store.reading(engine) as tx:
        policy = await _policy(tx, place, district)
        found = await whereabouts.of(tx, slug)
    there = [one for one in found if one.status is not Status.NOT_IN_FILES]
    ids, taken = {one.school_id for one in there}, {one.platform_school for one in there}
    free = {one.id: one.name for one in policy.platform_schools if one.school_id not in ids and one.id not in taken}
    return [
        {
            "school_id": one.school_id,
            "name": one.name,
            "status": one.status.value,
            "platform_school": one.platform_school,
            "decision": one.decision and one.decision.value,
            "decided_by": one.decided_by,
            "decided_at": one.decided_at,
            "rows_left_out": one.left_out,
            "plan": one.plan,
            "suggestions": [{"id": near.id, "name": near.name, "score": near.score} for near in _suggested(one, free)],
        }
        for one in found
    ]


def _suggested(one: Standing, free: Mapping[str, str]) -> tuple[Any, ...]:
    return suggestions(one.name, free) if one.status is Status.WAITING else ()


async def _policy(tx: AsyncConnection, place: Place, district: District) -> Policy:
    return await stored.policy(tx, district.slug, district.policy(place.settings(), utc_now().date()))


def _decision(command: Callable[..., None]) -> Callable[..., None]:
    for option in (click.pass_obj, as_json, who, one_district):
        command = option(command)
    return command


@schools.command()
@click.argument("school")
@click.argument("platform_school")
@_decision
def match(place: Place, *, school: str, platform_school: str, slug: str, by: str, as_json: bool) -> None:
    """Match a district's SCHOOL (the SIS's id) to PLATFORM_SCHOOL (the platform's id), whatever it was before."""
    _decide(place, Decision.MATCHED, school, slug, by, platform_school, as_json=as_json)


@schools.command()
@click.argument("school")
@_decision
def make(place: Place, *, school: str, slug: str, by: str, as_json: bool) -> None:
    """Let the platform make a school, because it has none that the district's SCHOOL could be."""
    _decide(place, Decision.MADE, school, slug, by, as_json=as_json)


@schools.command()
@click.argument("school")
@_decision
def deselect(place: Place, *, school: str, slug: str, by: str, as_json: bool) -> None:
    """Take a school out: nothing of it is written from now on, and what the roster has of it stays."""
    _decide(place, Decision.DESELECTED, school, slug, by, as_json=as_json)


@schools.command()
@click.argument("school")
@_decision
def select(place: Place, *, school: str, slug: str, by: str, as_json: bool) -> None:
    """Forget what was decided about a school; the next delivery matches it, or lets it wait, as any other."""
    _decide(place, Decision.SELECTED, school, slug, by, as_json=as_json)


def _decide(
    place: Place,
    decision: Decision,
    school: str,
    slug: str,
    by: str,
    platform_school: str | None = None,
    *,
    as_json: bool,
) -> None:
    if not by.strip():
        raise click.UsageError("--by must say who")
    plan = run(_decided(place, decision, school, slug, by.strip(), platform_school))
    if as_json:
        print_json(
            {
                "district": slug,
                "school_id": school,
                "decision": decision.value,
                "platform_school": platform_school,
                "plan": plan and plan.plan,
                "state": plan and plan.state.value,
            }
        )
        return
    click.echo(f"{decision.value}: school {school} of {slug}")
    click.echo(f"its plan {plan.plan} is {plan.state.value}" if plan else "the next delivery uses it")


async def _decided(
    place: Place, decision: Decision, school: str, slug: str, by: str, platform_school: str | None
) -> StoredPlan | None:
    settings, district = place.settings(), place.district(slug)
    journal.configure(settings.log.format, settings.log.level)
    async with place.database() as engine:
        try:
            async with store.writing(engine) as tx:
                await _assert_decides(tx, district, school)
                if decision is Decision.MATCHED:
                    await _make_free(tx, place, district, school, platform_school or "", by)
                await stored.decide(tx, slug, school, decision, platform_school=platform_school, by=by, at=utc_now())
                plan = await _follow(tx, slug, school, decision, platform_school, by)
        except deciding.GroundMovedUnderPlan as moved:
            await work_out_again(place, engine, moved)
            raise
        if plan:
            await write_reports(place, engine, [plan])
        return plan


async def _assert_decides(tx: AsyncConnection, district: District, school: str) -> None:
    """Refuse a school that is not known, and what the district's file says otherwise."""
    if school not in {one.school_id for one in await whereabouts.of(tx, district.slug)}:
        raise NotFound(
            f"{district.slug} has no school {school}; `rostergate schools list --district {district.slug}` shows those "
            "it has"
        )
    if school in {one.school_id for one in district.schools.platform} | set(district.schools.deselected):
        raise Refused(f"The file of {district.slug} decides about school {school}: change it there, under [schools]")


async def _make_free(
    tx: AsyncConnection, place: Place, district: District, school: str, platform_school: str, by: str
) -> None:
    """See to it that a school of the platform is nobody else's, so that this one can get it.

    Who had it and is neither in the files nor in the roster any more loses it. Refused is one that the platform does
    not have, and one that is somebody else's who is still there.
    """
    there = {one.id: one for one in (await _policy(tx, place, district)).platform_schools}
    if platform_school not in there:
        raise NotFound(f"The platform has no school {platform_school} for {district.slug}; load it first, or `make` it")
    holder = there[platform_school].school_id
    if holder not in {None, school} and holder in {one.school_id for one in district.schools.platform}:
        raise Refused(
            f"{platform_school} is the match of school {holder} in the file of {district.slug}: change it there, under "
            "[schools]"
        )
    waiting = {one.school_id: one for one in await plans.waiting(tx, district.slug)}
    for plan in waiting.values():
        if plan.state is State.HELD and plan.platform_school == platform_school and plan.school_id != school:
            raise _taken(district, school, platform_school, plan.school_id, plan)
    if holder is None or holder == school:
        return
    gone = {one.school_id for one in await whereabouts.of(tx, district.slug) if one.status is Status.NOT_IN_FILES}
    if holder not in gone or holder in await roster.schools(tx, district.slug):
        raise _taken(district, school, platform_school, holder, waiting.get(holder))
    await stored.decide(tx, district.slug, holder, Decision.SELECTED, by=by, at=utc_now())


def _taken(district: District, school: str, platform_school: str, holder: str, plan: StoredPlan | None) -> Refused:
    """Return what to say of a school of the platform that is another's: what to do first, by the commands' names."""
    told = f"{platform_school} is the match of school {holder}"
    again = f"Then match {school} again."
    if plan and plan.counts["schools"].removed:
        return Refused(
            f"{told}, which plan {plan.plan} would take out of the roster. Where that is right, first "
            f"`rostergate release {plan.plan} --by WHO --reason WHY`; where the roster is to keep it as it is, "
            f"`rostergate schools deselect {holder} --district {district.slug} --by WHO`. {again}"
        )
    held = f" in plan {plan.plan}, which is held" if plan and plan.state is State.HELD else ""
    return Refused(
        f"{told}{held}. First match that one to another school of the platform, or "
        f"`rostergate schools make {holder} --district {district.slug} --by WHO`, or "
        f"`rostergate schools deselect {holder} --district {district.slug} --by WHO`. {again}"
    )


async def _follow(
    tx: AsyncConnection, slug: str, school: str, decision: Decision, platform_school: str | None, by: str
) -> StoredPlan | None:
    """Let the school's open plan go the way of the decision; return it as it then stands, None where nothing moved."""
    plan = await plans.open_of(tx, slug, school)
    reason = f"the school was {decision.value}"
    if plan is None or decision is Decision.SELECTED:
        return None
    if decision is Decision.DESELECTED:
        return await deciding.deselected(tx, plan, by, reason, utc_now())
    if plan.state is not State.UNMATCHED:
        return await deciding.matched_anew(tx, plan, platform_school)
    return await deciding.matched(tx, plan, platform_school, by, reason, utc_now())
