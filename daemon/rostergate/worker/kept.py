"""Kept: the roster as it was last applied, beside the database, so that half a million rows need not be read from it.

Rule 1: the database is the truth. What is kept may be missing, old, cut off or damaged: then it is read from there.
Rule 2: it is used only when it is known to be what the database would give: it was kept by the same program, on the
ground and at the moment that the database names, and its bytes have the hash that stands before them.
Rule 3: keeping is a favour. When the disk does not let it, nothing else changes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from rostergate.core import diff
from rostergate.core.plan import packed_rows, unpacked_rows
from rostergate.core.plan_state import State
from rostergate.store import roster
from rostergate.store.beside import begun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.core.roster import Frames
    from rostergate.core.verdict import Verdict
    from rostergate.spool.folders import Spool

_HEAD_BYTES: Final = 2_048
"""The head: JSON with `stamp`, `tables` (name -> bytes) and `sha256` (hex, of all tables and of these numbers), filled
up with blanks. The tables follow it, each an Arrow IPC file."""
_BYTES_BESIDE_MAX: Final = 16 << 20
"""Of what is read beside the delivery's files, about a million rows: more would take too much memory together."""


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


class Loading:
    """What is kept, on its way from the disk: a large district's when it is asked for, others' at once, in a thread."""

    def __init__(self, spool: Spool, now: Stamp) -> None:
        self._spool, self._now = spool, now
        self._loading = begun(_read, spool, now) if _is_small(spool.kept(now.district)) else None

    async def roster(self, tx: AsyncConnection) -> tuple[Frames, bool]:
        """Return the current roster, and whether it was kept; the order of rows is not defined."""
        known = await self._loading if self._loading else _read(self._spool, self._now)
        return (known, True) if known is not None else (await roster.load(tx, self._now.district), False)


class Draft:
    """A roster on its way to the disk; what it is the roster of is known once the transaction is over."""

    def __init__(self, spool: Spool, district: str, rows: Frames) -> None:
        self._target, self._path = spool.kept(district), _draft(spool, district)
        self._writing = begun(_write, self._path, rows)

    async def keep(self, now: Stamp) -> None:
        """Let it be what is kept of the district, until its roster changes."""
        with suppress(OSError):
            head = await self._writing
            await asyncio.to_thread(_finish, self._path, {**head, "stamp": asdict(now)}, self._target)

    async def close(self) -> None:
        """Remove it, unless it is kept."""
        await asyncio.gather(self._writing, return_exceptions=True)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


@asynccontextmanager
async def drafted(spool: Spool, district: str, rows: Frames) -> AsyncIterator[Draft]:
    """Put a roster on the disk meanwhile, table by table; `rows` is empty afterwards."""
    draft = Draft(spool, district, rows)
    try:
        yield draft
    finally:
        await draft.close()


def forget(spool: Spool, district: str) -> None:
    """Remove what is kept of a district. Raises `OSError`."""
    for path in (spool.kept(district), _draft(spool, district)):
        path.unlink(missing_ok=True)


def after(known: Frames, verdict: Verdict) -> Frames:
    """Return the roster once the clear plans of a delivery are applied: what the store makes of the same."""
    if verdict.target is not None and all(plan.state is State.CLEAR for plan in verdict.plans):
        return verdict.target
    changes = [plan.changes for plan in verdict.plans if plan.state is State.CLEAR and plan.changes]
    return diff.apply(known, [diff.merged(changes)]) if changes else known


def _is_small(path: Path) -> bool:
    try:
        return path.stat().st_size <= _BYTES_BESIDE_MAX
    except OSError:
        return False  # there is nothing to be read


def _read(spool: Spool, now: Stamp) -> Frames | None:
    try:
        with spool.kept(now.district).open("rb") as file:
            head = json.loads(file.read(_HEAD_BYTES))
            if head["stamp"] != asdict(now):
                return None
            whole = hashlib.file_digest(file, "sha256")
            whole.update(_told(head["tables"]))
            if whole.hexdigest() != head["sha256"]:
                return None
            places = zip(
                accumulate(head["tables"].values(), initial=_HEAD_BYTES), head["tables"].values(), strict=False
            )
            tables = (unpacked_rows(os.pread(file.fileno(), bytes_, at)) for at, bytes_ in places)
            return dict(zip(head["tables"], tables, strict=True))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # whatever it is, it is not what was kept


def _write(path: Path, rows: Frames) -> dict[str, Any]:
    """Write the tables below an empty head; return what the head says of them. Raises `OSError`."""
    tables, whole = dict[str, int](), hashlib.sha256()
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb"
    ) as file:
        file.seek(_HEAD_BYTES)
        for name in list(rows):  # the largest may have a gigabyte: each is let go of as soon as it is written
            data = packed_rows(rows.pop(name))
            whole.update(data)
            tables[name] = file.write(data)
    whole.update(_told(tables))
    return {"tables": tables, "sha256": whole.hexdigest()}


def _finish(path: Path, head: dict[str, Any], target: Path) -> None:
    with path.open("r+b") as file:
        file.write(json.dumps(head).encode().ljust(_HEAD_BYTES))
    path.replace(target)


def _told(tables: dict[str, int]) -> bytes:
    return json.dumps(tables).encode()


def _draft(spool: Spool, district: str) -> Path:
    return spool.kept(district).with_name(f".{district}.draft")
