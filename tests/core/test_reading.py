from __future__ import annotations

import gzip
import hashlib
import lzma
from bz2 import compress as bzip2
from io import BytesIO
from zipfile import ZipFile

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.written import Written, damaged, files
from rostergate.core.findings import Severity
from rostergate.core.policy import ReadingLimits
from rostergate.core.reading import CODES, FIRST_BYTES, Reading, archive_kind, read

LIMITS = ReadingLimits()


def reading(data: bytes, *, encoding: str | None = None, limits: ReadingLimits = LIMITS) -> Reading:
    """Read a file called students.csv."""
    return read("students.csv", data, encoding=encoding, limits=limits)


def rows(data: bytes) -> list[tuple[str | int | None, ...]]:
    """Read a file without fault: the cells of each row, then its line."""
    found = reading(data)
    assert found.findings == ()
    assert found.frame is not None
    return found.frame.select(pl.exclude("line"), "line").rows()


def faults(data: bytes, limits: ReadingLimits = LIMITS) -> list[tuple[str, tuple[int, ...]]]:
    """Read a file: the code and lines of each finding."""
    return [(one.code, one.lines) for one in reading(data, limits=limits).findings]


READ = {
    "a header alone": (b"a,b\n", []),
    "no last line end": (b"a,b\n1,2", [("1", "2", 2)]),
    "LF": (b"a,b\n1,2\n3,4\n", [("1", "2", 2), ("3", "4", 3)]),
    "CRLF": (b"a,b\r\n1,2\r\n3,4\r\n", [("1", "2", 2), ("3", "4", 3)]),
    "lone CR": (b"a,b\r1,2\r3,4\r", [("1", "2", 2), ("3", "4", 3)]),
    "a mixture of line ends": (b"a,b\r\n1,2\r3,4\n5,6", [("1", "2", 2), ("3", "4", 3), ("5", "6", 4)]),
    "blank lines": (b"\n\na,b\n\n1,2\n\n\n3,4\n\n", [("1", "2", 5), ("3", "4", 8)]),
    "lines of white space": (b"a,b\n  \n1,2\n\xc2\xa0\n", [("1", "2", 3)]),
    "rows without a value": (b"a,b\n,\n1,2\n , \n,,,,,\n", [("1", "2", 3)]),
    "one column with blank lines": (b"a\n1\n\n2\n", [("1", 2), ("2", 4)]),
    "one column with a quoted nothing": (b'a\n1\n""\n2\n', [("1", 2), ("2", 4)]),
    "an empty cell": (b"a,b\n1,\n,2\n", [("1", None, 2), (None, "2", 3)]),
    "a quoted empty cell": (b'a,b\n1,""\n', [("1", None, 2)]),
    "white space around cells": ("a,b\n\u00a0x\u2003,\ty z \n".encode(), [("x", "y z", 2)]),
    "white space inside quotes": (b'a,b\n" x ",2\n', [("x", "2", 2)]),
    "blanks around quotes": (b'a, "b"\n"1" , "2, 3"\n', [("1", "2, 3", 2)]),
    "doubled quotes": (b'a,b\n"say ""hi""","""x"""\n', [('say "hi"', '"x"', 2)]),
    "a comma in quotes": (b'a,b\n"1,2",3\n', [("1,2", "3", 2)]),
    "a line end in quotes": (b'a,b\n"1\n2",3\n4,5\n', [("1\n2", "3", 2), ("4", "5", 4)]),
    "every line end in quotes": (b'a,b\n"1\r\n2\r3",4\r\n5,6\n', [("1\n2\n3", "4", 2), ("5", "6", 5)]),
    "an end mark": (b"a,b\r\n1,2\r\n\x1a", [("1", "2", 2)]),
    "an end mark after a cell": (b"a,b\n1,2\x1a", [("1", "2", 2)]),
    "an end mark after quotes": (b'a,b\n1,"2"\x1a', [("1", "2", 2)]),
    "an end mark after a header alone": (b"a,b\x1a", []),
    "leading zeros": (b"a,b\n007,1e5\n", [("007", "1e5", 2)]),
    "words that mean nothing elsewhere": (b"a,b\nNULL,NA\n", [("NULL", "NA", 2)]),
    "a byte-order mark": (b"\xef\xbb\xbfa,b\n1,2\n", [("1", "2", 2)]),
    "a byte-order mark before quotes": (b'\xef\xbb\xbf"a",b\n1,2\n', [("1", "2", 2)]),
    "a column called line": (b"line,b\n1,2\n", [("2", 2)]),
    "a column called like every column": (b"a,*\n ,2\n", [(None, "2", 2)]),
    "a column called like a pattern": (b"a,^.+$\n ,2\n", [(None, "2", 2)]),
    "a control character": (b"a,b\n1\x1f,2\n", [("1\x1f", "2", 2)]),
    "characters that only Python takes for line ends": ("a,b\n1\x0b2,3\u20284\n".encode(), [("1\x0b2", "3\u20284", 2)]),
}


@pytest.mark.parametrize(("data", "expected"), READ.values(), ids=READ)
def test_reads(data: bytes, expected: list[tuple[str | int | None, ...]]) -> None:
    """A sound file gives its cells, trimmed, and the physical line of each row."""
    assert rows(data) == expected


FAULTY = {
    "no bytes": (b"", [("empty-file", ())]),
    "only blank lines": (b"\n \r\n,,\n", [("empty-file", ())]),
    "a short row": (b"a,b\n1\n2,3\n", [("wrong-column-count", (2,))]),
    "an extra empty cell": (b"a,b\n1,2,\n2,3\n", [("wrong-column-count", (2,))]),
    "a fault after a multi-line cell": (b'a,b\n"1\n\n2",3\n4\n', [("wrong-column-count", (5,))]),
    "a quote inside an unquoted cell": (b'a,b\n1,5" nails\n2,3\n', [("bad-quotes", (2,))]),
    "text after a closing quote": (b'a,b\n1,"x"y\n2,3\n', [("bad-quotes", (2,))]),
    "a backslash before a quote": (b'a,b\n1,"x\\"",\n2,3\n', [("bad-quotes", (2,))]),
    "a backslash at the end of a quoted cell": (b'a,b\n1,"x\\"\n2,3\n', [("bad-quotes", (2,))]),
    "a quote that never closes": (b'a,b\n1,"x\n2,3\n4,5\n', [("bad-quotes", (2,))]),
    "two broken rows": (b'a,b\n1,"x\n2,3\n4,"y\n5,6\n', [("bad-quotes", (2, 4))]),
    "broken quotes in the header": (b'a,"b\n1,2\n', [("bad-quotes", (1,))]),
    "NUL bytes": (b"a,b\n1,\0\0\n2,3\n\0,\0\n", [("nul-byte", (2, 4))]),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), [("nul-byte", (1, 2, 3))]),
    "Latin-1": ("a,b\n1,é\n2,3\nü,4".encode("latin-1"), [("unreadable-encoding", (2, 4))]),
    "one name twice": (b"a,b,a\n1,2,3\n", [("duplicate-header", (1,))]),
    "two columns without name": (b"a,,\n1,2,3\n", [("duplicate-header", (1,))]),
    "a header on line 3, one name twice": (b"\n\na,a\n1,2\n", [("duplicate-header", (3,))]),
    "several faults": (b'a,b\n1\n"x\n3,4,5\n', [("bad-quotes", (3,)), ("wrong-column-count", (2, 4))]),
    "a PDF": (b"%PDF-1.7\n", [("not-csv", ())]),
    "a web page with a byte-order mark": (b"\xef\xbb\xbf<html>", [("not-csv", ())]),
    "XML with a byte-order mark": (b'\xef\xbb\xbf<?xml version="1.0"?>', [("not-csv", ())]),
    "an end mark alone": (b"\x1a", [("empty-file", ())]),
    "an end mark after a short row": (b"a,b\n1,2\n3\x1a", [("wrong-column-count", (3,))]),
    "a web page": (b"\n<!DOCTYPE HTML><html>", [("not-csv", ())]),
}


@pytest.mark.parametrize(("data", "expected"), FAULTY.values(), ids=FAULTY)
def test_reports(data: bytes, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    """A fault is a finding with its exact lines, and costs the rows of these lines alone."""
    assert faults(data) == expected


def test_rows_around_a_broken_one_are_read() -> None:
    """A quotation mark that never closes does not swallow the rows after it."""
    found = reading(b'a,b\n1,2\n3,"x\n5,6\n7,8\n')
    assert found.frame is not None
    assert found.frame.rows() == [("1", "2", 2), ("5", "6", 4), ("7", "8", 5)]


def test_count_is_exact_and_lines_are_capped() -> None:
    """A thousand faulty rows are counted, and only the first lines are listed."""
    (found,) = reading(b"a,b\n" + b"1\n" * 1000).findings
    assert found.count == 1000
    assert found.lines == tuple(range(2, 22))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"1,2,3\n4,5,6\n", "The header has 2 columns; these rows have 3."),
        (b"1,2,3\n4\n", "The header has 2 columns; these rows have more or fewer."),
    ],
    ids=["all have as many", "they differ"],
)
def test_column_count_is_told(body: bytes, told: str) -> None:
    """The message says how many columns the header has, and the faulty rows when all have as many."""
    (found,) = reading(b"a,b\n" + body).findings
    assert found.message == told


LIMITED = {
    "a row": (b"a,b\n1,22222222\n3,4\n", ReadingLimits(row_bytes_max=10), [("row-too-long", (2,))]),
    "a header": (b"aaaaaa,bbbbbb\n1,2\n", ReadingLimits(row_bytes_max=10), [("row-too-long", (1,))]),
    "a cell of many lines": (b'a,b\n1,"2\n\n\n\n\n\n\n3"\n', ReadingLimits(row_bytes_max=9), [("bad-quotes", (2, 9))]),
    "a row of many lines": (b'a,b\n"\n1","23"\n', ReadingLimits(row_bytes_max=9), [("bad-quotes", (2, 3))]),
    "rows": (b"a,b\n1,2\n3,4\n5,6\n", ReadingLimits(rows_max=2), [("too-many-rows", ())]),
    "rows between blank lines": (b"a,b\n\n1,2\n\n\n3,4\n5,6\n", ReadingLimits(rows_max=2), [("too-many-rows", ())]),
    "columns": (b"a,b,c\n1,2,3\n", ReadingLimits(columns_max=2), [("too-many-columns", (1,))]),
}


@pytest.mark.parametrize(("data", "limits", "expected"), LIMITED.values(), ids=LIMITED)
def test_limits(data: bytes, limits: ReadingLimits, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    """What exceeds a limit is reported; multi-line rows that do are taken for open quotes."""
    assert faults(data, limits) == expected


@pytest.mark.parametrize(
    "data",
    [b"a,b\n1,2345678\n", b"a,b\r\n1,2345678\r\n", b'a,b\n1,"23456"\n', b'a,b\n1,"2\n456"\n'],
    ids=["LF", "CRLF", "quotes", "two lines"],
)
def test_row_of_exactly_the_limit_is_read(data: bytes) -> None:
    """The limit counts a row's bytes, with one for a line end of any kind, and is itself allowed."""
    assert faults(data, ReadingLimits(row_bytes_max=10)) == []
    assert faults(data, ReadingLimits(row_bytes_max=9)) != []


def test_rows_of_exactly_the_limit_are_read() -> None:
    """The limit of rows is itself allowed, blank lines and the header not counted."""
    found = reading(b"a,b\n\n1,2\n\n\n3,4\n\n", limits=ReadingLimits(rows_max=2))
    assert (found.rows, found.findings) == (2, ())


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_is_read_with_an_alert(codec: str) -> None:
    """UTF-16 with a byte-order mark is read, and the district is told to change it."""
    mark = b"" if codec == "utf-16" else {"utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe"}[codec]
    found = reading(mark + "a,b\né,東\n".encode(codec))
    assert found.frame is not None
    assert found.frame.rows() == [("é", "東", 2)]
    assert [(one.code, one.severity) for one in found.findings] == [("utf-16", Severity.ALERT)]


def test_named_encoding_is_used() -> None:
    """A file in the encoding that the district's file names is read without a finding."""
    found = reading("a,b\né,€\n".encode("cp1252"), encoding="cp1252")
    assert found.frame is not None
    assert found.frame.rows() == [("é", "€", 2)]
    assert found.findings == ()


def test_facts_are_those_of_the_bytes_that_came() -> None:
    """Size and digest are of the file as it was sent; rows are those read."""
    data = b"\xef\xbb\xbfa,b\n\n1,2\n,\n3\n"
    found = reading(data)
    assert (found.bytes, found.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (found.rows, found.header, found.header_line) == (1, ("a", "b"), 1)


def test_frame_has_text_and_line_numbers() -> None:
    """Every column is text, and `line` an unsigned number, also when there are no rows."""
    for data in (b"a,b\n", b"a,b\n1,2\n", b'a,b\n"1\n",2\n', b"a,b\n3\n"):
        frame = reading(data).frame
        assert frame is not None
        assert dict(frame.schema) == {"a": pl.String, "b": pl.String, "line": pl.UInt32}


def _zip(members: dict[str, str]) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w") as zipped:
        for name, text in members.items():
            zipped.writestr(name, text)
    return archive.getvalue()


ARCHIVES = {
    "zip": _zip({"students.csv": "a,b\n"}),
    "gzip": gzip.compress(b"a,b\n"),
    "bzip2": bzip2(b"a,b\n"),
    "xz": lzma.compress(b"a,b\n"),
    "7z": b"7z\xbc\xaf\x27\x1c\x00\x04",
    "rar": b"Rar!\x1a\x07\x01\x00",
    "zstd": b"\x28\xb5\x2f\xfd\x24\x00",
}


@pytest.mark.parametrize(("kind", "data"), ARCHIVES.items(), ids=ARCHIVES)
def test_archives_are_known_by_their_first_bytes(kind: str, data: bytes) -> None:
    """Each kind of archive is named from its first bytes, and refused whatever the file is called."""
    assert archive_kind(data[:FIRST_BYTES]) == kind
    (found,) = reading(data).findings
    assert found.code == "archive"
    assert kind in found.message


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, "an Excel workbook"),
        ({"docProps/app.xml": "", "xl/media/image1.png": "x" * 200_000, "xl/workbook.bin": ""}, "an Excel workbook"),
        ({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "an OpenDocument spreadsheet"),
    ],
    ids=["made by Excel", "large, with its name only at the end", "made by LibreOffice"],
)
def test_workbooks_are_no_mere_archives(members: dict[str, str], kind: str) -> None:
    """A workbook is a zip archive inside, but whoever renamed one knows it by another name."""
    (found,) = reading(_zip(members)).findings
    assert (found.code, found.message) == ("not-csv", f"The file is {kind}, not a CSV file.")


@pytest.mark.parametrize("head", [b"", b"a,b\n", b"PK,b\n", b"BZh1,b\n", b"\xef\xbb\xbfa,b"])
def test_text_is_no_archive(head: bytes) -> None:
    """A header that begins like an archive's name is still a header."""
    assert archive_kind(head) is None


@given(st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_give_a_result(data: bytes) -> None:
    """Whatever the bytes, there is a table or a finding."""
    found = reading(data)
    assert found.frame is not None or found.findings


@given(files())
@settings(max_examples=60, deadline=None)
def test_what_was_written_is_read(written: Written) -> None:
    """Whatever a well-formed file holds is read, cell by cell and line by line."""
    assert rows(written.data) == written.rows


@given(damaged(files()))
@settings(max_examples=60, deadline=None)
def test_damage_is_read_or_reported(data: bytes) -> None:
    """A damaged file never raises; rows are in order, none without a value, and lines exist."""
    found = reading(data)
    if found.frame is None:
        assert found.findings
        return
    lines = found.frame["line"].to_list()
    assert lines == sorted(set(lines))
    last = 1 + data.count(b"\n") + data.count(b"\r")
    assert all(1 <= line <= last for one in found.findings for line in (*one.lines, *lines))


def test_codes_say_what_to_do() -> None:
    """Every code states a fault and a next step."""
    assert all(code.title.endswith(".") and code.next_step.endswith(".") for code in CODES)
