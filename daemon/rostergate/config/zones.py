"""Time zones by the data that the machine has now: what an update of them brings counts without a restart.

Rule 1: data that have become unreadable change nothing: the last good ones stay in force.
Rule 2: a change of Python's package `tzdata`, which is asked where the machine has no data, counts with the restart
that an update of the program needs.
"""

from __future__ import annotations

import zoneinfo
from functools import cache
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_Mark: TypeAlias = tuple[str, int, int, int]

_known: dict[str, tuple[_Mark | None, ZoneInfo]] = {}
_names = cache(zoneinfo.available_timezones)  # it goes through the whole database


def names(including: str) -> set[str]:
    """Return the IANA names of the time zones there are, looked up anew when the one asked for is not among them."""
    if including not in _names():
        _names.cache_clear()
    return _names()


def zone(name: str) -> ZoneInfo:
    """Return a time zone: the same object for as long as its data are the same.

    Raises `ZoneInfoNotFoundError` or `ValueError` for one whose data have never been readable.
    """
    mark = _mark(name)
    known = _known.get(name)
    if known and known[0] == mark:
        return known[1]
    ZoneInfo.clear_cache(only_keys=[name])
    try:
        found = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if not known:
            raise
        return known[1]
    _known[name] = mark, found
    return found


def _mark(name: str) -> _Mark | None:
    """Return what shows that a zone's data have changed; None where the machine has none."""
    for folder in zoneinfo.TZPATH:
        try:
            facts = Path(folder, name).stat()
        except OSError:
            continue
        return folder, facts.st_ino, facts.st_size, facts.st_mtime_ns
    return None
