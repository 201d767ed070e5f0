"""When the files in an inbox are a set: complete, waited for, overdue or mixed.

Rule 1: nothing is complete while an upload is open, or before the inbox was quiet for the settle time; optional files
are waited for just as long.
Rule 2: all files are of one generation. A file that began much earlier than the newest one belongs to another day.
Rule 3: a set is overdue when the newest of its files is old and a required one never came; one that still grows is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Complete:
    """Every required file is there, of one generation, and nothing moves any more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not yet."""

    missing: tuple[str, ...]
    """Required files that are not there, in order of name; empty when only quiet is waited for."""
    again_in_seconds: float | None
    """When the answer may change although nothing happens; None when only a new upload or its end can change it."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Some files came, long ago, and others never did."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mixed:
    """Every required file is there, but not of one generation."""

    old: tuple[str, ...]
    """Files that began more than the allowed time before the newest one, in order of name."""


Judgement: TypeAlias = Complete | Waiting | Overdue | Mixed


def judge(
    required: frozenset[str],
    present: Mapping[str, datetime],
    *,
    busy: int,
    quiet_seconds: float,
    now: datetime,
    settle_seconds: float,
    overdue_after: timedelta,
    generation_max: timedelta,
) -> Judgement:
    """Judge the committed files of an inbox.

    `present`: committed files by name, with the aware time at which each upload began. `busy`: uploads still open.
    `quiet_seconds`: since anything last happened in the inbox. `overdue_after` and `generation_max` count from and to
    the begin of the newest file.
    """
    missing = tuple(sorted(required - present.keys()))
    if busy or not present:
        return Waiting(missing, None)
    if quiet_seconds < settle_seconds:
        return Waiting(missing, settle_seconds - quiet_seconds)
    newest = max(present.values())
    if missing:
        left = (newest + overdue_after - now).total_seconds()
        return Waiting(missing, left) if left > 0 else Overdue(missing)
    old = tuple(sorted(name for name, began in present.items() if newest - began > generation_max))
    return Mixed(old) if old else Complete()
