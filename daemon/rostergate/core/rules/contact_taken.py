"""Contact taken: an e-mail address or phone number that another person keeps.

One contact point, one account. Where two people carry the same e-mail address or phone number, a teacher keeps it
before a guardian, a guardian before a student, and within a role the lowest id in the order of its characters. The
others are reported. A guardian or student is made without that contact. A teacher without an e-mail address of their
own is not made; a teacher's phone number is only left blank, because the account is claimed by e-mail.

A teacher who is a parent as well stands in two files under two ids, and the files do not say that it is one person. The
address stays with the teacher's account. The guardian is made without it, and can be reached as a guardian only by
another one.

Of the rows of one person only the one that counts carries a contact: the first that can be used. What a later row says
is used nowhere, and takes nothing from anybody. Somebody of whom no row can be used keeps what their first row says:
they may well have an account already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem
from rostergate.core.rows import first_rows_where, repeats
from rostergate.core.rule import Rule, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "contact-taken",
    Severity.ERROR,
    "The e-mail address or phone number is kept by another account in the files: somebody else's, or their own.",
    "Give each person their own. Until then a guardian or student is made without it; a teacher without e-mail is not.",
)

_ROLES = (("teachers", "teacher_id"), ("guardians", "guardian_id"), ("students", "student_id"))
"""Who keeps a contact first, and by which id."""


def check(claims: Claims) -> Iterator[Problem]:
    """Yield, by contact and role, the usable rows of the people who cannot keep it, as far as they carry it."""
    carried = {table: claims.with_lost(table) for table, _ in _ROLES}
    for column in ("email", "phone"):
        others = _not_first(carried, column)
        if others.is_empty():
            continue
        for rank, (table, key) in enumerate(_ROLES):
            losers = others.filter(pl.col("rank") == rank).select(
                pl.col("contact").alias(column), pl.col("id").alias(key)
            )
            rows = claims.tables[table].join(losers, on=[column, key], how="semi", maintain_order="left")
            effect = Effect.LEAVE_OUT if (table, column) == ("teachers", "email") else Effect.BLANK
            yield Problem(CODE, table, column, rows.select("file", "line"), effect)


def _not_first(carried: dict[str, pl.DataFrame], column: str) -> pl.DataFrame:
    """Return contact, rank and id of everybody who carries a contact that somebody before them keeps."""
    stated = _stated(carried, column)
    told = repeats(stated, ["contact"])
    if not told.any():
        return stated.clear()
    several = stated.filter(told).unique()
    shared = several.filter(pl.col("contact").is_duplicated())["contact"].unique()
    counting = {
        table: first_rows_where(pl.col(column).is_in(shared.implode()), carried[table], [key]) for table, key in _ROLES
    }
    contested = _stated(counting, column).filter(pl.col("contact").is_duplicated()).sort("contact", "rank", "id")
    return contested.filter(~pl.col("contact").is_first_distinct())


def _stated(people: dict[str, pl.DataFrame], column: str) -> pl.DataFrame:
    """Return contact, rank and id of every row that has the contact."""
    return pl.concat(
        people[table]
        .select(pl.col(column).alias("contact"), pl.lit(rank, pl.UInt8).alias("rank"), pl.col(key).alias("id"))
        .drop_nulls()
        for rank, (table, key) in enumerate(_ROLES)
    )


RULE = Rule(CODE, Stage.USABLE, check)
