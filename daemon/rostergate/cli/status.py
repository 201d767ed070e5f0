"""`rostergate status`: one screen, most urgent first."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table
from rich.text import Text

from rostergate import store
from rostergate.cli.group import reason
from rostergate.cli.output import as_json, console, print_json
from rostergate.cli.place import Place, run
from rostergate.core.notices import Kind
from rostergate.core.school_status import Status
from rostergate.desk.words import age, counted, listed, size
from rostergate.service import silence
from rostergate.service.clock import utc_now
from rostergate.service.lock import running
from rostergate.store import deliveries, outbox, plans, undos, whereabouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from rich.console import Console

    from rostergate.service.lock import Running
    from rostergate.store.deliveries import Overview

Row = dict[str, Any]

_URGENCY: Final = (
    "file broken",
    "stuck",
    "failed",
    "on hold",
    "waiting for a match",
    "rejected",
    "late",
    "silent",
    "being decided",
    "coming in",
    "nothing yet",
    "disabled",
    "in order",
)
_BY_STATE: Final = {"failed": "failed", "rejected": "rejected", "sealed": "being decided", "receiving": "coming in"}
_STYLES: Final = {
    "file broken": "bold red",
    "stuck": "bold red",
    "failed": "bold red",
    "on hold": "yellow",
    "waiting for a match": "yellow",
    "rejected": "yellow",
    "late": "yellow",
    "silent": "yellow",
    "disabled": "dim",
    "in order": "green",
}
_NEXT: Final = {
    "file broken": "rostergate check",
    "stuck": "rostergate explain {delivery}",
    "failed": "rostergate explain {delivery}",
    "on hold": "rostergate holds --district {district}",
    "waiting for a match": "rostergate schools list --district {district}",
    "rejected": "rostergate show {delivery}",
}
"""Where a district stands -> the command with which to go on; those that are not here need nobody."""

_MAY_BE_MISSED: Final = frozenset({"in order", "coming in"})
"""Where a district stands that is late or silent, unless something graver is told of it."""

_BEFORE_FILES: Final = frozenset({"in order", "nothing yet"})
"""Where a district stands in the database until no more files come: the daemon looks at them then."""

_STEPS_MAX: Final = 8
_ROWS_MIN: Final = 6  # however small the screen is
_WIDTH_FOR_SCHOOLS: Final = 100  # columns; a narrower screen leaves them to `schools list`


@click.command()
@click.option("--all", "every", is_flag=True, help="Every district, also where the screen has no room for them.")
@as_json
@click.pass_obj
def status(place: Place, *, every: bool, as_json: bool) -> None:
    """Show whether the daemon runs and where each district stands, most urgent first, then by age.

    On a terminal as many districts as the screen has room for.
    """
    daemon = running(place.spool)
    rows, mail = run(_looked_up(place))
    free = shutil.disk_usage(place.state).free
    if as_json:
        shown = {"pid": daemon.pid, "port": daemon.port} if daemon else None
        print_json({"daemon": shown, "disk_free_bytes": free, "mail": mail, "districts": rows})
        return
    _print(place, daemon, rows, mail, free, every=every)


def _print(
    place: Place, daemon: Running | None, rows: Sequence[Row], mail: Mapping[str, int], free: int, *, every: bool
) -> None:
    screen = console()
    steps = [(row["district"], row["next_step"]) for row in rows if row["next_step"]]
    screen.print(_headline(daemon, len(rows), len(steps)), soft_wrap=True)
    for warning in _warnings(place, mail, free):
        screen.print(Text(warning, style="yellow"), soft_wrap=True)
    for row in rows:
        if "error" in row:
            click.echo(f"{'stuck' if row['stands'] == 'stuck' else 'broken'}: {row['error']}", err=True)
    if not rows:
        click.echo("\nno districts yet; add one with `rostergate district add SLUG --name NAME --time-zone ZONE`")
        return
    room = screen.height - min(len(steps), _STEPS_MAX) - 11 if screen.is_terminal and not every else len(rows)
    told = rows[: max(room, _ROWS_MIN)]
    screen.print()
    screen.print(_table(told, with_schools=screen.width >= _WIDTH_FOR_SCHOOLS))
    if rest := rows[len(told) :]:
        stands = Counter(row["stands"] for row in rest)
        screen.print(
            Text(f"and {counted(len(rest), 'more', 'more')}: {_counts(stands)}; --all lists them", style="dim")
        )
    if steps:
        _print_steps(screen, steps)


def _headline(daemon: Running | None, districts: int, urgent: int) -> Text:
    if daemon:
        runs = Text(f"The daemon runs on port {daemon.port} (process {daemon.pid}).")
    else:
        runs = Text("The daemon does not run.", style="bold red")
    if not districts:
        return runs
    if not urgent:
        return runs.append(f" {counted(districts, 'district')}, none of which needs anybody.", style="none")
    verb = "needs" if urgent == 1 else "need"
    return runs.append(f" {urgent} of {counted(districts, 'district')} {verb} somebody.", style="bold")


def _warnings(place: Place, mail: Mapping[str, int], free: int) -> list[str]:
    warnings = []
    if mail["dead"]:
        warnings.append(f"{counted(mail['dead'], 'mail')} given up: `rostergate mail list --dead` tells why.")
    if free < place.settings().disk.free_bytes_low:
        warnings.append(f"Only {size(free)} are free on the disk of {place.state}: make room.")
    return warnings


def _table(rows: Sequence[Row], *, with_schools: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("DISTRICT", "STANDS", "AGE", "LAST DELIVERY"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "AGE" else "left")
    if with_schools:
        table.add_column("SCHOOLS", overflow="fold")
    now = utc_now()
    for row in rows:
        held = f" for {age((now - row['held_since']).total_seconds())}" if row["stands"] == "on hold" else ""
        stands = Text(f"{row['stands']}{held}", style=_STYLES.get(row["stands"], ""))
        schools = [Text(_counts(row["schools"]))] if with_schools else []
        table.add_row(Text(row["district"]), stands, row["age"], Text(_last(row)), *schools)
    return table


def _print_steps(screen: Console, steps: Sequence[tuple[str, str]]) -> None:
    told = steps[:_STEPS_MAX]
    widest = max(len(district) for district, _ in told)
    screen.print()
    screen.print(Text("WHAT TO DO", style="bold"))
    for district, step in told:  # the terminal itself breaks a line that is too long, so that it can be copied whole
        screen.print(Text(f"{district:<{widest}}  {step}"), soft_wrap=True)
    if len(steps) > _STEPS_MAX:
        screen.print(Text(f"and {counted(len(steps) - _STEPS_MAX, 'more', 'more')}, as in --json", style="dim"))


async def _looked_up(place: Place) -> tuple[list[Row], dict[str, int]]:
    """Return the districts, most urgent first, then those whose last delivery is oldest; and the mail by state."""
    districts, settings, spool, now = place.districts(), place.settings(), place.spool, utc_now()
    async with place.database() as engine, store.reading(engine) as tx:
        seen = {one.district: one for one in await deliveries.overview(tx)}
        undone = await undos.undone_by_each(tx, [one.last.id for one in seen.values()])
        stand = await whereabouts.of_each(tx, [*seen])
        waits = (await plans.waits(tx)).values()
        mail = {state.value: count for state, count in (await outbox.counts(tx)).items()}
        missed = await silence.missing(tx, settings, [districts[slug] for slug in seen if slug in districts], now)
    schools = {slug: Counter(one.status for one in known) for slug, known in stand.items()}
    held_since: dict[str, datetime] = {}
    for wait in waits:
        held_since[wait.district] = min(wait.since, held_since.get(wait.district, wait.since))
    rows = []
    for slug in [*districts, *districts.errors]:
        counts = schools.get(slug, Counter())
        # A daemon that runs goes on with the last good version of a broken file.
        stands = "file broken" if slug in districts.errors else _stands(districts[slug].enabled, seen.get(slug), counts)
        error = districts.errors.get(slug) or (seen[slug].last.error if stands == "stuck" else None)
        stands, unusable = _with_inbox(stands, spool.inbox(slug))
        error = error or unusable
        if stands in _MAY_BE_MISSED and missed.get(slug):
            stands = "late" if missed[slug][0][0] is Kind.LATE else "silent"
        row = _row(slug, stands, seen.get(slug), held_since.get(slug), now)
        row |= {"undoes": undone.get(row["delivery"])}
        row |= {"schools": {status.value: counts[status] for status in Status if counts[status]}}
        step = "rostergate check" if unusable else _NEXT.get(stands, "").format(**row)
        row |= {"next_step": step or None}
        rows.append(row | ({"error": error} if error else {}))
    rows.sort(key=lambda row: (_URGENCY.index(row["stands"]), -(row["age_seconds"] or 0), row["district"]))
    return rows, mail


def _with_inbox(stands: str, inbox: Path) -> tuple[str, str | None]:
    """Return where a district stands when its inbox is looked at, too, and why that cannot be done.

    What counts are whole files; what is under way, or was cut off, lies in a folder with a dot.
    """
    try:
        has_files = any(not path.name.startswith(".") for path in inbox.iterdir())
    except FileNotFoundError:
        has_files = False
    except OSError as error:
        return ("file broken" if stands == "file broken" else "stuck"), f"{inbox}: {reason(error)}"
    return ("coming in" if has_files and stands in _BEFORE_FILES else stands), None


def _last(row: Row) -> str:
    if row["undoes"]:
        return f"{row['delivery']} (undoes {row['undoes']})"
    return row["delivery"] or "-"


def _counts(counts: Mapping[str, int]) -> str:
    return listed([f"{count} {'with errors' if one == Status.ERRORS else one}" for one, count in counts.items()])


def _row(slug: str, stands: str, seen: Overview | None, held_since: datetime | None, now: datetime) -> Row:
    old = (now - (seen.last.sealed_at or seen.last.began_at)).total_seconds() if seen else None
    return {
        "district": slug,
        "stands": stands,
        "delivery": seen.last.id if seen else None,
        "state": seen.last.state.value if seen else None,
        "age": "-" if old is None else age(old),
        "age_seconds": None if old is None else round(old),
        "on_hold": seen.open_holds if seen else 0,
        "held_since": held_since,
    }


def _stands(enabled: bool, seen: Overview | None, schools: Mapping[Status, int]) -> str:  # noqa: FBT001 - one caller
    if not enabled:
        return "disabled"
    if seen is None:
        return "nothing yet"
    if seen.last.state.value == "receiving" and seen.last.error:
        return "stuck"
    if seen.last.state.value == "failed":
        return "failed"
    if seen.open_holds:
        return "on hold"
    stands = _BY_STATE.get(seen.last.state.value, "in order")
    return "waiting for a match" if stands == "in order" and schools[Status.WAITING] else stands
