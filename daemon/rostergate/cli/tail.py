"""`rostergate tail`: the daemon's log in words, as it is written."""

from __future__ import annotations

import json
import re
import select
import sys
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from rostergate.cli import log_lines
from rostergate.cli.completing import DISTRICT
from rostergate.desk.saying import said
from rostergate.desk.words import clock, plain
from rostergate.service.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rostergate.cli.log_lines import Line
    from rostergate.cli.place import Place

_UNITS: Final = {"s": 1, "min": 60, "m": 60, "h": 3_600, "d": 86_400}
_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_COLOURS: Final = {"warning": "yellow", "error": "red", "critical": "red"}


class Since(click.ParamType[datetime]):
    """A moment: how long ago, or a date with or without a time of this machine's zone."""

    name = "when"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment, aware."""
        if isinstance(value, datetime):
            return value
        try:
            if ago := re.fullmatch(r"(\d{1,6})\s*(s|min|m|h|d)", value.strip()):
                return utc_now() - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
            return datetime.fromisoformat(value.strip()).astimezone()
        except (ValueError, OverflowError):  # none, or before the calendar begins
            self.fail(
                f"{value}: say how long ago, as in 30min, 2h or 3d, or a date, as in 2026-09-01T06:00", param, ctx
            )


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True))
@click.option("--district", "slugs", type=DISTRICT, multiple=True, help="Only this district; may be repeated.")
@click.option(
    "--level", type=click.Choice(_LEVELS), default="info", show_default=True, help="Nothing less severe than this."
)
@click.option("--since", type=Since(), help="From then on, as in 30min, 2h, 3d or 2026-09-01T06:00.")
@click.option(
    "--lines",
    "count",
    type=click.IntRange(0, 100_000),
    help="At most so many of before.  [default: 20; with --since all]",
)
@click.option("--no-follow", is_flag=True, help="End after what is there.")
@click.option("--unit", default="rostergate.service", show_default=True, help="The daemon's unit.")
@click.option("--json", "as_json", is_flag=True, help="The lines as they were logged, one JSON object each.")
@click.pass_obj
def tail(
    place: Place,
    file: Path | None,
    *,
    slugs: tuple[str, ...],
    level: str,
    since: datetime | None,
    count: int | None,
    no_follow: bool,
    unit: str,
    as_json: bool,
) -> None:
    """Follow what happens, in words, until Ctrl-C.

    Without FILE it is read from systemd's journal, which root and the group systemd-journal may read: beside the
    daemon's own lines there are those of systemd about it and what operators' commands have changed. FILE is a file
    that the daemon's standard error goes to, or - for standard input. Lines that are no events are shown as they are.
    """
    if (place.config / "districts").is_dir():  # the log of another machine may be read where there is none
        for slug in slugs:
            place.assert_known(slug)
    before = count if count is not None else None if since else 20
    if file is None:
        lines = log_lines.of_systemd(unit, since=since, lines=None if slugs else before, follow=not no_follow)
    elif str(file) == "-":
        lines = log_lines.of_input()
    else:
        lines = log_lines.of_file(file, follow=not no_follow)
    page = _Page()
    try:
        for line in _last(_chosen(lines, frozenset(slugs), level, since), before):
            if line is None:
                if _nobody_reads():
                    return
            elif as_json:
                click.echo(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
            else:
                page.print(line)
    except KeyboardInterrupt:
        return


def _chosen(
    lines: Iterable[Line | None], slugs: frozenset[str], level: str, since: datetime | None
) -> Iterator[Line | None]:
    """Leave out what was not asked for; a line that is no event belongs to no district and may be of any level."""
    for line in lines:
        if line is None or (
            (not slugs or _district(line) in slugs)
            and (line.get("level") not in _LEVELS or _LEVELS.index(line["level"]) >= _LEVELS.index(level))
            and (since is None or (at := _at(line)) is None or at >= since)
        ):
            yield line


def _last(lines: Iterator[Line | None], count: int | None) -> Iterator[Line | None]:
    """Give the last `count` of what is there already (None: all of it), then what comes."""
    if count is not None:
        kept: deque[Line] = deque(maxlen=count)
        for line in lines:
            if line is None:
                break
            kept.append(line)
        yield from kept
    yield from lines


def _district(line: Line) -> str | None:
    if isinstance(slug := line.get("district"), str):
        return slug
    delivery = line.get("delivery")
    return delivery.rpartition("-")[0] if isinstance(delivery, str) else None


def _at(line: Line) -> datetime | None:
    told: Any = line.get("timestamp")
    try:
        at = datetime.fromtimestamp(told, UTC) if isinstance(told, float | int) else datetime.fromisoformat(told)
    except (TypeError, ValueError, OverflowError):  # another program's: there is none, or it is no time of ours
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class _Page:
    """Prints lines for people; a day's first line has its date above it."""

    def __init__(self) -> None:
        self._date = ""

    def print(self, line: Line) -> None:
        """Print one line, on this machine's clock."""
        text = said(line) if "event" in line else plain(f"{line.get('from') or ''} {line['message']}")
        if not text:
            return
        at = _at(line)
        here = at.astimezone() if at else None
        date, _, _ = clock(here).rpartition(", ") if here else (self._date, "", "")
        if date != self._date:
            click.secho(date, bold=True)
            self._date = date
        level = str(line.get("level"))
        mark = f"{level}: " if level in _COLOURS else ""
        click.echo(f"{f'{here:%H:%M:%S}' if here else ' ' * 8}  {click.style(mark + text, fg=_COLOURS.get(level))}")


def _nobody_reads() -> bool:
    """Say whether standard output is a pipe whose other end was closed: nothing would tell until the next line."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return bool(poll.poll(0))
