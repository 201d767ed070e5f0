"""`rostergate preview`: the whole road for a folder of files, with nothing stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from rostergate.cli.completing import DISTRICT
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.cli.place import REFUSED, Place
from rostergate.cli.progress import progress
from rostergate.core import catalogue
from rostergate.core.calendar import day_of
from rostergate.core.policy import Policy
from rostergate.service.clock import utc_now
from rostergate.worker import road


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--format", "format_name", help="Take the files for this format instead of recognising it.")
@click.option("--district", "slug", type=DISTRICT, help="Compare with this district's roster and use its settings.")
@as_json
@click.pass_obj
def preview(place: Place, folder: Path, *, format_name: str | None, slug: str | None, as_json: bool) -> None:
    """Check the files in DIR and show what a delivery of them would change. Nothing is stored.

    Without --district the roster is taken to be empty; no daemon, state or account is needed.
    Ends with 1 when the files would be refused or are not complete.
    """
    if format_name and format_name not in (known := sorted(catalogue.formats())):
        raise click.BadParameter(f"{format_name} is not one of {', '.join(known)}", param_hint="--format")
    policy = _policy(place, slug) if slug else Policy()
    if format_name:
        policy = replace(policy, format=format_name)
    with progress(f"checking {folder}"):
        if slug and (database := place.known_location()):
            verdict = road.dry_run(database, folder, slug, policy)
        else:
            verdict = road.first_look(folder, policy)
    answer = verdict.as_json()
    if as_json:
        print_json(answer)
    else:
        print_verdict(answer)
        if verdict.recognised:
            click.echo(f"\nWhy {verdict.format}: {verdict.recognised}")
    if verdict.outcome != "accepted":
        raise SystemExit(REFUSED)


def _policy(place: Place, slug: str) -> Policy:
    district = place.district(slug)
    return district.policy(place.settings(), day_of(utc_now(), district.zone))


def print_verdict(answer: dict[str, Any]) -> None:
    """Print a verdict, in the shape of `Verdict.as_json`, as people read it."""
    if answer.get("undo"):  # it has no files, and so no format
        click.echo(answer["verdict"])
    else:
        known = f"{answer['verdict']} (format: {answer['format'] or 'not recognised'})"
        click.echo(f"{known if answer['verdict'] else 'no verdict'}\n")
        files = [(one["name"], one["rows"], one["bytes"]) for one in answer["files"]]
        print_table(("FILE", "ROWS", "BYTES"), files, empty="no files")
    if answer["findings"]:
        click.echo()
        print_table(
            ("SEVERITY", "CODE", "FILE", "COLUMN", "COUNT", "LINES", "WHAT IS WRONG, AND WHAT TO DO"),
            [
                (
                    one["severity"],
                    one["code"],
                    one["file"],
                    one["column"],
                    one["count"],
                    ", ".join(map(str, one["lines"][:8])) + (" ..." if one["count"] > 8 else ""),  # noqa: PLR2004 - a line's worth
                    f"{one['message']} {one['next_step']}",
                )
                for one in answer["findings"]
            ],
            empty="",
        )
    if answer["totals"]:
        click.echo()
        print_table(
            ("TABLE", "ADDED", "UPDATED", "REMOVED", "UNCHANGED"),
            [
                (table, one["added"], one["updated"], one["removed"], one["unchanged"])
                for table, one in answer["totals"].items()
            ],
            empty="",
        )
    waiting = [(one["school_id"], one["name"], hold["message"]) for one in answer["schools"] for hold in one["holds"]]
    if waiting:
        click.echo()
        print_table(("SCHOOL", "NAME", "ON HOLD, BECAUSE"), waiting, empty="")
