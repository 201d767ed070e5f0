"""How commands answer: a rich table for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rostergate.cli.shown import shown
from rostergate.desk.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


def only_one(**given: bool) -> str | None:
    """Return which of some flags was given, without its dashes; None: none was. Raises `UsageError` for several."""
    chosen = [name for name, there in given.items() if there]
    if len(chosen) > 1:
        raise click.UsageError(f"give only one of {listed([f'--{name}' for name in chosen])}")
    return chosen[0] if chosen else None


def assert_can_ask(*, as_json: bool, look: str = "--dry-run") -> None:
    """Raise `UsageError` where nobody answers a question: with --json, or where standard input is no terminal."""
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(f"nobody can be asked here: look with {look}, then say --yes")


def console() -> Console:
    """Return a console on standard output: as wide as the terminal or as COLUMNS says, wide for a pipe."""
    plain = Console()
    return plain if plain.is_terminal or "COLUMNS" in os.environ else Console(width=160)


def print_json(answer: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print one JSON value; dates and times in ISO 8601."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False, default=_iso))


def _iso(value: date) -> str:
    return value.isoformat()


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows under headings; `empty` where there are none. Numbers are set flush right."""
    rows = [list(row) for row in rows]
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for place, heading in enumerate(headings):
        numeric = all(isinstance(row[place], int | float) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # As text, not as markup: a school may be called "[Annex]". Nor as what a terminal takes for a command.
        table.add_row(*(Text("" if cell is None else shown(cell)) for cell in row))
    console().print(table)
