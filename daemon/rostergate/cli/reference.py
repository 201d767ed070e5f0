"""`rostergate rules` and `rostergate formats`: what is checked, and what may be uploaded."""

from __future__ import annotations

import click

from rostergate.cli.output import as_json, print_json, print_table
from rostergate.core import catalogue
from rostergate.core.findings import Severity


@click.command()
@as_json
def rules(*, as_json: bool) -> None:
    """List every fault that a delivery can be told about, and what to do about it."""
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
@as_json
def formats(*, as_json: bool) -> None:
    """List the formats with their files and columns."""
    known = catalogue.formats().values()
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "title": one.title,
                    "files": [
                        {
                            "name": file.name,
                            "optional": file.optional,
                            "columns": [
                                {
                                    "name": column.name,
                                    "key": column.key,
                                    "required": column.required,
                                    "chars_max": column.chars_max,
                                }
                                for column in file.columns
                            ],
                        }
                        for file in one.files
                    ],
                }
                for one in known
            ]
        )
        return
    print_table(
        ("FORMAT", "FILE", "", "COLUMNS"),
        [
            (
                one.name,
                file.name,
                "optional" if file.optional else "",
                ", ".join(column.name for column in file.columns),
            )
            for one in known
            for file in one.files
        ],
        empty="no formats",
    )
