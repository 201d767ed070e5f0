"""Recognition: which declared format a file set is in, by its file names and column names.

Rule 1: a set need not be flawless to be recognised. The format that shares most columns with it is taken, near misses
included, so that the checks of that format can say what exactly is wrong.
Rule 2: it must share at least half of its columns, and more than with any other format. Otherwise none is taken: a
wrong guess would be reported as a hundred faults of a sound set.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.core import near
from rostergate.core.careful import rows_of
from rostergate.core.sheet import WHITE_SPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rostergate.core.layout import Format

HEAD_BYTES_MAX = 65_536
"""First bytes of each file that are looked at."""

_SHARE_MIN = 0.5
_MISSING_TOLD = 6
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file set was taken for."""

    format: Format | None
    why: str
    """One sentence for people; names only files and columns that a format declares."""
    nearest: Format | None
    """The format that comes nearest: `format` when there is one, None when no format has anything in common."""
    missing: tuple[str, ...]
    """What the nearest format requires and the set has not: `students.csv`, or a column as `students.csv: grade`."""


@dataclass(frozen=True, slots=True)
class _Likeness:
    format: Format
    share: float
    files: int
    columns: int
    missing: tuple[str, ...]


def recognise(heads: Mapping[str, bytes], formats: Sequence[Format]) -> Recognition:
    """Find the format of a file set; `heads` has the first bytes (at most `HEAD_BYTES_MAX`) of each file by name."""
    headers = {name: _header(head[:HEAD_BYTES_MAX]) for name, head in heads.items()}
    alike = sorted((_likeness(one, headers) for one in formats), key=lambda one: -one.share)
    if not alike or alike[0].share == 0:
        return Recognition(None, "No file and no column name is that of a known format.", None, ())
    best, others = alike[0], alike[1:]
    told = f"{best.files} of {len(best.format.files)} files and {best.columns} columns are those of {best.format.name}"
    if best.share < _SHARE_MIN:
        lacking = f" Missing there: {_listed(best.missing)}." if best.missing else ""
        why = f"Only {told}, which comes nearest.{lacking}"
        return Recognition(None, why, best.format, best.missing)
    equal = [one.format.name for one in others if one.share == best.share]
    if equal:
        return Recognition(
            None, f"It fits {best.format.name} as well as {', '.join(equal)}.", best.format, best.missing
        )
    than = f"; with {others[0].format.name} it shares {others[0].columns} columns" if others else ""
    return Recognition(best.format, f"{told}{than}.", best.format, best.missing)


def _likeness(fmt: Format, headers: Mapping[str, tuple[str, ...]]) -> _Likeness:
    expected: set[tuple[str, str]] = set()
    declared: set[tuple[str, str]] = set()
    missing: list[str] = []
    for file in fmt.files:
        if file.name not in headers:
            if file.optional:
                continue
            missing.append(file.name)
        needed = [column.name for column in file.columns if not column.optional]
        expected |= {(file.name, near.folded(name)) for name in needed}
        declared |= {(file.name, near.folded(column.name)) for column in file.columns}
        if file.name in headers:
            missing += [f"{file.name}: {name}" for name in needed if name not in headers[file.name]]
    found = {(file, near.folded(name)) for file, header in headers.items() for name in header}
    foreign = set() if fmt.extra_columns else found - declared
    shared = expected & found
    return _Likeness(
        format=fmt,
        share=len(shared) / (len(expected | foreign) or 1),
        files=sum(file.name in headers for file in fmt.files),
        columns=len(shared),
        missing=tuple(missing),
    )


def _listed(missing: tuple[str, ...]) -> str:
    more = len(missing) - _MISSING_TOLD
    return ", ".join(missing[:_MISSING_TOLD]) + (f" and {more} more" if more > 0 else "")


def _header(head: bytes) -> tuple[str, ...]:
    """Return the first row's cells, trimmed; none when there is no row, or a malformed one."""
    codec, start = next(((codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)), ("utf-8", 0))
    # Names of columns are ASCII: they survive whatever encoding the file turns out to be in.
    text = head[start:].decode(codec, errors="replace").encode()
    for row in rows_of(text, len(text) + 1):
        cells = tuple(cell.strip(WHITE_SPACE) for cell in row.cells)
        if row.fault or any(cells):
            return cells
    return ()
