"""The events of the journal as people read them: when each is logged, which fields it has, how it is said in words.

`EVENTS` has every event of `journal` once; `daemon/EVENTS.md` is made of it, and `desk.saying` says its words, as
`rostergate tail` prints them.

Words hold fields in braces, with a form of `desk.saying` after a colon: `{bytes:size}`, `{files:file}`. What stands in
square brackets is left out when one of its fields says nothing.

Rule: words add nothing that the line does not have; so what is never logged is never said either.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import starmap
from typing import TYPE_CHECKING, Final

from rostergate.desk.event_house import HOUSE
from rostergate.desk.event_road import ROAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the journal."""

    name: str
    when: str
    """When it is logged."""
    words: str
    """How it is said; see the module's docstring."""
    fields: tuple[str, ...]
    """Every field it can have besides those of every line."""


_ROWS: Final = {**HOUSE, **ROAD}

SECTIONS: Final[Mapping[str, Sequence[Event]]] = {
    title: tuple(starmap(Event, _ROWS[title]))
    for title in ("The service", "The gate", "The road", "Mail", "Everything else")
}
"""Title -> events, in the order of `journal`."""

EVENTS: Final = {event.name: event for events in SECTIONS.values() for event in events}
"""Name -> event."""
