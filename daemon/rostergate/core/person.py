"""A person in tables: which rows name one, wherever people are named.

A person is named by a canonical table of people (the role) and the SIS's id there. The same id in another role is
somebody else.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from rostergate.core.roster import Frames, Table


def naming(role: Table) -> tuple[Table, ...]:
    """Return the tables whose rows can name a person of a role: that of the people, and every tie to them."""
    (column,) = role.key
    return tuple(table for table in TABLES.values() if column in table.key)


def rows(frames: Frames, role: Table, person_id: str) -> Frames:
    """Return the rows that name a person; only tables that have any."""
    (column,) = role.key
    found = {name: frame.filter(pl.col(column) == person_id) for name, frame in frames.items() if column in frame}
    return {name: frame for name, frame in found.items() if frame.height}


def places(frame: pl.DataFrame, role: Table, person_id: str) -> set[str]:
    """Return the schools (`place`, as in `diff.placed`) in whose changes a person is named."""
    (column,) = role.key
    return set(frame.filter(pl.col(column) == person_id)["place"])


def without(frames: Frames, role: Table, person_id: str) -> Frames:
    """Return the rows that do not name a person; only tables that have any."""
    (column,) = role.key
    left = {
        name: _anew(frame.filter(pl.col(column) != person_id)) if column in frame else frame
        for name, frame in frames.items()
    }
    return {name: frame for name, frame in left.items() if frame.height}


def concerned_without(frame: pl.DataFrame, role: Table, person_id: str) -> pl.DataFrame:
    """Return the rows of a hold (`core.concerned.COLUMNS`) that name a person neither as such nor as `other_id`."""
    (column,) = role.key
    other = (pl.col("other_id") == person_id) & (pl.col("table") == role.name)
    return _anew(frame.filter(~((pl.col(column) == person_id) | other).fill_null(value=False)))


def _anew(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in memory of their own: a filtered frame still holds the bytes of the texts that it left out."""
    return pl.DataFrame({name: frame[name].to_list() for name in frame.columns}, schema=frame.schema)


def digest(salt: str, person_id: str) -> str:
    """Return the sha256 (hex) of salt and id: who has the id can tell whom it means, and it is not kept itself.

    Not a secret: a short id is found by trying.
    """
    return hashlib.sha256(f"{salt}:{person_id}".encode()).hexdigest()
