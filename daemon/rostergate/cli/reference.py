"""`rostergate rules`, `events`, `schema`: what is checked, what is logged, what programs can read."""

from __future__ import annotations

import click

from rostergate.cli import events_page, rules_page
from rostergate.cli.output import as_json, only_one, print_json, print_table
from rostergate.core import catalogue
from rostergate.core.findings import Severity
from rostergate.desk import status
from rostergate.desk.events import EVENTS


@click.command()
@click.option("--markdown", is_flag=True, help="Print the page of all rules and holds: also why each one exists.")
@as_json
def rules(*, markdown: bool, as_json: bool) -> None:
    """List every fault that a delivery can be told about, and what to do about it."""
    only_one(markdown=markdown, json=as_json)
    if markdown:
        click.echo(rules_page.page(), nl=False)
        return
    codes = sorted(catalogue.codes().values(), key=lambda one: (list(Severity).index(one.severity), one.code))
    if as_json:
        print_json(
            [
                {"code": one.code, "severity": one.severity.value, "title": one.title, "next_step": one.next_step}
                for one in codes
            ]
        )
        return
    print_table(
        ("SEVERITY", "CODE", "WHAT IT MEANS", "WHAT TO DO"),
        [(one.severity.value, one.code, one.title, one.next_step) for one in codes],
        empty="no rules",
    )


@click.command()
@click.option("--markdown", is_flag=True, help="Print the page of all events: also what each field holds.")
@as_json
def events(*, markdown: bool, as_json: bool) -> None:
    """List every event that is logged, with its fields."""
    only_one(markdown=markdown, json=as_json)
    if markdown:
        click.echo(events_page.page(), nl=False)
        return
    if as_json:
        print_json([{"event": one.name, "when": one.when, "fields": list(one.fields)} for one in EVENTS.values()])
        return
    print_table(
        ("EVENT", "LOGGED WHEN", "FIELDS"),
        [(one.name, one.when, ", ".join(one.fields)) for one in EVENTS.values()],
        empty="no events",
    )


@click.command()
@click.argument("file", metavar="status", type=click.Choice(["status"]))
def schema(*, file: str) -> None:  # noqa: ARG001 - there is one so far, and it is named so that there can be more
    """Print the JSON Schema of a file that programs read: of a report's status.json."""
    click.echo(status.schema(), nl=False)
