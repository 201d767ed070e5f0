"""`rostergate rules`: what is checked."""

from __future__ import annotations

import click

from rostergate.cli import rules_page
from rostergate.cli.output import as_json, print_json, print_table
from rostergate.core import catalogue
from rostergate.core.findings import Severity


@click.command()
@click.option("--markdown", is_flag=True, help="Print the page of all rules and holds: also why each one exists.")
@as_json
def rules(*, markdown: bool, as_json: bool) -> None:
    """List every fault that a delivery can be told about, and what to do about it."""
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
