"""`rostergate status`: one screen, most urgent first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from rostergate import store
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import Place, run
from rostergate.core.school_status import Status
from rostergate.service.clock import utc_now
from rostergate.service.lock import running
from rostergate.store import deliveries, undos, whereabouts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rostergate.store.deliveries import Overview

_URGENCY = (
    "file broken",
    "failed",
    "on hold",
    "waiting for a match",
    "rejected",
    "being decided",
    "coming in",
    "nothing yet",
    "disabled",
    "in order",
)
_BY_STATE = {"failed": "failed", "rejected": "rejected", "sealed": "being decided", "receiving": "coming in"}


@click.command()
@as_json
@click.pass_obj
def status(place: Place, *, as_json: bool) -> None:
    """Show whether the daemon runs and where each district stands, most urgent first."""
    daemon = running(place.spool)
    rows = run(_districts(place))
    if as_json:
        print_json({"daemon": {"pid": daemon.pid, "port": daemon.port} if daemon else None, "districts": rows})
        return
    click.echo(f"daemon: running, port {daemon.port} (process {daemon.pid})" if daemon else "daemon: not running")
    for row in rows:
        if "error" in row:
            click.echo(f"broken: {row['error']}", err=True)
    print_table(
        ("DISTRICT", "STANDS", "LAST DELIVERY", "AGE", "ON HOLD"),
        [(row["district"], row["stands"], _last(row), row["age"], row["on_hold"]) for row in rows],
        empty="no districts yet; add one with `rostergate district add`",
    )
    for row in rows:
        if row["schools"]:
            click.echo(f"schools of {row['district']}: {_schools(row['schools'])}")


async def _districts(place: Place) -> list[dict[str, Any]]:
    districts = place.districts()
    async with place.database() as engine, store.reading(engine) as tx:
        seen = {one.district: one for one in await deliveries.overview(tx)}
        undone = await undos.undone_by_each(tx, [one.last.id for one in seen.values()])
        schools = {slug: Counter(one.status for one in await whereabouts.of(tx, slug)) for slug in seen}
    now = utc_now()
    rows = [_row(slug, _stands(districts[slug].enabled, seen.get(slug)), seen.get(slug), now) for slug in districts]
    for slug, error in districts.errors.items():  # a daemon that runs goes on with the last good version
        rows.append({**_row(slug, "file broken", seen.get(slug), now), "error": error})
    rows = [{**row, "undoes": undone.get(row["delivery"])} for row in rows]
    for row in rows:
        counts = schools.get(row["district"], Counter())
        row["schools"] = {status.value: counts[status] for status in Status if counts[status]}
    return sorted(rows, key=lambda row: (_URGENCY.index(row["stands"]), -(row["age_seconds"] or 0), row["district"]))


def _last(row: dict[str, Any]) -> str | None:
    return f"{row['delivery']} (undoes {row['undoes']})" if row["undoes"] else row["delivery"]


def _schools(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {status}" for status, count in counts.items())


def _row(slug: str, stands: str, seen: Overview | None, now: datetime) -> dict[str, Any]:
    age = (now - (seen.last.sealed_at or seen.last.began_at)).total_seconds() if seen else None
    return {
        "district": slug,
        "stands": stands,
        "delivery": seen.last.id if seen else None,
        "state": seen.last.state.value if seen else None,
        "age": _age(age),
        "age_seconds": age and round(age),
        "on_hold": seen.open_holds if seen else 0,
    }


def _stands(enabled: bool, seen: Overview | None) -> str:  # noqa: FBT001 - one caller
    if not enabled:
        return "disabled"
    if seen is None:
        return "nothing yet"
    if seen.open_holds:
        return "on hold"
    return _BY_STATE.get(seen.last.state.value, "in order")


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"
