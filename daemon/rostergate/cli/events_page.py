"""The page of all events, `daemon/EVENTS.md`: what is logged, when, and with which fields.

It is generated from `desk.events`, which tests compare with what is logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.desk.event_fields import ALWAYS, FIELDS
from rostergate.desk.events import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rostergate.desk.events import Event

_OPENING = """\
# Events

Everything that rostergate logs. Generated from the code by `rostergate events --markdown`; do not edit it by hand.

A line of the log is one JSON object. `rostergate tail` says it in words. An event may lack fields that it has nothing
to say about; it never has one that is not named here, and no field holds a cell's value."""


def page() -> str:
    """Return the page as Markdown: events by section in the order of the journal, then what each field holds."""
    parts = [_OPENING]
    for title, events in SECTIONS.items():
        parts += [f"## {title}", _table(("event", "logged when", "fields"), map(_row, events))]
    parts += ["## Fields", "Every line has the first three.", _table(("field", "holds"), _fields({**ALWAYS, **FIELDS}))]
    return "\n\n".join(parts) + "\n"


def _row(event: Event) -> tuple[str, str, str]:
    return f"`{event.name}`", event.when, ", ".join(f"`{field}`" for field in event.fields) or "none"


def _fields(described: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"`{name}`", what) for name, what in described.items()]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
