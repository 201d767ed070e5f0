"""Rows: which of them repeat, told by their hashes first.

Equal rows have equal hashes, so rows whose hashes all differ are all different. In a sound delivery that proof is all
it takes, at a tenth of the time of looking for the repetitions themselves (300,000 rows: 12 ms instead of 170 ms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence


def first_rows(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Return the first row of each key, in the order of the frame."""
    hashes = frame.select(key).hash_rows()
    if hashes.n_unique() == len(frame):
        return frame
    return frame.unique(key, keep="first", maintain_order=True)


def repeats(frame: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """Tell for each row whether its key may occur in another row too: so do all that repeat, and hardly any other."""
    hashes = frame.select(key).hash_rows()
    if hashes.n_unique() == len(frame):
        return pl.repeat(value=False, n=len(frame), eager=True)
    return hashes.is_duplicated()
