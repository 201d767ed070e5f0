"""Reading: the bytes of one file -> a table and findings. Bad data is never an exception.

Rule 1: no CSV engine is trusted alone. A vectorised check proves a file, or lines of it (`proof`), and polars parses
what was proven. The lines between go through the careful reader (`careful`), and so does a whole file where nothing can
be told about its lines (`stretches`). What is found is the same, whichever road a line has taken.
Rule 2: nothing compressed is opened, whatever the file is called.
Rule 3: time and memory are bounded for any bytes: by the file's size and by `ReadingLimits`.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rostergate.core import careful, endings, proof, stretches
from rostergate.core.encodings import as_utf8, nul_findings
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.sheet import Sheet, with_line_feeds

if TYPE_CHECKING:
    import polars as pl

    from rostergate.core.policy import ReadingLimits

ARCHIVE = Code(
    "archive",
    Severity.FORMAT_ERROR,
    "The file is compressed.",
    "Send the CSV files themselves, unpacked.",
)
NOT_CSV = Code(
    "not-csv",
    Severity.FORMAT_ERROR,
    "The file is a document of another kind, not a CSV file.",
    "Have the SIS export this file as CSV. Renaming a workbook or another document does not make it a CSV file.",
)
CODES = (ARCHIVE, NOT_CSV)

FIRST_BYTES = 16
"""Bytes that `archive_kind` needs to see."""

_ARCHIVES = (
    ("zip", re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")),
    ("gzip", re.compile(rb"\x1f\x8b")),
    ("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
    ("7z", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("rar", re.compile(rb"Rar!\x1a\x07")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),  # a frame, or a skippable one (RFC 8878, 3.1)
)
_DOCUMENTS = (
    ("a PDF document", re.compile(rb"%PDF-")),
    ("an Excel workbook", re.compile(rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")),
    ("an RTF document", re.compile(rb"\{\\rtf")),
    ("a web page", re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)),
    ("an XML document", re.compile(rb"\s*<\?xml ")),
)
_DOCUMENT_BYTES = 512  # a web page may begin with blank lines
_WORKBOOK_PARTS = (
    ("an Excel workbook", b"xl/workbook."),  # ECMA-376, part 2: a package is a ZIP file; .xml, or .bin in an .xlsb
    ("an OpenDocument spreadsheet", b"application/vnd.oasis.opendocument.spreadsheet"),  # OpenDocument 1.3, part 2, 3.3
)
_ZIP_ENDS_BYTES = 65_536  # the first member's name, and the directory at the end, which names every member


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one file."""

    name: str
    frame: pl.DataFrame | None
    """One `pl.String` column per header cell (trimmed, empty = null) and `line` (`pl.UInt32`, the physical line where
    the row starts). Rows with a finding are left out. None when nothing could be read."""
    findings: tuple[Finding, ...]
    rows: int
    """Rows in `frame`."""
    bytes: int
    sha256: str
    header: tuple[str, ...] = ()
    """Every header cell, trimmed, in the file's order; also when a name came twice."""
    header_line: int = 1
    unended: int | None = None
    """The last line of the file where it may be a whole row but has no line end, see `endings`."""


def read(name: str, data: bytes, *, encoding: str | None = None, limits: ReadingLimits) -> Reading:
    """Read one file. `encoding` is a Python codec's name, for files without a byte-order mark that are not UTF-8.

    Raises `LookupError` when there is no such codec; never raises on bad data.
    """
    findings = _of_another_kind(name, data)
    sheet = Sheet(None, findings=findings) if findings else _sheet(name, data, encoding, limits)
    return Reading(
        name=name,
        frame=sheet.frame,
        findings=sheet.findings,
        rows=0 if sheet.frame is None else sheet.frame.height,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        header=sheet.header,
        header_line=sheet.header_line,
        unended=sheet.unended,
    )


def _sheet(name: str, data: bytes, encoding: str | None, limits: ReadingLimits) -> Sheet:
    text = as_utf8(name, data, encoding)
    if text.data is None:
        return Sheet(None, findings=text.findings)
    lines = with_line_feeds(text.data)
    nul = nul_findings(name, lines)
    if nul:
        return Sheet(None, findings=text.findings + nul)
    sheet = proof.read(lines, limits) or stretches.read(name, lines, limits) or careful.read(name, lines, limits)
    sheet = endings.judged(name, lines, sheet, limits)
    return replace(sheet, findings=text.findings + sheet.findings)


def archive_kind(head: bytes) -> str | None:
    """Name the kind of archive that begins with these bytes (at least `FIRST_BYTES`, or the whole file), if any.

    Sources: each format's specification; the list is that of the `archive` finding.
    """
    return next((kind for kind, start in _ARCHIVES if start.match(head)), None)


def _of_another_kind(name: str, data: bytes) -> tuple[Finding, ...]:
    archive = archive_kind(data[:FIRST_BYTES])
    document = _workbook_kind(data) if archive == "zip" else _document_kind(data[:_DOCUMENT_BYTES])
    if document:
        return (finding(NOT_CSV, file=name, message=f"The file is {document}, not a CSV file."),)
    if archive:
        return (finding(ARCHIVE, file=name, message=f"The file is compressed: it is a {archive} archive."),)
    return ()


def _document_kind(head: bytes) -> str | None:
    text = head.removeprefix(codecs.BOM_UTF8)
    return next((kind for kind, start in _DOCUMENTS if start.match(text)), None)


def _workbook_kind(data: bytes) -> str | None:
    """Name the workbook that a zip archive is, if it is one."""
    ends = data[:_ZIP_ENDS_BYTES] + data[-_ZIP_ENDS_BYTES:]
    return next((kind for kind, part in _WORKBOOK_PARTS if part in ends), None)
