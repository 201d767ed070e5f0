"""Contact taken: an e-mail address or phone number that another person keeps.

One contact point, one account. Where two people carry the same e-mail address or phone number, a teacher keeps it
before a guardian, a guardian before a student, and within a role the lowest id in the order of its characters. The
others are reported. A guardian or student is made without that contact. A teacher without an e-mail address of their
own is not made; a teacher's phone number is only left blank, because the account is claimed by e-mail.

A teacher who is a parent as well stands in two files under two ids, and the files do not say that it is one person. The
address stays with the teacher's account. The guardian is made without it, and can be reached as a guardian only by
another one.

Every row of a person counts, usable or not: somebody who is left out today may well have an account already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.findings import Code, Severity
from rostergate.core.problem import Effect, Problem, Rule, Stage
from rostergate.core.rows import repeats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.claims import Claims

CODE = Code(
    "contact-taken",
    Severity.ERROR,
    "The e-mail address or phone number is kept by another account in the files: somebody else's, or their own.",
    "Give each one of their own. Until then a guardian or student is made without it; a teacher without e-mail is not.",
)

_ROLES = (("teachers", "teacher_id"), ("guardians", "guardian_id"), ("students", "student_id"))
"""Who keeps a contact first, and by which id."""


def check(claims: Claims) -> Iterator[Problem]:
    """Yield, by contact and role, the rows of the people who cannot keep it."""
    for column in ("email", "phone"):
        others = _not_first(claims, column)
        if others.is_empty():
            continue
        for rank, (table, key) in enumerate(_ROLES):
            losers = others.filter(pl.col("rank") == rank).select(
                pl.col("contact").alias(column), pl.col("id").alias(key)
            )
            rows = claims.tables[table].join(losers, on=[column, key], how="semi", maintain_order="left")
            effect = Effect.LEAVE_OUT if (table, column) == ("teachers", "email") else Effect.BLANK
            yield Problem(CODE, table, column, rows.select("file", "line"), effect)


def _not_first(claims: Claims, column: str) -> pl.DataFrame:
    """Return contact, rank and id of everybody who carries a contact that somebody before them keeps."""
    carried = pl.concat(
        claims.tables[table]
        .select(pl.col(column).alias("contact"), pl.lit(rank, pl.UInt8).alias("rank"), pl.col(key).alias("id"))
        .drop_nulls()
        for rank, (table, key) in enumerate(_ROLES)
    )
    told = repeats(carried, ["contact"])
    if not told.any():
        return carried.clear()
    several = carried.filter(told).unique()
    contested = several.filter(pl.col("contact").is_duplicated()).sort("contact", "rank", "id")
    return contested.filter(~pl.col("contact").is_first_distinct())


RULE = Rule(CODE, Stage.CLAIMED, check)
