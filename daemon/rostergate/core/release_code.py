"""Release codes: what a mail carries so that whoever has it can have exactly one held plan released.

Rule 1: a code is signed (HMAC-SHA256, RFC 2104, cut to 96 bits as its section 5 allows) over the plan's number, its
hash and the hour at which the code expires: none of them can be changed, and no code can be made up without the key.
Rule 2: a code is used up with its plan: once that is released, discarded or superseded, the code opens nothing.
Rule 3: it can be read over the telephone: Crockford's base 32, in groups of four, in any case, O as 0, I and L as 1;
whatever stands between the groups, as a word processor or a mail program may make it.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

KEY_BYTES: Final = 32
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_LIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_NUMBER_BYTES: Final = 5
_HOURS_BYTES: Final = 3
_SIGNATURE_BYTES: Final = 12
_BYTES: Final = _NUMBER_BYTES + _HOURS_BYTES + _SIGNATURE_BYTES
_BITS_PER_CHARACTER: Final = 5
_CHARACTERS: Final = _BYTES * 8 // _BITS_PER_CHARACTER
_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says, before its signature is looked at."""

    plan: int
    """The plan's number in the store."""
    expires_at: datetime
    signature: bytes


def made(plan: int, plan_hash: str, expires_at: datetime, key: bytes) -> str:
    """Return the code for a plan, valid until the full hour before `expires_at`."""
    said = _said(plan, expires_at)
    number = int.from_bytes(said + _signature(said, plan_hash, key), "big")
    characters = ""
    for _ in range(_CHARACTERS):
        number, place = divmod(number, len(_ALPHABET))
        characters = _ALPHABET[place] + characters
    return "-".join(characters[start : start + _GROUP] for start in range(0, _CHARACTERS, _GROUP))


def read(text: str) -> Code:
    """Return what a code says. Raises `ValueError` when it is no code."""
    characters = "".join(filter(str.isalnum, text)).upper().translate(_LOOKS_LIKE)
    if len(characters) != _CHARACTERS or not set(characters) <= set(_ALPHABET):
        raise ValueError("no release code")
    number = 0
    for one in characters:
        number = number * len(_ALPHABET) + _ALPHABET.index(one)
    said = number.to_bytes(_BYTES, "big")
    hours = int.from_bytes(said[_NUMBER_BYTES : _NUMBER_BYTES + _HOURS_BYTES], "big")
    return Code(
        plan=int.from_bytes(said[:_NUMBER_BYTES], "big"),
        expires_at=datetime.fromtimestamp(0, UTC) + timedelta(hours=hours),
        signature=said[-_SIGNATURE_BYTES:],
    )


def genuine(code: Code, plan_hash: str, key: bytes) -> bool:
    """Say whether a code was made with this key for the plan that has this hash."""
    return hmac.compare_digest(code.signature, _signature(_said(code.plan, code.expires_at), plan_hash, key))


def _said(plan: int, expires_at: datetime) -> bytes:
    hours = int(expires_at.timestamp()) // 3600
    return plan.to_bytes(_NUMBER_BYTES, "big") + hours.to_bytes(_HOURS_BYTES, "big")


def _signature(said: bytes, plan_hash: str, key: bytes) -> bytes:
    return hmac.digest(key, said + plan_hash.encode(), hashlib.sha256)[:_SIGNATURE_BYTES]
