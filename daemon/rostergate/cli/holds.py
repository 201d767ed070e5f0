"""`rostergate holds`, `holds show`, `holds try`, `release`, `discard`: what waits for a person."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from rostergate import journal, store
from rostergate.cli.completing import DELIVERY, DISTRICT
from rostergate.cli.deliveries import only_district
from rostergate.cli.kept_text import KEPT_TEXT
from rostergate.cli.output import as_json, assert_can_ask, only_one, print_json, print_table
from rostergate.cli.place import REFUSED, Place, end, run
from rostergate.cli.progress import progress
from rostergate.cli.shown import shown
from rostergate.core.calendar import day_of
from rostergate.desk import sheets
from rostergate.desk.words import age, counted, number
from rostergate.errors import Refused
from rostergate.service import notices, reporting
from rostergate.service.clock import utc_now
from rostergate.service.release_codes import ReleaseCodes
from rostergate.store import deciding, plans, undos
from rostergate.store import deliveries as stored
from rostergate.worker import rework, trying

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.core.plan import Hold
    from rostergate.store.deciding import GroundMovedUnderPlan
    from rostergate.store.plans import StoredPlan, Wait


@click.group(invoke_without_command=True)
@only_district
@as_json
@click.pass_context
def holds(context: click.Context, *, slug: str | None, as_json: bool) -> None:
    """List the plans that wait for a person; look at one, or try other limits."""
    if context.invoked_subcommand is not None:
        if slug or as_json:
            raise click.UsageError(f"give the options after {context.invoked_subcommand}")
        return
    place: Place = context.obj
    held, now = run(_held(place, slug)), utc_now()
    if slug and not held:
        place.assert_known(slug)
    rows = [
        {**_about(plan, wait), "code": hold.code, "message": hold.message, **hold.numbers}
        for plan, wait in held
        for hold in plan.holds
    ]
    if as_json:
        print_json(rows)
        return
    told = Counter((plan.delivery, hold.code, hold.message) for plan, _ in held for hold in plan.holds)
    print_table(
        ("PLAN", "DELIVERY", "SCHOOL", "NAME", "HELD FOR", "WHY"),
        [
            (plan.plan, plan.delivery, plan.school_id, plan.name, _held_for(wait, now), _why(plan, hold, told))
            for plan, wait in held
            for hold in plan.holds
        ],
        empty="nothing is on hold",
    )
    for (delivery, code, message), schools in told.items():
        if schools > 1:
            click.echo(f"\n{delivery}, {code}: {message}")


@holds.command()
@click.argument("named", metavar="PLAN")
@click.option("--csv", "as_csv", is_flag=True, help="Print exactly the rows concerned, by their ids, as CSV.")
@as_json
@click.pass_obj
def show(place: Place, named: str, *, as_csv: bool, as_json: bool) -> None:
    """Show why one plan waits: rule, numbers, limit, likely cause, and the rows concerned."""
    only_one(csv=as_csv, json=as_json)
    plan, found, wait = run(_show(place, named))
    if as_csv:
        out = io.BytesIO()
        sheets.write_holds([(plan.school_id, found)], out)
        click.echo(out.getvalue(), nl=False)
        return
    rows = [
        {
            "code": hold.code,
            "message": hold.message,
            **hold.numbers,
            "rows_concerned": None if hold.rows is None else hold.rows.height,
        }
        for hold in found
    ]
    if as_json:
        print_json({**_about(plan, wait), "hash": plan.hash, "state": plan.state.value, "holds": rows})
        return
    click.echo(f"plan {_named(plan)}: {plan.state.value}")
    if wait:
        again = f", in {number(wait.deliveries)} deliveries one after another" if wait.deliveries > 1 else ""
        ago = age((utc_now() - wait.since).total_seconds())
        click.echo(f"on hold since {wait.since:%Y-%m-%d %H:%M} UTC, {ago} ago{again}")
    for row in rows:
        click.echo(f"\n{row['code']}: {shown(row['message'])}")
        if row["rows_concerned"] is not None:
            click.echo(f"rows concerned: {row['rows_concerned']}; list them with --csv")
    if wait:
        click.echo(f"\nrostergate release {plan.plan} --by WHO --reason WHY    applies it")
        click.echo(f"rostergate discard {plan.plan} --by WHO --reason WHY    drops it, the roster stays as it is")


def _named(plan: StoredPlan) -> str:
    return shown(f"{plan.plan} of {plan.delivery}, school {plan.school_id} ({plan.name})")


async def _show(place: Place, named: str) -> tuple[StoredPlan, tuple[Hold, ...], Wait | None]:
    async with place.database() as engine, store.reading(engine) as tx:
        plan = await plans.find(tx, named)
        return plan, await plans.concerned_rows(tx, plan), (await plans.waits(tx, plan.district)).get(plan.id)


@holds.command(name="try")
@click.option("--district", "slug", type=DISTRICT, required=True, help="The district whose deliveries are looked at.")
@click.option(
    "--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="Deliveries of so many days."
)
@click.option("--removals-percent", "removals_percent_max", type=click.FloatRange(0, 100))
@click.option("--removals-rows", "removals_rows_min", type=click.IntRange(0))
@click.option("--district-removals-percent", "district_removals_percent_max", type=click.FloatRange(0, 100))
@click.option("--vanished-students", "vanished_students_max", type=click.IntRange(0))
@click.option("--updates-percent", "updates_percent_max", type=click.FloatRange(0, 100))
@click.option("--updates-rows", "updates_rows_min", type=click.IntRange(0))
@click.option("--guardians", "guardians_per_student_max", type=click.IntRange(1))
@click.option("--reissued-percent", "reissued_percent_max", type=click.FloatRange(0, 100))
@click.option("--reissued-rows", "reissued_rows_min", type=click.IntRange(0))
@as_json
@click.pass_obj
def try_limits(place: Place, /, *, slug: str, days: int, as_json: bool, **limits: float | None) -> None:
    """Tell what the deliveries of the last days would have done under other limits. Nothing is stored.

    Each is a key of [holds]: --removals-percent is removals_percent_max. Limits that are not given are the district's
    own, as its file has them now, on the day of each delivery.
    """
    given = {name: value for name, value in limits.items() if value is not None}
    if not given:
        raise click.UsageError("give at least one limit to try, for example --removals-percent 15")
    rows = run(_try(place, slug, days, given))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("DELIVERY", "DAY", "SCHOOLS", "HELD THEN", "HELD NOW", "WHY"),
        [
            (row["delivery"], row["day"], row["schools"], len(row["held_then"]), len(row["held_now"]), _codes(row))
            for row in rows
        ],
        empty=f"no accepted delivery of {slug} in the last {days} days",
    )


def _codes(row: dict[str, Any]) -> str:
    return ", ".join(sorted({code for one in row["held_now"] for code in one["codes"]}))


async def _try(place: Place, slug: str, days: int, given: dict[str, float]) -> list[dict[str, Any]]:
    district, settings = place.district(slug), place.settings()
    since = utc_now() - timedelta(days=days)
    found: list[trying.Tried] = []
    with progress("looking at deliveries") as told:
        async with place.database() as engine:
            async for one in trying.tried(engine, slug, since, lambda day: district.policy(settings, day), given):
                found.append(one)
                told(len(found), None)
    return [
        {
            "delivery": one.delivery,
            "day": one.day,
            "schools": one.schools,
            "held_then": [{"school_id": school, "codes": list(codes)} for school, codes in one.then.items()],
            "held_now": [{"school_id": school, "codes": list(codes)} for school, codes in one.now.items()],
        }
        for one in found
    ]


async def _held(place: Place, slug: str | None) -> list[tuple[StoredPlan, Wait]]:
    """Return the plans that are on hold, the school first that has waited longest."""
    async with place.database() as engine, store.reading(engine) as tx:
        waits = await plans.waits(tx, slug)
        found = [(plan, waits[plan.id]) for plan in await plans.held(tx, slug)]
    return sorted(found, key=lambda one: one[1].since)


def _why(plan: StoredPlan, hold: Hold, told: Counter[tuple[str, str, str]]) -> str:
    """Return what the table says of a hold: what holds many schools alike is told once, below it."""
    return hold.message if told[plan.delivery, hold.code, hold.message] == 1 else f"{hold.code}, see below"


def _held_for(wait: Wait, now: datetime) -> str:
    times = "once" if wait.deliveries == 1 else f"{number(wait.deliveries)} times"
    return f"{age((now - wait.since).total_seconds())}, {times}"


def _about(plan: StoredPlan, wait: Wait | None) -> dict[str, Any]:
    return {
        "delivery": plan.delivery,
        "district": plan.district,
        "school_id": plan.school_id,
        "name": plan.name,
        "plan": plan.plan,
        "held_since": wait and wait.since,
        "held_deliveries": wait and wait.deliveries,
    }


def _decision(command: Callable[..., None]) -> Callable[..., None]:
    shown = (
        click.argument("named", metavar="PLAN...", nargs=-1),
        click.option("--delivery", type=DELIVERY, help="All plans of this delivery that are on hold."),
        click.option("--district", "slug", type=DISTRICT, help="The district whose plans --all means."),
        click.option("--all", "every", is_flag=True, help="All plans of the district that are on hold; asks first."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--by", type=KEPT_TEXT, required=True, help="Who decides."),
        click.option("--reason", type=KEPT_TEXT, required=True, help="Why."),
        as_json,
        click.pass_obj,
    )
    for option in reversed(shown):
        command = option(command)
    return command


@click.command()
@_decision
@click.option("--code", "codes", multiple=True, help="A release code from a mail, instead of a plan; may be repeated.")
def release(place: Place, codes: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - the options of `_decision`
    """Apply exactly the plans that were held.

    Name each by the beginning of its hash, or give the release code that its district was sent. All of them are
    applied, or none. A plan whose school's roster has changed since is worked out again instead, and waits under its
    new hash.
    """
    if codes:
        given["named"] += run(_coded(place, codes))
    _decide(place, "released", **given)


async def _coded(place: Place, codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the plans that release codes are for, each by its whole name."""
    known = ReleaseCodes(place.spool, place.settings().mail.release_code_hours_max)
    async with place.database() as engine, store.reading(engine) as tx:
        found = [await known.plan(tx, code, utc_now()) for code in codes]
    return tuple(f"{one.delivery}:{one.hash}" for one in found)


@click.command()
@_decision
def discard(place: Place, **given: Any) -> None:  # noqa: ANN401 - the options of `_decision`
    """Drop the plans that were held: the roster stays as it is."""
    _decide(place, "discarded", **given)


def _decide(
    place: Place,
    what: str,
    *,
    named: tuple[str, ...],
    delivery: str | None,
    slug: str | None,
    every: bool,
    yes: bool,
    by: str,
    reason: str,
    as_json: bool,
) -> None:
    if [bool(named), bool(delivery), every].count(True) != 1 or every != bool(slug):
        raise click.UsageError("name one or more plans, or a delivery with --delivery, or --district with --all")
    if not by.strip() or not reason.strip():
        raise click.UsageError("--by and --reason must say who and why")
    if every and not yes:
        assert_can_ask(as_json=as_json, look="`rostergate holds`")
    if delivery or slug:
        named = run(_meant(place, delivery, slug))
        if slug and not yes:
            click.confirm(f"{counted(len(named), 'plan')} of {slug} would be {what}. Go on?", abort=True, err=True)
    with progress("closing plans"):
        closed = run(_close(place, what, named, by.strip(), reason.strip()))
    if as_json:
        told = ("plan", "delivery", "school_id", "name")
        print_json([{**{key: getattr(one, key) for key in told}, "state": one.state.value} for one in closed])
        return
    for one in closed:
        click.echo(f"{what}: plan {_named(one)}")


async def _meant(place: Place, delivery: str | None, slug: str | None) -> tuple[str, ...]:
    """Return the plans on hold of a delivery, or of a district, each by its whole name."""
    if slug:
        place.assert_known(slug)
    async with place.database() as engine, store.reading(engine) as tx:
        if delivery:
            await stored.get(tx, delivery)
        found = await plans.held(tx, slug)
    named = tuple(f"{one.delivery}:{one.hash}" for one in found if delivery in {None, one.delivery})
    if not named:
        end(f"nothing of {delivery or slug} is on hold", REFUSED)
    return named


async def _close(place: Place, what: str, named: tuple[str, ...], by: str, reason: str) -> list[StoredPlan]:
    settings = place.settings()
    journal.configure(settings.log.format, settings.log.level)
    async with place.database() as engine:
        act = deciding.release if what == "released" else deciding.discard
        try:
            # All or none: when one of several cannot be closed, the roster stays as it is.
            async with store.writing(engine) as tx:
                closed = await act(tx, named, by, reason, utc_now())
                if what == "released":
                    _assert_rostered(place, closed)
                await _tell_closed(place, tx, closed)
        except deciding.GroundMovedUnderPlan as moved:
            await work_out_again(place, engine, moved)
            raise
        event = journal.PLAN_RELEASED if what == "released" else journal.PLAN_DISCARDED
        for one in closed:
            journal.note(event, delivery=one.delivery, district=one.district, plan=one.plan)
        await write_reports(place, engine, closed)
        return closed


def _assert_rostered(place: Place, released: list[StoredPlan]) -> None:
    """Refuse to release what the district's file has deselected since it was held, or whose place it gives to another.

    Raises `ConfigError` or `NotFound` where the file cannot say so: it is broken, or gone.
    """
    of_file = {slug: place.district(slug).schools for slug in {one.district for one in released}}
    for one in released:
        matched = {school.id: school.school_id for school in of_file[one.district].platform}
        if matched.get(one.platform_school or "") not in {None, one.school_id}:
            raise Refused(
                f"The platform's school {one.platform_school}, which school {one.school_id} would get, is the match of "
                f"another in the file of {one.district}: match {one.school_id} anew, or discard plan {one.plan}. "
                "Nothing was changed."
            )
        if one.school_id in of_file[one.district].deselected:
            raise Refused(
                f"School {one.school_id} is deselected in the file of {one.district}, so nothing of it is written: "
                f"discard plan {one.plan}, or take the school out of `deselected` there. Nothing was changed."
            )


async def _tell_closed(place: Place, tx: AsyncConnection, closed: list[StoredPlan]) -> None:
    settings, districts = place.settings(), place.districts()
    for slug in sorted({one.district for one in closed}):
        if district := districts.get(slug):
            told = sorted({one.delivery for one in closed if one.district == slug})
            await notices.tell_closed(tx, settings, district, told, utc_now())


async def work_out_again(place: Place, engine: AsyncEngine, moved: GroundMovedUnderPlan) -> None:
    """Work a plan out again whose ground has moved, and raise `Refused`, which says so and names the new one."""
    settings, plan = place.settings(), moved.plan
    district = place.district(plan.district)
    async with store.reading(engine) as tx:
        if await undos.of(tx, plan.delivery):
            raise Refused(f"{moved} It is part of an undo, which has no files: discard it and undo again.") from moved
        day = (await stored.get(tx, plan.delivery)).day or day_of(utc_now(), district.zone)
    again = await rework.rework(engine, place.spool, plan, district.policy(settings, day))
    await write_reports(place, engine, [again])
    raise Refused(
        f"{moved} It was worked out again and waits as plan {again.plan}: look at it with "
        f"`rostergate holds show {again.plan}`, then decide about that one. Nothing else was changed."
    ) from moved


async def write_reports(place: Place, engine: AsyncEngine, closed: list[StoredPlan]) -> None:
    """Tell again the deliveries whose plans have been closed or worked out again.

    Where a district's file is broken, or gone, its reports stay due: the daemon writes them.
    """
    settings, districts = place.settings(), place.districts()
    for found, slug in sorted({(one.delivery, one.district) for one in closed}):
        if district := districts.get(slug):
            await reporting.write(engine, place.spool, settings, district, found, utc_now())
        else:
            why = districts.errors.get(slug, f"there is no district {slug}")
            click.echo(f"rostergate: the report of {found} is written later, by the daemon: {why}", err=True)
