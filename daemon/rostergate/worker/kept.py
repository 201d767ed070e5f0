"""Kept: the roster as it was last applied, beside the database, so that half a million rows need not be read from it.

Rule 1: the database is the truth. What is kept may be missing, old, cut off or damaged: then it is read from there.
Rule 2: it is used only when it is known to be what the database would give: it was kept by the same program, on the
ground and at the moment that the database names, and its bytes have the hash that stands before them.
Rule 3: keeping is a favour. When the disk does not let it, nothing else changes.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.core import diff
from rostergate.core.plan import State, unpack
from rostergate.spool.disk import write_atomically
from rostergate.store import roster

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames
    from rostergate.core.verdict import Verdict
    from rostergate.spool.folders import Spool


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells one state of a district's roster from every other, a restored database included."""

    district: str
    ground: int
    moved_at: str
    """ISO 8601 in UTC; empty before the first change."""
    program: str
    """sha256 (hex) of what the kept rows depend on besides the database."""


async def stamp(tx: AsyncConnection, district: str, program: str) -> Stamp:
    """Return the stamp of the roster as the transaction sees it."""
    ground, moved_at = await roster.moved(tx, district)
    return Stamp(district, ground, moved_at.isoformat() if moved_at else "", program)


async def load(tx: AsyncConnection, spool: Spool, now: Stamp) -> tuple[Frames, bool]:
    """Return the current roster, and whether it was kept; the order of rows is not defined."""
    known = _read(spool, now)
    return (known, True) if known is not None else (await roster.load(tx, now.district), False)


def keep(spool: Spool, now: Stamp, rows: bytes) -> None:
    """Keep a district's roster, as `core.plan.pack` packed it, until it changes."""
    with suppress(OSError):
        write_atomically(spool.kept(now.district), _line(now, rows) + rows, synced=False)


def after(known: Frames, verdict: Verdict) -> Frames:
    """Return the roster once the clear plans of a delivery are applied: what the store makes of the same."""
    if verdict.target is not None and all(plan.state is State.CLEAR for plan in verdict.plans):
        return verdict.target
    changes = [plan.changes for plan in verdict.plans if plan.state is State.CLEAR and plan.changes]
    return diff.apply(known, [diff.merged(changes)]) if changes else known


def _read(spool: Spool, now: Stamp) -> Frames | None:
    try:
        data = spool.kept(now.district).read_bytes()
    except OSError:
        return None
    line, end, rows = data.partition(b"\n")
    return unpack(rows) if line + end == _line(now, rows) else None


def _line(now: Stamp, rows: bytes) -> bytes:
    told = [now.district, now.ground, now.moved_at, now.program, hashlib.sha256(rows).hexdigest()]
    return json.dumps(told).encode() + b"\n"
