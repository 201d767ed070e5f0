from __future__ import annotations

import pytest

from rostergate.core.encodings import as_utf8, nul_findings


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        (b"a\n", None, b"a\n"),
        ("é\n".encode(), None, "é\n".encode()),
        ("é\n".encode(), "utf-8", "é\n".encode()),
        (b"\xef\xbb\xbfa\n", None, b"a\n"),
        (b"\xef\xbb\xbf\xc3\xa9\n", "cp1252", "é\n".encode()),
        ("é\n".encode("latin-1"), "latin-1", "é\n".encode()),
        ("東\n".encode("shift_jis"), "shift_jis", "東\n".encode()),
        (b"\xff\xfe\xe9\x00", "cp1252", "é".encode()),
        ("é\n".encode("utf-16-le"), "utf-16-le", "é\n".encode()),
    ],
    ids=[
        "ASCII",
        "UTF-8",
        "UTF-8, named",
        "marked UTF-8",
        "a mark outweighs the district's file",
        "Latin-1",
        "several bytes a character",
        "a mark of UTF-16 outweighs it, too",
        "UTF-16 without mark, named",
    ],
)
def test_decodes(data: bytes, encoding: str | None, expected: bytes) -> None:
    """A file becomes UTF-8 without mark, in the encoding its mark, or else the district's file, names."""
    assert as_utf8("x.csv", data, encoding).data == expected


@pytest.mark.parametrize(
    ("data", "encoding", "lines"),
    [
        (b"a\n\xe9\n\nb\xff", None, (2, 4)),
        (b"\xef\xbb\xbfa\r\xe9\r\n\xe9", None, (2, 3)),
        (b"a\n\xed\xa0\x80\n", None, (2,)),
        (b"a\n\x81\n", "cp1252", (2,)),
        (b"\xff\xfea\x00\n\x00\x00\xd8\n\x00", None, (2,)),
        (b"\xff\xfea\x00\n\x00b", None, (2,)),
        (b"a\n\x80", "ascii", (2,)),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", None, ()),
        (b"xn--\x80", "idna", ()),
    ],
    ids=[
        "not UTF-8",
        "a mark that lies",
        "half a pair",
        "a hole in the code page",
        "half a pair in UTF-16",
        "half a character in UTF-16",
        "not even ASCII",
        "UTF-32",
        "a codec that replaces nothing",
    ],
)
def test_names_the_lines_it_cannot_read(data: bytes, encoding: str | None, lines: tuple[int, ...]) -> None:
    """A file that cannot be decoded whole is refused with its first bad lines; none when the whole file is meant."""
    text = as_utf8("x.csv", data, encoding)
    assert text.data is None
    assert [(one.code, one.lines) for one in text.findings] == [("unreadable-encoding", lines)]


def test_pieces_do_not_cut_characters() -> None:
    """A character may lie across the pieces in which a large file is decoded."""
    text = "é" * (1 << 20)
    assert as_utf8("x.csv", b"a" + text.encode(), None).data == b"a" + text.encode()
    assert as_utf8("x.csv", b"a" + text.encode("utf-16-be"), "utf-16-be").data is None
    assert as_utf8("x.csv", text.encode("utf-16-be"), "utf-16-be").data == text.encode()


def test_unknown_codec_is_no_bad_data() -> None:
    """A codec that does not exist is the configuration's fault, and raises."""
    with pytest.raises(LookupError):
        as_utf8("x.csv", b"a", "klingon")


def test_nul_bytes_are_counted_by_line() -> None:
    """A line with several NUL bytes counts once."""
    (found,) = nul_findings("x.csv", b"a\0\0\nb\n\0\n\nc\0")
    assert (found.lines, found.count) == ((1, 3, 5), 3)
    assert nul_findings("x.csv", b"abc") == ()
