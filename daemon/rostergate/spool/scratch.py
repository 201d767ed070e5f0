"""Names below `.scratch/`: what start-up has to know of a file after a crash, and its bytes cannot tell.

    <12 hex>-<began>-<whole>~<name>    an upload in progress. `began`: when, in microseconds since the epoch; `whole`:
                                       so many bytes from the first on have arrived. Both in hex; without `whole`, all
                                       that the file has: clients send out of order, so its length alone says little
    <12 hex>=<name>                    a finished upload that is just being renamed onto its real name

Rule: a mark may promise too few bytes, never too many: it is set before what would make it untrue.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

MARK_CHARS_MAX: Final = 55
"""Characters that a mark puts before a name: file systems take 255 bytes in all."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MARKED: Final = re.compile(
    r"(?P<id>[0-9a-f]{12})(?:-(?P<began>[0-9a-f]{1,16})-(?P<whole>[0-9a-f]{0,16})~|=)(?P<name>.+)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the name of a file in use says."""

    id: str
    """What tells two uploads of one name apart."""
    name: str
    began_at: datetime | None
    """When the upload began (aware, UTC); None: it was finished, and is being renamed."""
    whole: int | None = None
    """Bytes from the first on that have arrived; None: all that there are."""

    def __str__(self) -> str:
        """Return the file's name."""
        if self.began_at is None:
            return f"{self.id}={self.name}"
        whole = "" if self.whole is None else f"{self.whole:x}"
        return f"{self.id}-{(self.began_at - _EPOCH) // _MICROSECOND:x}-{whole}~{self.name}"


def in_progress(name: str, began_at: datetime) -> Mark:
    """Return the mark of a new upload."""
    return Mark(uuid4().hex[:12], name, began_at)


def in_renaming(name: str) -> Mark:
    """Return the mark of a finished upload from its rename on."""
    return Mark(uuid4().hex[:12], name, None)


def mark_of(file: str) -> Mark | None:
    """Return what a file's name says, or None: nobody uses the file."""
    found = _MARKED.fullmatch(file)
    if found is None:
        return None
    began, whole = found["began"], found["whole"]
    return Mark(
        found["id"],
        found["name"],
        None if began is None else _EPOCH + int(began, 16) * _MICROSECOND,
        int(whole, 16) if whole else None,
    )
