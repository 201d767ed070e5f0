"""Deliveries that lie encrypted: sealed, interrupted, read again, given back."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from rostergate.errors import Refused
from rostergate.spool import sealing
from rostergate.spool.cipher import CipherDamagedError, KeyUnusableError
from rostergate.spool.folders import Area, Spool

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
SENT = {"students.csv": b"student_id,name\n1,Wilhelmina Quackenbush\n" * 20_000, "schools.csv": b""}
DELIVERY = "lincoln-00017"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Give a spool with a key file, and a complete set in its inbox."""
    (tmp_path / "key").write_bytes(base64.b64encode(os.urandom(32)))
    spool = Spool(tmp_path / "state", tmp_path / "key")
    spool.prepare()
    spool.inbox("lincoln").mkdir()
    for name, data in SENT.items():
        (spool.inbox("lincoln") / name).write_bytes(data)
    return spool


def gathered(spool: Spool) -> Path:
    """Take the set out of the inbox."""
    return sealing.gather(spool, "lincoln", Area.UPLOAD, DELIVERY, SENT)


def test_nothing_of_a_sealed_delivery_can_be_read(spool: Spool) -> None:
    """Its files are there under their names, with hashes of what came; with the key they are what they were."""
    manifest = sealing.freeze(spool, gathered(spool), now=NOW)
    folder = spool.delivery(DELIVERY)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "schools.csv", "students.csv"]
    assert all(b"Quackenbush" not in path.read_bytes() for path in folder.iterdir())
    assert {one.name: one.bytes for one in manifest.files} == {name: len(data) for name, data in SENT.items()}
    assert sealing.contents(folder, spool.key_file) == SENT
    assert sealing.heads(folder, 20, spool.key_file) == {name: data[:20] for name, data in SENT.items()}
    assert [b"".join(pieces) for pieces in sealing.in_pieces(folder, spool.key_file)] == [b"", SENT["students.csv"]]
    assert manifest.content_hash == sealing.freeze(*_plain(spool), now=NOW).content_hash


def _plain(spool: Spool) -> tuple[Spool, Path]:
    other = Spool(spool.state.with_name("plain"))
    other.prepare()
    other.inbox("lincoln").mkdir()
    for name, data in SENT.items():
        (other.inbox("lincoln") / name).write_bytes(data)
    return other, sealing.gather(other, "lincoln", Area.UPLOAD, DELIVERY, SENT)


def test_an_interrupted_sealing_loses_nothing(spool: Spool) -> None:
    """Before the manifest the plain files go back; after it the encrypted ones take their places."""
    folder = gathered(spool)
    (folder / ".students.csv.sealed").write_bytes(b"half of it")
    assert sealing.end(spool, DELIVERY) is None
    assert {path.name: path.read_bytes() for path in spool.inbox("lincoln").iterdir() if path.is_file()} == SENT
    folder = gathered(spool)
    sealing.freeze(spool, folder, now=NOW)
    final = spool.delivery(DELIVERY)
    # As if the power had failed between the manifest and the last rename.
    final.rename(folder)
    (folder / "students.csv").rename(folder / ".students.csv.sealed")
    (folder / "students.csv").write_bytes(SENT["students.csv"])
    sealing.end(spool, DELIVERY)
    assert b"Quackenbush" not in (final / "students.csv").read_bytes()
    assert sealing.contents(final, spool.key_file) == SENT


def test_what_is_encrypted_never_goes_back(spool: Spool) -> None:
    """A sealing that fails after its manifest was written is finished as soon as that is possible."""
    in_the_way = spool.delivery(DELIVERY) / "in the way"
    in_the_way.mkdir(parents=True)
    folder = gathered(spool)
    with pytest.raises(OSError, match="not empty"):
        sealing.freeze(spool, folder, now=NOW)
    with pytest.raises(OSError, match="not empty"):
        sealing.end(spool, DELIVERY)
    assert not [path for path in spool.inbox("lincoln").iterdir() if path.is_file()]
    in_the_way.rmdir()
    manifest = sealing.end(spool, DELIVERY)
    assert manifest == sealing.end(spool, DELIVERY) == sealing.manifest_of(spool.delivery(DELIVERY))
    assert sealing.contents(spool.delivery(DELIVERY), spool.key_file) == SENT


def test_files_are_given_back_as_they_came(spool: Spool, tmp_path: Path) -> None:
    """A restored delivery is the one that was sealed, byte by byte; damage is said, and no folder is overwritten."""
    sealing.freeze(spool, gathered(spool), now=NOW)
    folder = spool.delivery(DELIVERY)
    sealing.restore(folder, tmp_path / "out", spool.key_file)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == SENT
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}
    with pytest.raises(Refused, match="is there already"):
        sealing.restore(folder, tmp_path / "out", spool.key_file)
    damaged = folder / "students.csv"
    data = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(data[:-20])
    with pytest.raises(CipherDamagedError, match=f"{DELIVERY}/students.csv"):
        sealing.restore(folder, tmp_path / "again", spool.key_file)
    assert not (tmp_path / "again").exists(), "half of a delivery lies there, and is in the way of the next try"
    folder.chmod(0o700)
    damaged.unlink()
    with pytest.raises(CipherDamagedError, match=r"students\.csv"):
        sealing.restore(folder, tmp_path / "again", spool.key_file)


def test_without_its_key_a_delivery_is_not_read(spool: Spool, tmp_path: Path) -> None:
    """Whether no key is named, its file is gone or has another key: what to do is said."""
    sealing.freeze(spool, gathered(spool), now=NOW)
    folder = spool.delivery(DELIVERY)
    (tmp_path / "other").write_bytes(base64.b64encode(os.urandom(32)))
    for key_file, said in (
        (None, "lies encrypted; name the file"),
        (tmp_path / "gone", "no such file"),
        (tmp_path / "other", "add that key there"),
    ):
        with pytest.raises(KeyUnusableError, match=said):
            sealing.contents(folder, key_file)


def test_a_key_file_that_is_gone_seals_nothing(spool: Spool) -> None:
    """The set goes back to the inbox and can be sealed later."""
    assert spool.key_file
    spool.key_file.unlink()
    folder = gathered(spool)
    with pytest.raises(KeyUnusableError):
        sealing.freeze(spool, folder, now=NOW)
    sealing.end(spool, DELIVERY)
    assert {path.name for path in spool.inbox("lincoln").iterdir() if path.is_file()} == set(SENT)


def test_what_was_sealed_before_is_read_as_it_is(spool: Spool) -> None:
    """Turning encryption on, or off again, leaves older deliveries alone."""
    plain, folder = _plain(spool)
    sealing.freeze(plain, folder, now=NOW)
    assert sealing.contents(plain.delivery(DELIVERY), spool.key_file) == SENT
    assert sealing.contents(plain.delivery(DELIVERY)) == SENT


def test_what_is_set_aside_can_still_be_read(spool: Spool) -> None:
    """A folder that a restored database does not know gets another name, and its files are what they were."""
    sealing.freeze(spool, gathered(spool), now=NOW)
    aside = sealing.set_aside(spool.delivery(DELIVERY))
    assert sealing.aside(spool) == [aside]
    assert sealing.contents(aside, spool.key_file) == SENT
