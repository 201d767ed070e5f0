"""Openers: a connection's encryption, with a look into the next packet before asyncssh takes it.

asyncssh opens a packet when it takes it. For the short way (`lane.py`) a packet has to be open before it is known whose
it is, and opening one moves the cipher on, so that it can be done only once. What has been opened here and was not
taken is therefore kept, and handed to asyncssh when it comes to that packet.

Three kinds are known, which are all that are offered: AES-GCM; a cipher with a MAC of the encrypted bytes, which
OpenSSH takes before version 10 (aes128-ctr with umac-128-etm); a cipher with a MAC of the plain bytes, which libssh2
takes before 1.11, and with it many a curl (aes256-ctr with hmac-sha2-256), and which hides even a packet's length.
Sources: RFC 5647, 7.2; PROTOCOL, 1.5, of OpenSSH; RFC 4253, 6.

Everything here uses private names of asyncssh, and is held against asyncssh's own way together with `lane.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

from asyncssh.encryption import BasicEncryption, Encryption, ETMEncryption, GCMEncryption
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LENGTH_BYTES: Final = 4


class Opener(ABC):
    """What asyncssh has as a connection's encryption; stands before the one that it made itself."""

    first_bytes = LENGTH_BYTES
    """So much of a packet has to be there before its length is known."""

    def __init__(self, encryption: Encryption, tag_bytes: int) -> None:
        """Open packets for an encryption that ends each of them with so many bytes."""
        self._encryption: Any = encryption
        self._is_open = False
        self._plain: bytes | None = None
        self.tag_bytes = tag_bytes

    def length(self, first: bytes) -> int:
        """Return the length of the next packet, without its own and the tag, by its first bytes."""
        return int.from_bytes(first[:LENGTH_BYTES], "big")

    def opened(self, packet: memoryview, number: int) -> bytes | None:
        """Return what is in the next packet, whose length has been asked for; None where it is not authentic."""
        if not self._is_open:
            self._is_open, self._plain = True, self._open(packet, number)
        return self._plain

    def take(self) -> None:
        """Go on to the next packet: asyncssh will not see the one that was opened."""
        self._is_open = False

    def decrypt_header(self, number: int, first: bytes, header_bytes: int) -> tuple[bytes, bytes]:
        """Return a packet's first bytes and its header, for asyncssh."""
        header: tuple[bytes, bytes] = self._encryption.decrypt_header(number, first, header_bytes)
        return header

    def decrypt_packet(self, number: int, first: bytes, rest: bytes, header_bytes: int, tag: bytes) -> bytes | None:
        """Return what is in a packet, for asyncssh; None where it is not authentic."""
        if not self._is_open:
            self._plain = self._encryption.decrypt_packet(number, first, rest, header_bytes, tag)
        self._is_open = False
        return self._plain

    @abstractmethod
    def _open(self, packet: memoryview, number: int) -> bytes | None: ...


class GcmOpener(Opener):
    """AES-GCM, with a cipher that is kept: asyncssh 2.24 makes one for each packet."""

    def __init__(self, encryption: GCMEncryption, tag_bytes: int) -> None:
        """Keep the cipher."""
        super().__init__(encryption, tag_bytes)
        self._cipher = encryption._cipher
        self._key = AESGCM(self._cipher._key)

    def _open(self, packet: memoryview, number: int) -> bytes | None:  # noqa: ARG002 - GCM counts by itself
        try:
            plain = self._key.decrypt(self._cipher._iv, packet[LENGTH_BYTES:], packet[:LENGTH_BYTES])
        except InvalidTag:
            return None
        self._cipher._update_iv()
        return plain


class EncryptThenMacOpener(Opener):
    """A cipher, and a MAC of the encrypted bytes; the length is not encrypted."""

    def _open(self, packet: memoryview, number: int) -> bytes | None:
        end = len(packet) - self.tag_bytes
        if not self._encryption._mac.verify(number, bytes(packet[:end]), bytes(packet[end:])):
            return None
        plain: bytes = self._encryption._cipher.decrypt(packet[LENGTH_BYTES:end])
        return plain


class EncryptAndMacOpener(Opener):
    """A cipher, and a MAC of the plain bytes; the length is encrypted as well."""

    first_bytes = 16
    """A block of AES, which comes out alone: asyncssh decrypts as much to know the length."""

    def __init__(self, encryption: Encryption, tag_bytes: int) -> None:
        """Begin before a packet."""
        super().__init__(encryption, tag_bytes)
        self._first: bytes | None = None

    def length(self, first: bytes) -> int:
        """Return the length of the next packet, without its own and the tag, by its first bytes."""
        if self._first is None:
            self._first = self._encryption._cipher.decrypt(first)
        return super().length(self._first)

    def take(self) -> None:
        """Go on to the next packet: asyncssh will not see the one that was opened."""
        super().take()
        self._first = None

    def decrypt_header(self, number: int, first: bytes, header_bytes: int) -> tuple[bytes, bytes]:
        """Return a packet's first bytes and its header, for asyncssh."""
        if self._first is None:
            return super().decrypt_header(number, first, header_bytes)
        plain, self._first = self._first, None
        return plain, plain[:header_bytes]

    def _open(self, packet: memoryview, number: int) -> bytes | None:
        end = len(packet) - self.tag_bytes
        plain: bytes = self._first + self._encryption._cipher.decrypt(packet[self.first_bytes : end])
        return plain[LENGTH_BYTES:] if self._encryption._mac.verify(number, plain, bytes(packet[end:])) else None


def opener_of(encryption: Encryption | None, tag_bytes: int) -> Opener | None:
    """Return the opener that stands before an encryption; None where there is none yet."""
    if isinstance(encryption, GCMEncryption):
        return GcmOpener(encryption, tag_bytes)
    if isinstance(encryption, ETMEncryption):
        return EncryptThenMacOpener(encryption, tag_bytes)
    return EncryptAndMacOpener(encryption, tag_bytes) if isinstance(encryption, BasicEncryption) else None
