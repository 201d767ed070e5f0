"""Selected: what of a roster, and of what it should be, takes part while some schools are not rostered.

Rule 1: ties belong to schools, people do not. Of a deselected school no tie takes part, so none is written.
Rule 2: somebody whom the roster has at a deselected school is in the roster. Who leaves all other schools loses those
ties and stays, as nobody has changed them; who comes to another school is no stranger there.
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

    Of people both have those who are tied to another school in either. Who is in the second without any tie there is
    still tied to a deselected one.
    """
    if not deselected:
        return roster, after
    left = pl.col("school_id").is_in(list(deselected))
    was, be = ({name: _without(frames, name, left) for name in TABLES} for frames in (roster, after))
    for person in PEOPLE:
        name, key = person.name, person.key
        here, there = ties(was, person).select(key), ties(be, person).select(key)
        elsewhere = ties(roster, person).filter(left)
        known = roster[name].join(pl.concat([here, there]), on=key, how="semi")
        stays = known.join(elsewhere, on=key, how="semi").join(there, on=key, how="anti")
        was[name], be[name] = known, pl.concat([after[name].join(there, on=key, how="semi"), stays])
    return was, be


def _without(frames: Frames, name: str, left: pl.Expr) -> pl.DataFrame:
    return frames[name] if TABLES[name].of_people else frames[name].filter(~left)
