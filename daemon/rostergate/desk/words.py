"""Words: numbers, sizes, times and names as people read them.

Rule 1: what comes from a file or a district (`plain`) is one line without control characters, so that it can neither
end a line, steer a terminal nor turn the direction of the text around it.
Rule 2: months and weekdays are written out here; the locale of the machine changes nothing.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_KILO = 1000
_JOINERS = "\u200c\u200d"  # some scripts are misspelt without them


def plain(text: str) -> str:
    """Return the text as one line: each run of white space is one space, control and format characters are gone."""
    spaced = " ".join(text.split())
    return "".join(one for one in spaced if one in _JOINERS or not unicodedata.category(one).startswith("C"))


def number(value: float) -> str:
    """Return a number with thousands separated; at most one decimal place."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.1f}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return the count and its noun: `1 school`, `1,200 schools`."""
    return f"{number(count)} {singular if count == 1 else plural or singular + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Return the parts as one enumeration: `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:  # noqa: PLR2004 - one part, or none, needs no "and"
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def lines_of(lines: Sequence[int], count: int) -> str:
    """Return the lines of a finding: `line 3`, `lines 3 and 9`, `lines 3-22, 40 and 98 more`; empty without lines."""
    if not lines:
        return ""
    parts = _runs(lines)
    if count > len(lines):
        parts.append(f"{number(count - len(lines))} more")
    return f"{'line' if max(count, len(lines)) == 1 else 'lines'} {listed(parts)}"


def _runs(lines: Sequence[int]) -> list[str]:
    """Write ascending lines down, three and more in a row as `first-last`."""
    runs: list[tuple[int, int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    parts = []
    for first, last in runs:
        parts += [f"{first}-{last}"] if last - first > 1 else [str(line) for line in range(first, last + 1)]
    return parts


def size(count: int) -> str:
    """Return a number of bytes in decimal units: `512 B`, `1.2 KB`, `380 MB`."""
    value, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if round(value) < _KILO:
            break
        value, unit = value / _KILO, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"  # noqa: PLR2004 - two digits


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Return an aware time on the district's clock, with the zone: `Tue 1 Sep 2026, 08:12 CDT (America/Chicago)`."""
    return f"{clock(at.astimezone(zone))} ({zone.key})"


def clock(at: datetime) -> str:
    """Return an aware time on its own clock: `Tue 1 Sep 2026, 08:12 CDT`."""
    return f"{day(at)}, {at:%H:%M} {at.tzname()}"


def day(at: datetime) -> str:
    """Return the day of an aware time on its own clock: `Tue 1 Sep 2026`."""
    return f"{_WEEKDAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year}"


def age(seconds: float) -> str:
    """Return how long something has lasted, in its largest whole unit: `3 d`, `5 h`, `12 min`, `40 s`."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def table_title(table: str) -> str:
    """Return the name of a canonical table as people read it."""
    return TABLES[table].words.capitalize() if table in TABLES else table.replace("_", " ")
