"""The server's own keys: made on the first start, loaded once as objects, never read again per connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import asyncssh

from rostergate.errors import StateError
from rostergate.spool.disk import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

RSA_BITS: Final = 3072  # NIST SP 800-57 part 1: good for 128 bits of security


def host_keys(folder: Path, *, legacy: bool = False) -> list[asyncssh.SSHKeyPair]:
    """Return the ed25519 and the RSA host key, made (mode 0600) where they are missing, one pair for each signature.

    For the legacy port the RSA key signs with SHA-1, too: a client of that age knows nothing else.

    asyncssh would offer SHA-1 for the RSA key as well; and as it notes the signature that one client has chosen in the
    pair, which all connections share, another client's choice in that moment would break both.

    Takes up to a second on the first start. Raises `StateError` when a key cannot be read or written; a broken key is
    never replaced, because every district would be warned of a changed host.
    """
    ed25519 = _host_key(folder / "ssh_host_ed25519_key", "ssh-ed25519", {})
    rsa = _host_key(folder / "ssh_host_rsa_key", "ssh-rsa", {"key_size": RSA_BITS})
    modern = [_signing(ed25519, b"ssh-ed25519"), _signing(rsa, b"rsa-sha2-512"), _signing(rsa, b"rsa-sha2-256")]
    return [*modern, _signing(rsa, b"ssh-rsa")] if legacy else modern


def look(folder: Path) -> None:
    """Look at the host keys that are there, and make none. Raises `StateError` when one cannot be used."""
    for name in ("ssh_host_ed25519_key", "ssh_host_rsa_key"):
        if (folder / name).exists():
            _read(folder / name)


def _signing(key: asyncssh.SSHKey, algorithm: bytes) -> asyncssh.SSHKeyPair:
    (pair,) = asyncssh.load_keypairs([key])
    pair.host_key_algorithms = (algorithm,)
    return pair


def _host_key(path: Path, algorithm: str, parameters: dict[str, int]) -> asyncssh.SSHKey:
    try:
        if not path.exists():
            key = asyncssh.generate_private_key(algorithm, comment="rostergate", **parameters)
            write_atomically(path, key.export_private_key())
            write_atomically(path.with_suffix(".pub"), key.export_public_key(), mode=0o644)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}; its folder must be writable by the service user") from error
    return _read(path)


def _read(path: Path) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(path.read_bytes())
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}; the host key must be readable by the service user") from error
    except asyncssh.KeyImportError as error:
        raise StateError(f"{path}: not a private key; restore it, or remove it to have a new one made") from error
