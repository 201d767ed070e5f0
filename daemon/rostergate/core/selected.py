"""Selected: what of a roster, and of what it should be, takes part while some schools are not rostered.

Rule 1: ties belong to schools, people do not. Of a deselected school no tie takes part, so none is written.
Rule 2: somebody whom the roster has at a deselected school is in the roster. Who leaves all other schools loses those
ties and is not spoken of, as nobody has changed them; who comes to another school is no stranger there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.roster import PEOPLE, TABLES
from rostergate.core.target import ties

if TYPE_CHECKING:
    from rostergate.core.roster import Frames


def selected(roster: Frames, after: Frames, deselected: frozenset[str]) -> tuple[Frames, Frames]:
    """Return the roster and what it should be without the schools of these ids: every canonical table, as they are.

    Of people the second has those with a tie left; the first has them too where the roster does, and whoever is in it
    by other ties alone.
    """
    if not deselected:
        return roster, after
    left = pl.col("school_id").is_in(list(deselected))
    was, be, aside = _only(roster, ~left), _only(after, ~left), _only(roster, left)
    for person in PEOPLE:
        name, key = person.name, person.key
        here, there, elsewhere = (ties(frames, person).select(key) for frames in (was, be, aside))
        known = pl.concat([there, here.join(elsewhere, on=key, how="anti")])
        was[name] = roster[name].join(known, on=key, how="semi")
        be[name] = after[name].join(there, on=key, how="semi")
    return was, be


def _only(frames: Frames, schools: pl.Expr) -> Frames:
    """Return the tables with the rows of some schools; people as they are."""
    return {name: frames[name] if table.of_people else frames[name].filter(schools) for name, table in TABLES.items()}
