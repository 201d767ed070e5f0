"""Guardian ids for formats that have none: derived from what the files say about the guardian, and stable.

An id is `g-` and the first 16 hexadecimal digits of the SHA-256 of the guardian's name together with, by preference,
their e-mail address, their phone number, or the student's id. Case, runs of white space, and the punctuation and the +1
of a phone number do not count. A guardian of two students is therefore one person as long as name and contact agree,
and a guardian whose contact changes is a new one. Where every cell is empty there is no guardian.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = 16  # 64 bits: a collision among a million guardians has a chance of 1 in 37 million


def derived(rows: pl.DataFrame, *, names: Sequence[str], email: str, phone: str, student: str) -> pl.Series:
    """Return `guardian_id` for each row, by its columns of that meaning; null where no cell says anything."""

    def plain(column: str) -> pl.Expr:
        return pl.col(column).str.to_lowercase().str.replace_all(r"\s+", " ")

    digits = pl.col(phone).str.replace_all(r"\D", "").str.replace(r"^1(\d{10})$", "${1}")
    reached = pl.coalesce(
        "email:" + plain(email),
        "phone:" + pl.when(digits.str.len_bytes() > 0).then(digits),
        "student:" + pl.col(student),
    )
    there = pl.any_horizontal(pl.col(column).is_not_null() for column in (*names, email, phone))
    parts = [*(plain(name).fill_null("") for name in names), reached]
    identity = rows.select(pl.when(there).then(pl.concat_str(*parts, separator="\n")).alias("identity")).to_series()
    named = identity.unique().drop_nulls()
    ids = pl.Series([_digest(text) for text in named], dtype=pl.String)
    return identity.replace_strict(named, ids, default=None, return_dtype=pl.String).alias("guardian_id")


def _digest(identity: str) -> str:
    return "g-" + hashlib.sha256(identity.encode()).hexdigest()[:_DIGITS]
