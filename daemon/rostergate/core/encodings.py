"""Encodings: a file's bytes -> UTF-8, or the first lines that cannot be read.

Rule 1: a byte-order mark says what the file is (UTF-8 or UTF-16), whatever the district's file says.
Rule 2: without one the file is UTF-8, unless the district's file names another encoding.
Rule 3: nothing is guessed or replaced. A file that cannot be decoded whole is refused.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.sheet import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

UNREADABLE_ENCODING = Code(
    "unreadable-encoding",
    Severity.FORMAT_ERROR,
    "The file has characters that are not UTF-8.",
    "Set the export's encoding to UTF-8 (accented letters are the usual cause), or tell the operator which one it is.",
)
NUL_BYTE = Code(
    "nul-byte",
    Severity.FORMAT_ERROR,
    "The file has NUL bytes (binary zeros), which no CSV file has.",
    "Set the export's character encoding to UTF-8 and run it again: the file is damaged, or is UTF-16 without a mark.",
)
UTF_16 = Code(
    "utf-16",
    Severity.ALERT,
    "The file's character encoding is UTF-16, not UTF-8. It was read all the same.",
    "Set the export's character encoding to UTF-8.",
)
CODES = (UNREADABLE_ENCODING, NUL_BYTE, UTF_16)

_CHUNK_BYTES = 1 << 20
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_LINE = re.compile(rb"[^\r\n]*+(?:\r\n|\r|\n)?")
_UNKNOWN = "\ufffd"  # what Python decodes the undecodable to


@dataclass(frozen=True, slots=True)
class Text:
    """A file as UTF-8 without byte-order mark; None when it cannot be read."""

    data: bytes | None
    findings: tuple[Finding, ...] = ()


def as_utf8(name: str, data: bytes, encoding: str | None) -> Text:
    """Return the file as UTF-8, with an alert for UTF-16.

    `encoding` is the name of a Python text codec. Raises `LookupError` when there is no such codec.
    """
    if data.startswith(_UTF_32):
        return _refused(name, Tally(), "UTF-8; its byte-order mark says UTF-32")
    for mark, codec in _UTF_16.items():
        if data.startswith(mark):
            text = _transcoded(name, data[len(mark) :], codec, "UTF-16, which its byte-order mark says it is")
            return text if text.data is None else Text(text.data, (finding(UTF_16, file=name),))
    if data.startswith(codecs.BOM_UTF8):
        return _checked(name, data[len(codecs.BOM_UTF8) :])
    if encoding is None or codecs.lookup(encoding).name == "utf-8":
        return _checked(name, data)
    return _transcoded(name, data, encoding, encoding)


def nul_findings(name: str, data: bytes) -> tuple[Finding, ...]:
    """Return the lines that have NUL bytes; `data` is UTF-8, its lines end in LF."""
    tally, line, counted = Tally(), 1, 0
    while (at := data.find(b"\0", counted)) >= 0:
        line += data.count(b"\n", counted, at)
        tally.add(line)
        counted = data.find(b"\n", at) + 1 or len(data)
        line += 1
    return tally.findings(NUL_BYTE, file=name)


def _checked(name: str, data: bytes) -> Text:
    if data.isascii() or _is_utf8(data):
        return Text(data)
    tally = Tally()
    for number, line in enumerate(_LINE.finditer(data), start=1):
        if not line.group().isascii() and not _is_utf8(line.group()):
            tally.add(number)
    return _refused(name, tally, "UTF-8")


def _is_utf8(data: bytes) -> bool:
    try:
        for _ in _decoded(data, "utf-8"):
            pass
    except UnicodeError:
        return False
    return True


def _transcoded(name: str, data: bytes, codec: str, told: str) -> Text:
    try:
        return Text(b"".join(part.encode() for part in _decoded(data, codec)))
    except UnicodeError:
        return _refused(name, _unreadable_lines(data, codec), told)


def _decoded(data: bytes, codec: str, errors: str = "strict") -> Iterator[str]:
    """Decode in pieces: a whole file as one Python string takes up to four times its size."""
    decoder = codecs.getincrementaldecoder(codec)(errors)
    for start in range(0, len(data), _CHUNK_BYTES):
        yield decoder.decode(data[start : start + _CHUNK_BYTES])
    yield decoder.decode(b"", final=True)


def _unreadable_lines(data: bytes, codec: str) -> Tally:
    tally = Tally()
    try:
        readable = b"".join(part.encode(errors="replace") for part in _decoded(data, codec, "replace"))
    except UnicodeError:
        return tally  # a codec that cannot replace: the whole file is meant
    unknown = _UNKNOWN.encode()
    for number, line in enumerate(_LINE.finditer(readable), start=1):
        if unknown in line.group():
            tally.add(number)
    return tally


def _refused(name: str, tally: Tally, told: str) -> Text:
    message = f"The file has characters that are not {told}."
    found = tally.findings(UNREADABLE_ENCODING, file=name, message=message)
    return Text(None, found or (finding(UNREADABLE_ENCODING, file=name, message=message),))
