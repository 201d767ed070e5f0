"""Footings: where a district stands, read from the store in one transaction and remembered for a moment.

A client that uploads six files asks some thirty times whether it may and what it sees.

Rule 1: an answer is kept for `KEPT_SECONDS_MAX`, for its day, and dropped at once when this daemon seals or closes a
delivery of the district. What another process changes meanwhile is seen a little later.
Rule 2: a refusal is never kept: whoever is granted another upload can begin at once.
Rule 3: nothing depends on a kept answer being right: before a set is sealed, the store itself is asked for its slot.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rostergate import store
from rostergate.core.calendar import day_of
from rostergate.core.delivery import State
from rostergate.gate import Footing
from rostergate.store import deliveries
from rostergate.worker import slot

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.config import District, Districts

KEPT_SECONDS_MAX: Final = 60.0  # as long as the sessions of a morning on which every district comes at once
KEPT_MAX: Final = 10_000  # districts; then everything is asked for again


@dataclass(frozen=True, slots=True)
class _Kept:
    footing: Footing
    district: District
    day: date
    until: float


class Footings:
    """Where every district stands."""

    def __init__(
        self,
        engine: AsyncEngine,
        districts: Districts,
        now: Callable[[], datetime],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._districts = districts
        self._now = now
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}
        self._changes = 0

    async def of(self, slug: str) -> Footing:
        """Return where a district stands now. Raises `StoreError`."""
        district = self._districts[slug]
        day, at = day_of(self._now(), district.zone), self._monotonic()
        kept = self._kept.get(slug)
        if kept is not None and kept.district is district and kept.day == day and at < kept.until:
            return kept.footing
        changes = self._changes
        footing = await self._read(district, day)
        # What was asked before something changed and answered after it may be the old answer.
        if footing.refusal is None and changes == self._changes:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[slug] = _Kept(footing, district, day, at + KEPT_SECONDS_MAX)
        return footing

    def forget(self, slug: str) -> None:
        """Ask again from now on: something happened to a delivery of the district."""
        self._changes += 1
        self._kept.pop(slug, None)

    async def _read(self, district: District, day: date) -> Footing:
        async with store.reading(self._engine) as tx:
            refusal = await slot.refusal(tx, district, day)
            newest = await deliveries.latest(tx, district.slug, uploaded=True)
        # What the district sees of its last delivery; a refused one has to come again, so it is gone.
        if newest is None or newest.sealed_at is None or newest.state in {State.REJECTED, State.FAILED}:
            return Footing(refusal, {})
        return Footing(refusal, {one.name: (one.bytes, newest.sealed_at) for one in newest.files})
