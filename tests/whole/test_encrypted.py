"""A daemon whose deliveries lie encrypted, on the disk and through the commands."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Any

import pytest

from rostergate.cli import sample
from running import SECONDS_MAX, until
from wholes import as_files, page

if TYPE_CHECKING:
    from pathlib import Path

    from running import Rostergate


def new_key() -> bytes:
    """Return a line of a key file."""
    return base64.b64encode(os.urandom(32)) + b"\n"


async def test_deliveries_lie_encrypted(rostergate: Rostergate, tmp_path: Path, files: dict[str, bytes]) -> None:
    """They are decided and given back as they came, also after the key was changed; without theirs they are not."""
    key_file = tmp_path / "deliveries.key"
    old = new_key()
    key_file.write_bytes(old)
    rostergate.environment["ROSTERGATE_ENCRYPTION__KEY_FILE"] = str(key_file)
    with rostergate.daemon():
        await rostergate.upload(files)
        rostergate.reached("settled")
        for path in rostergate.spool.delivery("lakeside-00001").iterdir():
            assert path.name == "manifest.json" or files[path.name][:40] not in path.read_bytes()
        rostergate.run("district", "grant", "lakeside")
        key_file.write_bytes(new_key() + old)
        halved = as_files(sample.without_half_of(sample.file_set(), "100"))
        await rostergate.upload(halved)
        rostergate.reached("planned", 2)
        told = rostergate.answer("files", "lakeside-00002", "--output", str(tmp_path / "out"))
        assert {one["file"] for one in told} == set(files)
        assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == halved
        rostergate.answer("files", "lakeside-00001", "--output", str(tmp_path / "first"))
        assert {path.name: path.read_bytes() for path in (tmp_path / "first").iterdir()} == files
        key_file.write_bytes(new_key())
        refused = rostergate.run("files", "lakeside-00001", "--output", str(tmp_path / "no"), status=1)
        assert "which is not in encryption.key_file" in refused


async def test_a_daemon_without_its_key_does_not_start(rostergate: Rostergate, tmp_path: Path) -> None:
    """It says which file it looked for, before it takes anything."""
    environment = {"ROSTERGATE_ENCRYPTION__KEY_FILE": str(tmp_path / "gone")}
    process = rostergate.start(environment)
    assert process.wait(SECONDS_MAX) == 1
    assert f"encryption.key_file: {tmp_path / 'gone'}: no such file" in rostergate.log.read_text()


@pytest.mark.parametrize("lost", ["the key", "the deliveries"])
async def test_a_set_that_cannot_be_sealed_is_told(
    rostergate: Rostergate, tmp_path: Path, files: dict[str, bytes], lost: str, port: int
) -> None:
    """Operators see it in `status`, `explain` and /readyz, the district that its files are safe; it ends by itself."""
    key_file = tmp_path / "deliveries.key"
    key_file.write_bytes(new_key())
    gone = key_file if lost == "the key" else rostergate.spool.deliveries
    aside = gone.with_suffix(".aside")
    rostergate.environment["ROSTERGATE_ENCRYPTION__KEY_FILE"] = str(key_file)
    with rostergate.daemon({"ROSTERGATE_METRICS__PORT": str(port)}):
        gone.rename(aside)
        await rostergate.upload(files)
        until(lambda: "here and safe" in rostergate.latest(), "the district to be told")
        (told,) = until(lambda: _stuck(rostergate), "the operator to be told")
        assert (str(gone) in told["error"], told["next_step"]) == (True, "rostergate explain lakeside-00001")
        assert "no such file" in rostergate.run("explain", "lakeside-00001")
        status, why = page(port, "/readyz")
        assert (status, "lakeside" in why) == (503, False)
        assert "rostergate_sets_stuck 1.0" in page(port, "/metrics")[1]
        aside.rename(gone)
        (rostergate.spool.inbox("lakeside") / "schools.csv").touch()  # or it is looked at in half a minute
        rostergate.reached("settled")
        assert "here and safe" not in rostergate.latest()
        assert page(port, "/readyz") == (200, "ready\n")
    assert rostergate.answer("deliveries", "--district", "lakeside")[0]["error"] is None


def _stuck(rostergate: Rostergate) -> list[dict[str, Any]]:
    return [one for one in rostergate.answer("status")["districts"] if one["stands"] == "stuck"]
