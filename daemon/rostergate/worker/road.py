"""The road of one delivery, walked in a worker process: read everything, decide, record everything.

Rule 1: impure, pure, impure. Between reading and recording nothing is touched.
Rule 2: what was decided on ground that has moved since is never recorded; it is decided again.
Rule 3: whatever goes wrong here is raised; the worker counts the attempt and says what follows.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import polars as pl

from rostergate import store
from rostergate.core import catalogue
from rostergate.core import roster as canonical
from rostergate.core.decide import Understood, against, decide, understood
from rostergate.core.notices import NOBODY
from rostergate.core.recognition import HEAD_BYTES_MAX, recognise
from rostergate.core.verdict import Outcome
from rostergate.errors import RostergateError, StoreError
from rostergate.spool import sealing
from rostergate.store import conclusions, deliveries, roster, schools, verdicts
from rostergate.worker import kept, unchanged, workbench

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

    from rostergate.core.notices import Audience
    from rostergate.core.policy import Policy
    from rostergate.core.roster import Frames
    from rostergate.core.verdict import Verdict
    from rostergate.spool.folders import Spool
    from rostergate.store import Location
    from rostergate.store.verdicts import Concluded

GROUND_TRIES_MAX: Final = 5
"""Times a delivery is decided again because the roster changed meanwhile, before the attempt counts as failed."""


class DeliveryDamagedError(RostergateError):
    """The delivery's files are no longer the ones that were sealed."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk down the road came to: counts and codes only, fit for the log."""

    delivery: str
    district: str
    state: str
    outcome: str
    format: str | None
    recognised: str | None
    """Why it was taken for that format; names only files and columns that a format declares."""
    files: int
    bytes: int
    rows: int
    findings: dict[str, int]
    """Faults by severity."""
    codes: tuple[str, ...]
    changes: dict[str, int]
    """Rows added, updated and removed across all tables."""
    schools: int
    held: int
    seconds: dict[str, float]
    """Wall seconds by stage: read (and check the files, load the roster), decide (compare, hold, plan), record."""

    def for_the_log(self) -> dict[str, object]:
        """Return its fields as the canonical log line carries them."""
        return asdict(self)


def walk(
    spool: Spool, database: Location, delivery: str, policy: Policy, at: datetime, audience: Audience = NOBODY
) -> Walked:
    """Take one sealed delivery down the road. Runs in a worker process.

    It is now `at`; what is concluded is dated by when it is. The audience gets its mail with the verdict, in one
    transaction.

    Raises `DeliveryDamagedError`, `StoreError`, `OSError`, `IllegalTransition` when it is not sealed (any more).
    """
    return workbench.do(database, partial(_walk, spool, delivery, policy, at, audience))


def dry_run(database: Location, folder: Path, district: str, policy: Policy) -> Verdict:
    """Decide about the files of a folder as if the district had delivered them; record nothing.

    Raises `StoreError`, `OSError`.
    """

    async def looked_up(engine: AsyncEngine) -> tuple[Frames, Policy]:
        async with store.reading(engine) as tx:
            return await roster.load(tx, district), await schools.policy(tx, district, policy)

    known, told = workbench.do(database, looked_up)
    return decide(sealing.contents(folder), known, told)


def first_look(folder: Path, policy: Policy) -> Verdict:
    """Decide about the files of a folder against an empty roster; needs no state at all. Raises `OSError`."""
    return decide(sealing.contents(folder), canonical.empty(), policy)


def recognised(folder: Path, key_file: Path | None = None) -> str:
    """Return why the files of a folder are taken for a format, or for none. Raises `OSError`."""
    return recognise(sealing.heads(folder, HEAD_BYTES_MAX, key_file), list(catalogue.formats().values())).why


async def _walk(
    spool: Spool, delivery: str, policy: Policy, at: datetime, audience: Audience, engine: AsyncEngine
) -> Walked:
    began = time.monotonic()

    def now() -> datetime:
        return at + timedelta(seconds=time.monotonic() - began)

    for _ in range(GROUND_TRIES_MAX):
        try:
            return await _walk_once(engine, spool, delivery, policy, now, audience)
        except verdicts.GroundMoved:
            continue
    raise StoreError("the roster kept changing while the delivery was decided; it will be tried again")


async def _walk_once(
    engine: AsyncEngine, spool: Spool, delivery: str, policy: Policy, now: Callable[[], datetime], audience: Audience
) -> Walked:
    started = time.monotonic()
    async with store.reading(engine) as tx:
        stated = await deliveries.get(tx, delivery)
        seen = await kept.stamp(tx, stated.district, unchanged.program())
        told = await schools.policy(tx, stated.district, policy)
        if alike := await unchanged.verdict(tx, stated, seen.ground, told):
            known, is_kept, said = dict[str, pl.DataFrame](), True, Understood(alike)
        else:
            loading = kept.Loading(spool, seen)
            said = _understood(spool, delivery, told)
            known, is_kept = await loading.roster(tx)
    read = time.monotonic()
    verdict = _final(against(known, said, told))
    del said
    assert_as_sealed(stated, verdict)
    decided = time.monotonic()
    after = kept.after(known, verdict)
    del known
    async with kept.drafted(spool, stated.district, after) as draft:
        async with store.writing(engine, stated.district) as tx:
            if await schools.policy(tx, stated.district, policy) != told:
                raise verdicts.GroundMoved  # somebody matched a school meanwhile
            concluded = await verdicts.conclude(tx, delivery, verdict, ground=seen.ground, at=now(), audience=audience)
            if verdict.outcome is Outcome.ACCEPTED:
                # What is concluded may have settled matches, which the next decision depends on.
                settled = unchanged.fingerprint(await schools.policy(tx, stated.district, policy))
                await conclusions.write(tx, delivery, await roster.ground(tx, stated.district), settled)
            stands = await kept.stamp(tx, stated.district, seen.program)
        if stands != seen or not is_kept:
            await draft.keep(stands)
    seconds = {"read": read - started, "decide": decided - read, "record": time.monotonic() - decided}
    return _walked(stated, verdict, concluded, seconds)


def _understood(spool: Spool, delivery: str, policy: Policy) -> Understood:
    # Nobody else holds on to the files, so that they can be let go of on the way.
    return understood(sealing.contents(spool.delivery(delivery), spool.key_file), policy)


def _final(verdict: Verdict) -> Verdict:
    """Refuse what is incomplete, as when the format was changed since: nothing more comes to a sealed delivery."""
    return replace(verdict, outcome=Outcome.REJECTED) if verdict.outcome is Outcome.INCOMPLETE else verdict


def assert_as_sealed(stated: deliveries.Delivery, verdict: Verdict) -> None:
    """Raise `DeliveryDamagedError` unless the files that were decided about are those that were sealed."""
    sealed = {one.name: one.sha256 for one in stated.files}
    found = {one.name: one.sha256 for one in verdict.files}
    if sealed != found:
        changed = sorted(name for name in sealed.keys() | found.keys() if sealed.get(name) != found.get(name))
        raise DeliveryDamagedError(
            f"{stated.id}: {', '.join(changed)} changed on disk after the sealing; the district must upload again"
        )


def _walked(stated: deliveries.Delivery, verdict: Verdict, concluded: Concluded, seconds: dict[str, float]) -> Walked:
    findings: dict[str, int] = {}
    for finding in verdict.findings:
        findings[finding.severity.value] = findings.get(finding.severity.value, 0) + finding.count
    totals = (verdict.totals or {}).values()
    return Walked(
        delivery=stated.id,
        district=stated.district,
        state=concluded.state.value,
        outcome=verdict.outcome.value,
        format=verdict.format,
        recognised=verdict.recognised,
        files=len(verdict.files),
        bytes=sum(one.bytes for one in verdict.files),
        rows=sum(one.rows for one in verdict.files),
        findings=findings,
        codes=tuple(sorted({one.code for one in verdict.findings})),
        changes={
            "added": sum(one.added for one in totals),
            "updated": sum(one.updated for one in totals),
            "removed": sum(one.removed for one in totals),
        },
        schools=len(verdict.plans),
        held=concluded.held,
        seconds={stage: round(taken, 3) for stage, taken in seconds.items()},
    )
