"""When the files in an inbox are a set: complete, waited for, overdue or mixed. Stuck is what the disk makes of one.

Rule 1: nothing is complete while an upload is open, or before the inbox was quiet for the settle time; optional files
are waited for just as long.
Rule 2: all files are of one generation. A file that began much earlier than the newest one belongs to another day.
Rule 3: a set is overdue when the newest of its files is old and one it needs never came; one that still grows is not.
Rule 4: a file whose upload was begun and not ended is needed, whatever there was of it before, and also when the format
can do without it: the district has said that it sends a new one. Only an upload of an older generation is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Complete:
    """Every required file is there, of one generation, and nothing moves any more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet."""

    missing: tuple[str, ...]
    """Files that the set needs and does not have, in order of name; empty when only quiet is waited for."""
    again_in_seconds: float | None
    """When the answer may change although nothing happens; None when only a new upload or its end can change it."""
    cut_off: tuple[str, ...] = ()
    """Those of them whose newest upload was cut off, or never renamed from its temporary name."""
    unrenamed: tuple[str, ...] = ()
    """Those of `cut_off` whose upload the client did end, under a temporary name."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Some files came, long ago, and others never did."""

    missing: tuple[str, ...]
    cut_off: tuple[str, ...] = ()
    unrenamed: tuple[str, ...] = ()
    """Both as of `Waiting`."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """Every required file is there, but not of one generation."""

    old: tuple[str, ...]
    """Files that began more than the allowed time before the newest one, in order of name."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The server cannot go on with what came, whatever that is; no judgement of the files, and never `judge`'s."""

    why: str
    """For operators; no cell value."""


Judgement: TypeAlias = Complete | Waiting | Overdue | Mixed | Stuck


def judge(
    required: frozenset[str],
    present: Mapping[str, datetime],
    unfinished: Mapping[str, datetime],
    *,
    busy: int,
    quiet_seconds: float,
    now: datetime,
    settle_seconds: float,
    overdue_after: timedelta,
    generation_max: timedelta,
    unrenamed: Collection[str] = (),
) -> Judgement:
    """Judge the committed files of an inbox.

    `present`: committed files by name, with the aware time at which each upload began. `unfinished`: the same of the
    newest upload of a file that was cut off, or never renamed from its temporary name; `unrenamed`: which of those
    the client did end. `busy`: uploads still open. `quiet_seconds`: since anything last happened in the inbox.
    `overdue_after` and `generation_max` count from and to the begin of the newest upload.
    """
    newest = max((*present.values(), *unfinished.values()), default=now)
    cut_off = tuple(
        sorted(
            name
            for name, began in unfinished.items()
            if began >= present.get(name, began) and newest - began <= generation_max
        )
    )
    begun = cut_off, tuple(name for name in cut_off if name in unrenamed)
    missing = tuple(sorted((required - present.keys()).union(cut_off)))
    if busy or not (present or cut_off):
        return Waiting(missing, None, *begun)
    if quiet_seconds < settle_seconds:
        return Waiting(missing, settle_seconds - quiet_seconds, *begun)
    if missing:
        left = (newest + overdue_after - now).total_seconds()
        return Waiting(missing, left, *begun) if left > 0 else Overdue(missing, *begun)
    old = tuple(sorted(name for name, began in present.items() if newest - began > generation_max))
    return Mixed(old) if old else Complete()
