import stat
from pathlib import Path

import pytest

from rostergate.errors import StateError
from rostergate.gate.hostkeys import host_keys


def test_keys_are_made_once(tmp_path: Path) -> None:
    """The first start makes an ed25519 and an RSA 3072 key that only the owner reads; the next one reads them."""
    first = [pair.public_data for pair in host_keys(tmp_path)]
    assert [pair.public_data for pair in host_keys(tmp_path)] == first
    for name in ("ssh_host_ed25519_key", "ssh_host_rsa_key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert (tmp_path / f"{name}.pub").is_file()


def test_broken_key_is_not_replaced(tmp_path: Path) -> None:
    """A key that cannot be read is an error, because a new one would look like another host."""
    (tmp_path / "ssh_host_ed25519_key").write_text("not a key")
    with pytest.raises(StateError, match="ssh_host_ed25519_key: not a private key"):
        host_keys(tmp_path)
    assert (tmp_path / "ssh_host_ed25519_key").read_text() == "not a key"


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that is missing is an error of the state."""
    with pytest.raises(StateError):
        host_keys(tmp_path / "missing")
