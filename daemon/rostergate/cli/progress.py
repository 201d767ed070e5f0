"""Progress of long work: a line on the terminal that goes away when the work is done.

Rule: it is for who sits in front of it: on standard error, where that is a terminal, and never with --json.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Told: TypeAlias = "Callable[[int, int | None], None]"
"""Takes how much is done, and of how much; None: nobody knows."""


@contextmanager
def progress(what: str) -> Iterator[Told]:
    """Show that something is under way: `what` is done, as in `copying the database`. Gives what to tell it to."""
    context = click.get_current_context(silent=True)
    if not sys.stderr.isatty() or (context is not None and context.params.get("as_json")):
        yield lambda _done, _total: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)
