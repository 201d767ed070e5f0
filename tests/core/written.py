"""Strategies that write CSV files: well-formed ones with the rows they hold, and damaged ones."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from rostergate.core.sheet import WHITE_SPACE

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
SIGNS = st.sampled_from(["a", "Z", "0", "é", "東", "😀", ",", '"', " ", "\t", "\xa0", "\x1c", "'", "#", "-"])
CELLS = st.text(SIGNS, max_size=6)
LINED_CELLS = st.text(st.one_of(SIGNS, st.sampled_from("\r\n")), max_size=6)


@dataclass(frozen=True, slots=True)
class Written:
    """A well-formed file, and what is to be read from it: the trimmed cells of each row, then its line."""

    data: bytes
    rows: list[tuple[str | int | None, ...]]


@st.composite
def files(draw: st.DrawFn, cells: st.SearchStrategy[str] = LINED_CELLS) -> Written:
    """Write a file of 1 to 4 columns, with any line ends, blank lines, and quotes also where they are not needed."""
    width = draw(st.integers(1, 4))
    text, line, rows = "", 1, []
    for cut in [[f"c{place}" for place in range(width)], *draw(_rows(width, cells))]:
        if draw(st.booleans()):
            end = draw(ENDS)
            text, line = _joined(text, "", end), line + 1
        written = ",".join(draw(_quoted(cell)) for cell in cut)
        rows.append((*(_read(cell) for cell in cut), line))
        text = _joined(text, written, draw(ENDS))
        line = _lines(text)
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    return Written(text.encode(), [row for row in rows[1:] if any(cell is not None for cell in row[:-1])])


def damaged(written: st.SearchStrategy[Written]) -> st.SearchStrategy[bytes]:
    """Cut, replace or insert a few bytes that matter in a well-formed file."""
    bits = st.sampled_from(
        [b"", b'"', b",", b"\n", b"\r", b"\\", b" ", b"\xe9", b"\0", b'""', b"\xc2\xa0", b"x", b"\x1f"]
    )
    cuts = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), bits), min_size=1, max_size=3)
    return st.builds(_cut, written.map(lambda one: one.data), cuts)


def _cut(data: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, bit in cuts:
        start = place % (len(data) + 1)
        data = data[:start] + bit + data[start + length :]
    return data


def _rows(width: int, cells: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    return st.lists(st.lists(cells, min_size=width, max_size=width), max_size=5)


def _read(cell: str) -> str | None:
    return cell.replace("\r\n", "\n").replace("\r", "\n").strip(WHITE_SPACE) or None


@st.composite
def _quoted(draw: st.DrawFn, cell: str) -> str:
    needed = any(sign in cell for sign in ',"\n\r') or cell.strip(" \t").startswith('"')
    if not needed and draw(st.booleans()):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _joined(text: str, line: str, end: str) -> str:
    # An LF right after a lone CR would make one line end of two.
    return text + line + ("\r\n" if end == "\n" and text.endswith("\r") and not line else end)


def _lines(text: str) -> int:
    return 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
