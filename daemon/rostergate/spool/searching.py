"""Searching: whether files name somebody, whatever their format and encoding.

Rule: rather one file too many than one too few. An id counts wherever it stands between characters that are no part of
one; a name where first and last name stand in one line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDE: Final = ("utf-16-le", "utf-16-be")
_NARROW: Final = ("utf-8", "cp1252")
OVERLAP_BYTES: Final = 8_192
"""How much of one piece is looked at again with the next; more than one line's names are apart."""
_APART: Final = {
    **dict.fromkeys(_NARROW, rb"[^\r\n]{0,2000}?"),
    "utf-16-le": rb"(?:(?!\r\0|\n\0)[\s\S]{2}){0,1000}?",
    "utf-16-be": rb"(?:(?!\0\r|\0\n)[\s\S]{2}){0,1000}?",
}
"""What may stand between two names in one line, by encoding: half of a wide letter may look like the end of a line."""


def pattern(words: Iterable[str], pairs: Iterable[tuple[str, str]] = ()) -> re.Pattern[bytes]:
    """Return what is searched for: any of the words, or both of a pair in one line."""
    found: set[bytes] = set()
    for word in words:
        found |= {rb"(?<![0-9A-Za-z])" + re.escape(one) + rb"(?![0-9A-Za-z])" for one in _bytes(word, _NARROW)}
        found |= {re.escape(one) for one in _bytes(word, _WIDE)}
    for first, last in pairs:
        for one, other in ((first, last), (last, first)):
            for encoding in (*_NARROW, *_WIDE):
                found |= {
                    re.escape(a) + _APART[encoding] + re.escape(b)
                    for a in _bytes(one, (encoding,))
                    for b in _bytes(other, (encoding,))
                }
    return re.compile(b"|".join(sorted(found)), re.IGNORECASE)


def found_in(pieces: Iterable[bytes], wanted: re.Pattern[bytes]) -> bool:
    """Say whether any of it stands in the bytes that come piece by piece."""
    before = b""
    for piece in pieces:
        if wanted.search(before + piece):
            return True
        before = piece[-OVERLAP_BYTES:]
    return False


def _bytes(word: str, encodings: Iterable[str]) -> set[bytes]:
    found = set()
    for encoding in encodings:
        try:
            found.add(word.encode(encoding))
        except UnicodeEncodeError:
            continue
    return found
