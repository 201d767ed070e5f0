"""The cipher: a file as a stream of encrypted pieces, for deliveries that lie encrypted on the disk.

Rule 1: AES-256-GCM in pieces of 64 KiB, so that a file of any size takes a piece's memory. Each file has a key of its
own, derived from the operator's by HKDF-SHA256 with a random salt; a piece's nonce is its number and whether it is the
last one, so that no piece can be left out, exchanged or cut off unnoticed. (The STREAM construction: Hoang and others,
2015, https://eprint.iacr.org/2015/189; the age format does the same, https://age-encryption.org/v1.)
Rule 2: the name under which a file was encrypted is part of what is checked: it cannot stand in for another.
Rule 3: the first key of the key file encrypts, every key in it decrypts.

    magic (16 bytes) | id of the key (8) | salt (16) | pieces: 64 KiB and 16 bytes each, the last one shorter
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from itertools import count
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rostergate.errors import RostergateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

MAGIC: Final = b"rostergate v001\n"
PIECE_BYTES: Final = 65_536
KEY_BYTES: Final = 32
KEYS_MAX: Final = 100
_FILE_BYTES_MAX: Final = 16_384
_ID_BYTES: Final = 8
_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 16
_COUNTER_BYTES: Final = 11


class KeyUnusableError(RostergateError):
    """The key that deliveries are encrypted with cannot be used."""

    permanent = False  # whoever puts the key back has everything go on


class CipherDamagedError(RostergateError):
    """An encrypted file of a delivery is damaged."""


def keys_in(path: Path) -> tuple[bytes, ...]:
    """Return the keys of a key file, one in a line: 32 bytes in base64, as `openssl rand -base64 32` makes them.

    Blank lines and lines that begin with `#` do not count. Raises `KeyUnusableError`, which repeats no key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise KeyUnusableError(
            f"encryption.key_file: {path}: {reason}; without it no delivery can be sealed, and encrypted ones not read"
        ) from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith(b"#"):
            found.append(_key(path, number, line))
    if not 1 <= len(found) <= KEYS_MAX or len(text) > _FILE_BYTES_MAX:
        raise KeyUnusableError(f"encryption.key_file: {path}: expected 1 to {KEYS_MAX} keys, found {len(found)}")
    return tuple(found)


def _key(path: Path, number: int, line: bytes) -> bytes:
    try:
        key = base64.b64decode(line.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyUnusableError(
            f"encryption.key_file: {path}, line {number}: expected {KEY_BYTES} bytes in base64, as "
            "`openssl rand -base64 32` makes them"
        )
    return key


def encrypted(pieces: Iterable[bytes], name: str, keys: tuple[bytes, ...]) -> Iterator[bytes]:
    """Give the bytes of a file encrypted under a name. `pieces` may be of any length."""
    salt = os.urandom(_SALT_BYTES)
    yield MAGIC + _id(keys[0]) + salt
    cipher, numbers, left = _cipher(keys[0], salt), count(), b""
    for piece in pieces:
        left += piece
        while len(left) > PIECE_BYTES:  # not the last one, whatever comes
            yield cipher.encrypt(_nonce(next(numbers), last=False), left[:PIECE_BYTES], name.encode())
            left = left[PIECE_BYTES:]
    yield cipher.encrypt(_nonce(next(numbers), last=True), left, name.encode())


def decrypted(file: BinaryIO, name: str, keys: tuple[bytes, ...]) -> Iterator[bytes]:
    """Give the bytes of a file that was encrypted under a name, piece by piece, each one checked.

    Raises `KeyUnusableError` when none of the keys is its, `CipherDamagedError` when it is not whole.
    """
    head = file.read(len(MAGIC) + _ID_BYTES + _SALT_BYTES)
    magic, wanted, salt = head[: len(MAGIC)], head[len(MAGIC) : -_SALT_BYTES], head[-_SALT_BYTES:]
    if magic != MAGIC or len(wanted) != _ID_BYTES:
        raise CipherDamagedError(f"{name}: the beginning is damaged; take the file from a backup")
    key = next((one for one in keys if _id(one) == wanted), None)
    if key is None:
        raise KeyUnusableError(
            f"{name} was encrypted with the key {wanted.hex()}, which is not in encryption.key_file; add that key "
            "there as a further line"
        )
    cipher, piece = _cipher(key, salt), file.read(PIECE_BYTES + _TAG_BYTES)
    for number in count():
        following = file.read(PIECE_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, last=not following), piece, name.encode())
        except InvalidTag as error:
            raise CipherDamagedError(
                f"{name}: the bytes from {number * PIECE_BYTES:,} on are damaged; take the file from a backup"
            ) from error
        if not following:
            return
        piece = following


def _id(key: bytes) -> bytes:
    """Return what a key is told by: nothing of the key can be learnt from it."""
    return hashlib.sha256(b"rostergate key id" + key).digest()[:_ID_BYTES]


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"rostergate delivery file").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES) + (b"\x01" if last else b"\x00")
