"""A daemon whose deliveries lie encrypted, on the disk and through the commands."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from rostergate.cli import sample
from running import SECONDS_MAX
from wholes import as_files

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
