from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rostergate import store
from rostergate.config import Settings
from rostergate.service import left_behind, purging
from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    from pathlib import Path

SOON = timedelta(minutes=1)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a state with an unfinished upload, a cut-off one, a dry run of nothing, and a delivery set aside."""
    spool = Spool(tmp_path)
    spool.prepare()
    for folder in (spool.scratch("lincoln"), spool.scratch("adams"), spool.scratch("adams", Area.PREVIEW)):
        folder.mkdir(parents=True)
    (spool.inbox("lincoln") / "students.csv").write_text("x")
    (spool.scratch("lincoln") / "0123456789ab~classes.csv").write_text("x")
    (spool.inbox("adams", Area.PREVIEW) / "students.csv").write_text("x")
    os.utime(spool.inbox("adams", Area.PREVIEW) / "students.csv", (1, 1))  # copied in, with its old date
    spool.delivery("lincoln-00007").mkdir()
    (spool.delivery("lincoln-00007") / "students.csv").write_text("x")
    sealing.set_aside(spool.delivery("lincoln-00007"))
    return spool


def files(folder: Path) -> list[str]:
    """Return the files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_new_stays(spool: Spool) -> None:
    """By when it came, whatever date it brings."""
    before = datetime.now(UTC) - SOON
    assert left_behind.uploads(spool, before) == left_behind.aside(spool, before) == ()


def test_what_is_old_is_found(spool: Spool) -> None:
    """Inboxes with files in them, in both areas, and what was set aside; not an empty inbox."""
    before = datetime.now(UTC) + SOON
    assert left_behind.uploads(spool, before) == ("inbox/lincoln", "preview/adams")
    assert left_behind.aside(spool, before) == ("lincoln-00007.unknown",)


def test_an_old_upload_goes_with_what_was_cut_off(spool: Spool) -> None:
    """Its folders stay, for the next one."""
    left_behind.remove(spool.inbox("lincoln"), datetime.now(UTC) + SOON)
    assert files(spool.inbox("lincoln")) == []
    assert spool.scratch("lincoln").is_dir()


def test_what_has_come_since_it_was_looked_at_stays(spool: Spool) -> None:
    """An upload may have begun between the look and the removal."""
    left_behind.remove(spool.inbox("lincoln"), datetime.now(UTC) - SOON)
    assert files(spool.inbox("lincoln")) == ["0123456789ab~classes.csv", "students.csv"]


async def test_a_purge_tells_them_and_removes_them(spool: Spool) -> None:
    """After the days that files are kept, and not before."""
    store.upgrade(spool.database)
    engine = store.open(spool.database)
    now, days = datetime.now(UTC), timedelta(days=Settings().retention.files_days)
    assert (await purging.look(engine, spool, Settings(), now + days - SOON)).empty
    outlook = await purging.look(engine, spool, Settings(), now + days + SOON)
    assert (outlook.aside, outlook.uploads) == (("lincoln-00007.unknown",), ("inbox/lincoln", "preview/adams"))
    purged = await purging.carry_out(engine, spool, outlook)
    assert (purged.deliveries, purged.uploads) == (1, 2)
    assert files(spool.deliveries) == files(spool.inbox("lincoln")) == []
    assert (await purging.look(engine, spool, Settings(), now + 2 * days)).empty
    await engine.dispose()
