from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from rostergate.spool import sealing
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
NAMES = ("a.csv", "b.csv")


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a state with two files in an inbox, begun an hour and two hours ago."""
    spool = Spool(tmp_path / "state")
    spool.prepare()
    for area in Area:
        inbox = spool.inbox("oak-hill", area)
        inbox.mkdir()
        for hours, name in enumerate(NAMES, start=1):
            (inbox / name).write_text(name)
            began = (NOW - timedelta(hours=hours)).timestamp()
            os.utime(inbox / name, (began, began))
    return spool


def gathered(spool: Spool) -> Path:
    """Return the unfinished folder of a delivery that has just been taken out of the inbox."""
    return sealing.gather(spool, "oak-hill", Area.UPLOAD, "oak-hill-00001", NAMES)


def test_a_delivery_is_sealed(spool: Spool) -> None:
    """The files are in the delivery's folder, read-only, and the manifest tells their bytes, hashes and begin."""
    manifest = sealing.freeze(spool, gathered(spool), now=NOW)
    folder = spool.delivery("oak-hill-00001")
    assert sealing.manifest_of(folder) == manifest
    assert (manifest.district, manifest.delivery, manifest.area) == ("oak-hill", "oak-hill-00001", "inbox")
    assert [(one.name, one.bytes) for one in manifest.files] == [("a.csv", 5), ("b.csv", 5)]
    assert manifest.began_at == NOW - timedelta(hours=2)
    assert sealing.contents(folder) == {"a.csv": b"a.csv", "b.csv": b"b.csv"}
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.csv")} == {0o400}
    assert sealing.sealed(spool) == [folder]
    assert not list(spool.inbox("oak-hill").iterdir())


def test_equal_content_has_an_equal_hash(spool: Spool) -> None:
    """The content's hash depends on names and bytes alone."""
    first = sealing.freeze(spool, gathered(spool), now=NOW)
    for name in NAMES:
        (spool.inbox("oak-hill") / name).write_text(name)
    again = sealing.gather(spool, "oak-hill", Area.UPLOAD, "oak-hill-00002", NAMES)
    second = sealing.freeze(spool, again, now=NOW + timedelta(days=1))
    assert first.content_hash == second.content_hash
    assert first.files != second.files


def test_a_sealing_can_be_finished_after_a_crash(spool: Spool) -> None:
    """A folder that has its manifest is whole: only its final name is missing."""
    sealing.freeze(spool, gathered(spool), now=NOW)
    final = spool.delivery("oak-hill-00001")
    crashed = final.rename(final.with_name(f"{final.name}{sealing.UNFINISHED}"))
    assert sealing.unfinished(spool) == [crashed]
    assert sealing.end(spool, "oak-hill-00001") == sealing.manifest_of(final)
    assert sealing.unfinished(spool) == []


def test_files_are_sent_back_after_a_crash(spool: Spool) -> None:
    """Without a manifest the files go back where they came from; a newer one of the same name stays."""
    folder = gathered(spool)
    (spool.inbox("oak-hill") / "a.csv").write_text("newer")
    assert sealing.origin(folder) == ("oak-hill", Area.UPLOAD)
    assert sealing.end(spool, "oak-hill-00001") is None
    assert {path.name: path.read_text() for path in spool.inbox("oak-hill").iterdir()} == {
        "a.csv": "newer",
        "b.csv": "b.csv",
    }
    assert not folder.exists()


def test_a_dry_run_goes_back_to_its_own_area(spool: Spool) -> None:
    """A dry run's folder is told from a delivery's by its name, and its files return to the preview."""
    folder = sealing.gather(spool, "oak-hill", Area.PREVIEW, sealing.dry_run("oak-hill"), NAMES)
    assert sealing.origin(folder) == ("oak-hill", Area.PREVIEW)
    assert sealing.end(spool, sealing.dry_run("oak-hill")) is None
    sealing.freeze(spool, sealing.gather(spool, "oak-hill", Area.PREVIEW, sealing.dry_run("oak-hill"), NAMES), now=NOW)
    (sealed,) = sealing.dry_runs(spool)
    assert sealing.sealed(spool) == []
    sealing.discard(sealed)
    assert sealing.dry_runs(spool) == []


def test_a_sealing_that_failed_is_undone(spool: Spool) -> None:
    """A file that vanished stops the sealing, and what was taken out goes back; undoing twice is harmless."""
    (spool.inbox("oak-hill") / "b.csv").unlink()
    with pytest.raises(FileNotFoundError):
        gathered(spool)
    sealing.end(spool, "oak-hill-00001")
    sealing.end(spool, "oak-hill-00001")
    assert [path.name for path in spool.inbox("oak-hill").iterdir()] == ["a.csv"]
    assert sealing.unfinished(spool) == []
