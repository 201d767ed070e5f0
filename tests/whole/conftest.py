"""Whole daemons for the tests of this folder, and the real clients that drive them."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import asyncssh
import pytest

from rostergate.cli import sample
from running import Rostergate
from wholes import OpenSSH, as_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rostergate(tmp_path: Path) -> Rostergate:
    """Give a rostergate with one district, `lakeside`, and no daemon yet."""
    one = Rostergate(tmp_path)
    one.add_district()
    return one


@pytest.fixture
def files() -> dict[str, bytes]:
    """Give the six files of a good set: three schools."""
    return as_files(sample.file_set())


@pytest.fixture
def openssh(rostergate: Rostergate, tmp_path: Path) -> OpenSSH:
    """Give OpenSSH's client a key that the district's file lists."""
    if not shutil.which("sftp"):
        pytest.skip("left out: OpenSSH's sftp is not installed")
    folder = tmp_path / "openssh"
    folder.mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(folder / "key")
    (folder / "key").chmod(0o600)
    listed = key.export_public_key().decode().strip()
    district = rostergate.config / "districts" / "lakeside.toml"
    text = district.read_text()
    district.write_text(f'authorized_keys = ["{listed}"]\n{text}')
    return OpenSSH(rostergate, folder)


@pytest.fixture
def port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
