from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rostergate import store
from rostergate.cli import sample
from rostergate.core.policy import Policy
from rostergate.core.states import IllegalTransition
from rostergate.core.verdict import FileFacts
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries, roster
from rostergate.worker import road
from wholes import as_files, write_set

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 2, 3, 30, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a state with an empty database."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    store.upgrade(spool.database)
    return spool


async def sealed(spool: Spool, files: dict[str, bytes]) -> str:
    """Seal a delivery of the district `oak`, on disk and in the database."""
    engine = store.open(spool.database)
    async with store.writing(engine) as tx:
        delivery = (await deliveries.begin(tx, "oak", NOW)).id
        write_set(spool.inbox("oak"), files)
        manifest = sealing.freeze(spool, sealing.gather(spool, "oak", Area.UPLOAD, delivery, files), now=NOW)
        spool.inbox("oak").rmdir()
        await deliveries.seal(
            tx,
            delivery,
            day=NOW.date(),
            files=[FileFacts(one.name, 0, one.bytes, one.sha256) for one in manifest.files],
            content_hash=manifest.content_hash,
            at=NOW,
        )
    await engine.dispose()
    return delivery


async def students(spool: Spool) -> int:
    """Count the students of `oak`."""
    engine = store.open(spool.database)
    async with store.reading(engine) as tx:
        counts = await roster.counts(tx, "oak")
    await engine.dispose()
    return counts["students"]


def walk(spool: Spool, delivery: str, policy: Policy | None = None) -> road.Walked:
    """Walk as a worker process does."""
    return road.walk(spool, spool.database, delivery, policy or Policy(), NOW)


async def test_a_delivery_is_decided_and_written(spool: Spool) -> None:
    """A sealed delivery is applied, and what comes back has counts and codes only."""
    delivery = await sealed(spool, as_files(sample.file_set()))
    walked = await asyncio.to_thread(walk, spool, delivery)
    assert (walked.state, walked.outcome, walked.format, walked.files, walked.schools, walked.held) == (
        "settled",
        "accepted",
        "direct",
        6,
        3,
        0,
    )
    assert walked.changes["added"] > 800
    assert set(walked.seconds) == {"read", "decide", "record"}
    assert await students(spool) == 260


async def test_a_delivery_is_decided_once(spool: Spool) -> None:
    """A second walk of the same delivery changes nothing."""
    delivery = await sealed(spool, as_files(sample.file_set()))
    await asyncio.to_thread(walk, spool, delivery)
    with pytest.raises(IllegalTransition):
        await asyncio.to_thread(walk, spool, delivery)
    assert await students(spool) == 260


async def test_changed_bytes_are_not_used(spool: Spool) -> None:
    """A file that changed after the sealing stops the delivery, and the message names it."""
    delivery = await sealed(spool, as_files(sample.file_set()))
    path = spool.delivery(delivery) / "students.csv"
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"\r\n")
    with pytest.raises(road.DeliveryDamagedError, match=r"students\.csv"):
        await asyncio.to_thread(walk, spool, delivery)
    assert await students(spool) == 0


async def test_what_a_sealed_set_lacks_refuses_it(spool: Spool) -> None:
    """A set that is not complete for the format it is taken for by now is refused, not waited for."""
    files = {name: data for name, data in as_files(sample.file_set()).items() if name != "classes.csv"}
    delivery = await sealed(spool, files)
    walked = await asyncio.to_thread(walk, spool, delivery, Policy(format="direct"))
    assert (walked.state, walked.outcome) == ("rejected", "rejected")
    assert "missing-file" in walked.codes
