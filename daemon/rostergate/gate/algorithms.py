"""The SSH algorithms that are offered: all of them written down, nothing by default.

Source: OpenSSH 9.9's own defaults without what `ssh-audit` 3.3 marks as weak or failed: no SHA-1, no CBC, no 64-bit
tags, no NIST curves in the key exchange, no groups by exchange (asyncssh 2.24 gives 1,024 bits to whoever asks). No
ChaCha20-Poly1305 either, with which a client that knows no strict key exchange can be robbed of its first packets
(CVE-2023-48795), and which costs asyncssh half as much again as AES; whoever knows it knows AES, too.

Clients that know nothing of these have a port of their own, which is off by default. It adds what OpenSSH 6.6 (2014)
and JSch 0.1.51 (2014) had in common with no modern client, last in each list: group 14 and SHA-1, CBC with AES. It adds
nothing that is broken in practice: no group 1, no MD5, no RC4, no 3DES, no DSA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asyncssh.mac import get_mac_algs

KEY_EXCHANGES: Final = (
    "mlkem768x25519-sha256",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
)
CIPHERS: Final = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
MACS: Final = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    # Costs half of what HMAC does. asyncssh has it from libnettle, where the machine has that: Debian 13 may not.
    "umac-128-etm@openssh.com",
    # libssh2 before 1.11, and with it many a curl, knows no other with SHA-2.
    "hmac-sha2-256",
    "hmac-sha2-512",
)
SIGNATURES: Final = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


@dataclass(frozen=True, slots=True)
class Algorithms:
    """What one port offers, best first."""

    key_exchanges: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    signatures: tuple[str, ...]

    def options(self) -> dict[str, Any]:
        """Return those that this machine has, as asyncssh takes them."""
        available = get_mac_algs()
        return {
            "kex_algs": self.key_exchanges,
            "encryption_algs": self.ciphers,
            "mac_algs": tuple(one for one in self.macs if one.encode() in available),
            "signature_algs": self.signatures,
            "compression_algs": ("none",),
        }


MODERN: Final = Algorithms(KEY_EXCHANGES, CIPHERS, MACS, SIGNATURES)
LEGACY: Final = Algorithms(
    (
        *KEY_EXCHANGES,
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group14-sha1",
    ),
    (*CIPHERS, "aes256-cbc", "aes192-cbc", "aes128-cbc"),
    (*MACS, "hmac-sha1"),
    (*SIGNATURES, "ssh-rsa"),
)
