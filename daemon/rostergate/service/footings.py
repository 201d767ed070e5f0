"""Footings: where a district stands, read from the store in one transaction and remembered for a moment.

A client that uploads six files asks some thirty times whether it may and what it sees. On a morning on which every
district comes at once, those who ask while others are answered are answered together, in the next transaction: one for
each took a fifth of the time of two hundred districts that log in and upload (benchmarks/sftp.py).

Rule 1: an answer is kept for `KEPT_SECONDS_MAX`, for its day, and dropped at once when this daemon seals or closes a
delivery of the district. What another process changes meanwhile is seen a little later.
Rule 2: a refusal is never kept: whoever is granted another upload can begin at once.
Rule 3: nothing depends on a kept answer being right: before a set is sealed, the store itself is asked for its slot.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from rostergate import store
from rostergate.core.calendar import day_of
from rostergate.core.delivery import State
from rostergate.errors import StoreError
from rostergate.gate import CLOSING_SECONDS_MAX, Footing
from rostergate.store import deliveries
from rostergate.worker import slot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from rostergate.config import District, Districts

KEPT_SECONDS_MAX: Final = 60.0  # as long as the sessions of a morning on which every district comes at once
KEPT_MAX: Final = 10_000  # districts; then everything is asked for again


@dataclass(frozen=True, slots=True)
class _Kept:
    footing: Footing
    district: District
    day: date
    until: float


class _Asked(NamedTuple):
    district: District
    day: date
    answer: asyncio.Future[Footing]


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
        self._asked: list[_Asked] = []
        self._answering: asyncio.Task[None] | None = None

    async def of(self, slug: str) -> Footing:
        """Return where a district stands now. Raises `StoreError`."""
        district = self._districts[slug]
        day, at = day_of(self._now(), district.zone), self._monotonic()
        kept = self._kept.get(slug)
        if kept is not None and kept.district is district and kept.day == day and at < kept.until:
            return kept.footing
        changes = self._changes
        footing = await self._answer(district, day)
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

    async def close(self) -> None:
        """Wait until whoever has asked has been answered, within bounds: the store is in use until then."""
        if self._answering is not None:
            await asyncio.wait([self._answering], timeout=CLOSING_SECONDS_MAX)

    async def _answer(self, district: District, day: date) -> Footing:
        asked = _Asked(district, day, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all())
        return await asked.answer

    async def _answer_all(self) -> None:
        """Answer everybody who has asked, and those who ask meanwhile."""
        try:
            while self._asked:
                together, self._asked = self._asked, []
                await self._answer_together(together)
        finally:
            self._answering = None

    async def _answer_together(self, asked: Sequence[_Asked]) -> None:
        try:
            async with store.reading(self._engine) as tx:
                for one in asked:
                    _settle(one.answer, await _read(tx, one.district, one.day))
        except StoreError as error:
            for one in asked:
                _settle(one.answer, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked is told
            if len(asked) == 1:
                _settle(asked[0].answer, error)
                return
            for one in asked:  # what is wrong with one district is not the others'
                if not one.answer.done():
                    await self._answer_together([one])


def _settle(answer: asyncio.Future[Footing], given: Footing | Exception) -> None:
    """Answer, unless that has been done or nobody waits any more."""
    if answer.done():
        return
    if isinstance(given, Exception):
        answer.set_exception(given)
    else:
        answer.set_result(given)


async def _read(tx: AsyncConnection, district: District, day: date) -> Footing:
    refusal = await slot.refusal(tx, district, day)
    newest = await deliveries.latest(tx, district.slug, uploaded=True)
    # What the district sees of its last delivery; a refused one has to come again, so it is gone.
    if newest is None or newest.sealed_at is None or newest.state in {State.REJECTED, State.FAILED}:
        return Footing(refusal, {})
    return Footing(refusal, {one.name: (one.bytes, newest.sealed_at) for one in newest.files})
