"""Names: which file a client means by the name it uses. Pure.

Rule 1: a name counts exactly as the format declares it; a near miss is told the right one, not taken for it.
Rule 2: temporary names (`core/temporary.py`) are scratch: a rename makes the file real.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz, process

from rostergate.core.temporary import inside, stands_for
from rostergate.gate.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection

NAME_CHARS_MAX: Final = 200
NEAR_PERCENT_MIN: Final = 75  # similarity from which on a wrong name is taken for a slip

_ARCHIVE: Final = re.compile(r".+\.(zip|7z|rar|gz|tgz|bz2|tbz2?|xz|txz|zst|tzst|lz4|lzma|tar|z|cab)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """A name that may be used: a real file's, or a temporary one that stands for it."""

    name: str
    """As the client uses it."""
    real: str
    """The file of the format that is meant."""

    @property
    def is_scratch(self) -> bool:
        """Whether this is a temporary name."""
        return self.name != self.real


def recognise(name: str, wanted: Collection[str]) -> Name:
    """Return which wanted file is meant. Raises `Refusal` with the reason and, where one is near, the right name."""
    if name in wanted:
        return Name(name, name)
    if _ARCHIVE.fullmatch(name):
        raise Refusal("archive-name", f"{shown(name)}: archives are not taken; upload the CSV files themselves")
    if real := stands_for(name, wanted):
        return Name(name, real)
    raise _wrong(name, wanted)


def shown(name: str) -> str:
    """Return a name as it can be shown in a reason: printable, and not longer than `NAME_CHARS_MAX`."""
    return "".join(one if one.isprintable() else "?" for one in name[:NAME_CHARS_MAX])


def _wrong(name: str, wanted: Collection[str]) -> Refusal:
    meant = next((near for one in (name, *inside(name)) if (near := _near(one, wanted))), None)
    if meant:
        return Refusal("near-miss", f"{shown(name)}: did you mean {meant}? Names count exactly, capitals included")
    files = ", ".join(sorted(wanted))
    return Refusal("wrong-name", f"{shown(name)} is not a file of this district's format; expected: {files}")


def _near(name: str, wanted: Collection[str]) -> str | None:
    found = process.extractOne(
        name, sorted(wanted), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=NEAR_PERCENT_MIN
    )
    return found[0] if found else None
