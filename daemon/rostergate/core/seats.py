"""Seats: the school in which each enrollment puts its student, and whether the student is tied to that school.

It is the school of the class, by the first row of the class. There may be millions of enrollments: they are looked
through in parts, because what a join makes on the way is several times as large as its rows, and once for all who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate.core.claims import once
from rostergate.core.rows import first_rows, unmet

if TYPE_CHECKING:
    from rostergate.core.claims import Claims

_ROWS_AT_ONCE: Final = 1_000_000


@once
def places(claims: Claims) -> pl.Series:
    """Return the school of each enrollment's class as `place`, in their order; null where the class is unknown."""
    schools = first_rows(claims.tables["classes"].select("class_id", place="school_id"), ["class_id"])
    parts = claims.tables["enrollments"].select("class_id").iter_slices(_ROWS_AT_ONCE)
    placed = (part.join(schools, on="class_id", how="left", maintain_order="left")["place"] for part in parts)
    return pl.concat([schools["place"].clear(), *placed])


@once
def outside(claims: Claims) -> pl.DataFrame:
    """Return the enrollments, with `place`, whose student is not tied to the school of the class."""
    ties = claims.tables["student_schools"].select("student_id", place="school_id")
    seats = claims.tables["enrollments"].with_columns(places(claims))
    parts = seats.iter_slices(_ROWS_AT_ONCE)
    return pl.concat([seats.clear(), *(unmet(part, ties, ["student_id", "place"]) for part in parts)])
