"""Abreast: independent pieces of pure work, done on a few threads at once.

polars lets go of Python's lock while it works, and much of what it does keeps one processor busy at most. What each
piece comes to depends on nothing but itself, so the result is that of doing one after the other.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_THREADS_MAX: Final = min(4, pl.thread_pool_size())

One = TypeVar("One")
Result = TypeVar("Result")


def each(work: Callable[[One], Result], pieces: Iterable[One]) -> list[Result]:
    """Return what the work makes of each piece, in their order. Raises what the first piece that fails raises."""
    waiting = list(pieces)
    if len(waiting) < 2 or _THREADS_MAX < 2:  # noqa: PLR2004 - one is alone
        return [work(one) for one in waiting]
    with ThreadPoolExecutor(_THREADS_MAX) as threads:
        return list(threads.map(work, waiting))
