from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rostergate import store
from rostergate.config import Districts, Settings, write_district
from rostergate.core.delivery import State
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool
from rostergate.store import deliveries
from rostergate.worker.recovery import recover

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.ext.asyncio import AsyncEngine

NOW = datetime(2026, 9, 2, 3, 30, tzinfo=UTC)
FIRST = "oak-00001"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a state with one file in the inbox of the district `oak`, and in its preview."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    for area in Area:
        spool.inbox("oak", area).mkdir()
        (spool.inbox("oak", area) / "a.csv").write_text("a")
    return spool


@pytest.fixture
def districts(tmp_path: Path) -> Districts:
    """Give the district `oak`, five hours behind UTC."""
    write_district(tmp_path / "districts", "oak", name="Oak", time_zone="America/Chicago")
    districts = Districts(tmp_path / "districts")
    districts.load()
    return districts


@pytest.fixture
async def engine(engine: AsyncEngine) -> AsyncEngine:
    """Give the database, in which one delivery of `oak` is being received."""
    async with store.writing(engine) as tx:
        await deliveries.begin(tx, "oak", NOW)
    return engine


def freeze(spool: Spool, delivery: str = FIRST) -> Path:
    """Seal the inbox on disk, and on disk only."""
    folder = sealing.gather(spool, "oak", Area.UPLOAD, delivery, ["a.csv"])
    sealing.freeze(spool, folder, now=NOW)
    return spool.delivery(delivery)


async def found(engine: AsyncEngine, delivery: str = FIRST) -> deliveries.Delivery:
    """Return a delivery as the store has it."""
    async with store.reading(engine) as tx:
        return await deliveries.get(tx, delivery)


async def test_files_go_back_without_a_manifest(spool: Spool, districts: Districts, engine: AsyncEngine) -> None:
    """A sealing that had not come to its manifest is undone, and the delivery is still being received."""
    sealing.gather(spool, "oak", Area.UPLOAD, FIRST, ["a.csv"])
    await recover(engine, spool, districts, Settings(), NOW)
    assert (spool.inbox("oak") / "a.csv").read_text() == "a"
    assert (await found(engine)).state is State.RECEIVING


async def test_files_that_cannot_go_back_keep_nobody_from_starting(
    spool: Spool, districts: Districts, engine: AsyncEngine
) -> None:
    """A sealing that can be neither finished nor undone is left as it is, for receiving to go on with."""
    folder = sealing.gather(spool, "oak", Area.UPLOAD, FIRST, ["a.csv"])
    spool.inbox("oak").rmdir()
    spool.inbox("oak").write_text("no folder")
    await recover(engine, spool, districts, Settings(), NOW)
    assert (folder / "a.csv").read_text() == "a"
    assert (await found(engine)).state is State.RECEIVING


async def test_a_manifest_without_the_final_name_is_sealed(
    spool: Spool, districts: Districts, engine: AsyncEngine
) -> None:
    """A folder that lacks only its name gets it, and the delivery is sealed for the district's own day."""
    folder = freeze(spool)
    folder.rename(folder.with_name(f"{FIRST}{sealing.UNFINISHED}"))
    await recover(engine, spool, districts, Settings(), NOW)
    sealed = await found(engine)
    assert sealed.state is State.SEALED
    assert sealed.files[0].sha256 == sealing.manifest_of(folder).files[0].sha256


async def test_sealed_on_disk_is_sealed_in_the_database(
    spool: Spool, districts: Districts, engine: AsyncEngine
) -> None:
    """What the crash kept from the database is entered; doing it again changes nothing."""
    freeze(spool)
    await recover(engine, spool, districts, Settings(), NOW)
    await recover(engine, spool, districts, Settings(), NOW)
    assert (await found(engine)).state is State.SEALED


async def test_a_delivery_whose_files_are_gone_fails(spool: Spool, districts: Districts, engine: AsyncEngine) -> None:
    """A sealed delivery without its folder cannot be decided, and says so."""
    folder = freeze(spool)
    await recover(engine, spool, districts, Settings(), NOW)
    sealing.discard(folder)
    await recover(engine, spool, districts, Settings(), NOW)
    failed = await found(engine)
    assert failed.state is State.FAILED
    assert "gone" in (failed.error or "")


async def test_what_the_database_does_not_know_is_set_aside(
    spool: Spool, districts: Districts, engine: AsyncEngine
) -> None:
    """A folder of a delivery that an older backup does not have is kept under another name, as often as need be."""
    for aside in ("oak-00007.unknown", "oak-00007.unknown2"):
        (spool.inbox("oak") / "a.csv").write_text("a")
        folder = freeze(spool, "oak-00007")
        await recover(engine, spool, districts, Settings(), NOW)
        assert not folder.exists()
        assert (spool.deliveries / aside / "a.csv").exists()
    assert (await found(engine)).state is State.RECEIVING


async def test_a_district_without_configuration_waits(spool: Spool, tmp_path: Path, engine: AsyncEngine) -> None:
    """Without the district's calendar nobody knows whose day it is: the delivery stays until the file is back."""
    freeze(spool)
    none = Districts(tmp_path / "none")
    none.load()
    await recover(engine, spool, none, Settings(), NOW)
    assert (await found(engine)).state is State.RECEIVING


async def test_a_dry_run_is_removed(spool: Spool, districts: Districts, engine: AsyncEngine) -> None:
    """A dry run that was sealed and not decided can be pushed again."""
    folder = sealing.gather(spool, "oak", Area.PREVIEW, sealing.dry_run("oak"), ["a.csv"])
    sealing.freeze(spool, folder, now=NOW)
    await recover(engine, spool, districts, Settings(), NOW)
    assert sealing.dry_runs(spool) == []
    assert (await found(engine)).state is State.RECEIVING
