from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import databases
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


def later(path: Path) -> None:
    """Let a file have come an hour from now."""
    at = (datetime.now(UTC) + timedelta(hours=1)).timestamp()
    os.utime(path, (at, at))


def test_what_is_new_stays(spool: Spool) -> None:
    """By when it came, whatever date it brings."""
    before = datetime.now(UTC) - SOON
    assert left_behind.uploads(spool, before) == left_behind.aside(spool, before) == ()


def test_a_time_that_no_calendar_has_says_nothing(spool: Spool) -> None:
    """A file that brings one is as old as it has lain there."""
    os.utime(spool.inbox("lincoln") / "students.csv", (2**40, 2**40))
    assert left_behind.uploads(spool, datetime.now(UTC) - SOON) == ()


def test_an_inbox_that_cannot_be_read_keeps_nothing_else(spool: Spool) -> None:
    """What is as old elsewhere is found as well."""
    spool.inbox("lincoln").chmod(0o000)
    try:
        if os.access(spool.inbox("lincoln"), os.R_OK):
            pytest.skip("left out: root may read everything")
        assert left_behind.uploads(spool, datetime.now(UTC) + SOON) == ("preview/adams",)
    finally:
        spool.inbox("lincoln").chmod(0o700)


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


def test_an_inbox_is_as_old_as_its_newest_file(spool: Spool) -> None:
    """An old file in it is left behind only when no other has come since; otherwise an upload may go on."""
    later(spool.scratch("lincoln") / "0123456789ab~classes.csv")
    before = datetime.now(UTC) + SOON
    assert left_behind.uploads(spool, before) == ("preview/adams",)


def test_what_is_new_does_not_keep_what_is_old(spool: Spool) -> None:
    """Of an upload that goes on although it was found to be left behind, what has come since is kept, and no more."""
    (spool.inbox("lincoln") / "classes.csv").write_text("x")
    later(spool.inbox("lincoln") / "classes.csv")
    left_behind.remove(spool.inbox("lincoln"), datetime.now(UTC) + SOON)
    assert files(spool.inbox("lincoln")) == ["classes.csv"]


def test_a_file_that_goes_by_itself_keeps_no_other(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set may be sealed between the look and the removal; what is left of the inbox goes all the same."""
    listed = left_behind._files(spool.inbox("lincoln"))
    monkeypatch.setattr(left_behind, "_files", lambda _: listed)
    listed[0].unlink()
    left_behind.remove(spool.inbox("lincoln"), datetime.now(UTC) + SOON)
    assert files(spool.inbox("lincoln")) == []


def test_a_file_that_takes_an_old_ones_place_is_put_back(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may upload a file again in the moment in which the old one is removed."""

    def overtaken(path: Path) -> datetime:
        (spool.state / "again").write_text("y")
        (spool.state / "again").rename(path)
        return datetime.fromtimestamp(0, UTC)

    monkeypatch.setattr(left_behind, "_at", overtaken)
    before = files(spool.inbox("lincoln"))
    left_behind.remove(spool.inbox("lincoln"), datetime.now(UTC))
    assert files(spool.inbox("lincoln")) == before
    assert (spool.inbox("lincoln") / "students.csv").read_text() == "y"


async def test_a_purge_tells_them_and_removes_them(spool: Spool) -> None:
    """After the days that files are kept, and not before."""
    databases.make(spool.database)
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
