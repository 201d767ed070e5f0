"""Reissue: people who leave the roster under one id and come back under another in the same delivery.

An SIS that is replaced, merged or restored from a backup gives everybody a new id. By ids alone it looks as if all had
left and as many strangers had come; the platform would archive every account and make new ones.

Rule 1: two ids are the same person when name and birth date are the same, or else the e-mail address is, or else, of
those who have neither birth date nor e-mail address, name and phone number; case and outer white space do not count.
Rule 2: what fits two people on either side says nothing: twins share a birth date, families an e-mail address.
Rule 3: a phone number is a family's, so it says nothing without the whole name: siblings are two people. With it, it is
less sure than the others: it may explain why a school waits, and is no reason to count fewer who leave the district.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate.core.plan import Action
from rostergate.core.roster import PEOPLE, Table

if TYPE_CHECKING:
    from rostergate.core.roster import Frames

_PHONE: Final = ("first_name", "last_name", "phone")
_SIGNS: Final = (("first_name", "last_name", "birth_date"), ("email",), _PHONE)
"""What tells that two ids are one person, the surest first."""
_SURER: Final = pl.col("^(birth_date|email)$")
"""What nobody has whom a phone number tells: of two birth dates one would speak against it."""


def reissued(rows: Frames) -> Frames:
    """Return who seems to have a new id, by table of people: `old` and `new`, each id once, and `sure`, by Rule 3.

    Only tables with any.

    `rows`: of every table of people the rows that differ, with `action`, as `diff.compare` returns them.
    """
    found = {person.name: _pairs(person, rows[person.name]) for person in PEOPLE}
    return {name: pairs for name, pairs in found.items() if pairs.height}


def _pairs(person: Table, rows: pl.DataFrame) -> pl.DataFrame:
    (key,) = person.key
    gone = rows.filter(pl.col("action") == Action.REMOVED.value)
    come = rows.filter(pl.col("action") == Action.ADDED.value)
    pairs = pl.DataFrame(schema={"old": pl.String, "new": pl.String, "sure": pl.Boolean})
    for sign in _SIGNS:
        if gone.is_empty() or come.is_empty():
            break
        if set(sign) <= set(person.values):
            told = _told(gone, key, sign).join(_told(come, key, sign), on="sign").select(old=key, new=f"{key}_right")
            pairs = pl.concat([pairs, told.with_columns(sure=sign != _PHONE)])
            gone = gone.join(told, left_on=key, right_on="old", how="anti")
            come = come.join(told, left_on=key, right_on="new", how="anti")
    return pairs


def _told(people: pl.DataFrame, key: str, sign: tuple[str, ...]) -> pl.DataFrame:
    """Return the people whom a sign tells from all others: key and `sign`."""
    if sign == _PHONE:
        people = people.filter(pl.all_horizontal(_SURER.is_null()))
    plain = pl.concat_str((pl.col(one).str.strip_chars().str.to_lowercase() for one in sign), separator="\n")
    return people.select(key, sign=plain).drop_nulls("sign").unique("sign", keep="none")
