"""Recognition: which declared format a file set is in, by its file names, its column names and its manifest.

Rule 1: a set need not be flawless to be recognised. The format that fits best what has come is taken, near misses
included, so that the checks of that format can say what exactly is wrong. A near miss counts less than the exact name:
formats that name the same things differ in how they write them. Names that are misspelt are looked for only where no
format fits without.
Rule 2: how well a format fits is told by the files that are there; files that are missing decide only between formats
that fit alike. A set that is still arriving is therefore waited for as what it is.
Rule 3: it must have at least half of its columns, counting the files that are missing, and fit better than any other
format. Otherwise none is taken: a wrong guess would be reported as a hundred faults of a sound set.
Rule 4: a format whose mark says otherwise (a manifest that names another version) is not taken.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.core import near
from rostergate.core.careful import header_of, rows_of
from rostergate.core.header import parted
from rostergate.core.sheet import WHITE_SPACE, with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rostergate.core.declaration import Format

HEAD_BYTES_MAX = 65_536
"""First bytes of each file that are looked at."""

_SHARE_MIN = 0.5
_NEAR_WEIGHT = 0.75
_MISSING_TOLD = 6
_NAMES_MAX = 200
"""Columns of a header among which misspelt names are looked for."""
_MARK_CELLS = 2
"""A file with marks has two columns: name and value."""
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
class _Head:
    """The beginning of one file."""

    header: tuple[str, ...]
    marks: dict[str, str]
    """First cell -> second cell of the rows below the header, where there are two; only in a file with marks."""


@dataclass(frozen=True, slots=True)
class _Likeness:
    format: Format
    fit: float
    """How well the files that are there match the format, from 0 to 1."""
    share: float
    """The same, with the columns of the required files that are missing counted too."""
    files: int
    """Files of the format that are there."""
    misnamed: int
    """Those of them that have another name."""
    asked: int
    """Files of the format that are required or there."""
    columns: int
    missing: tuple[str, ...]
    is_denied: bool
    """Whether the format's mark says otherwise."""


def recognise(heads: Mapping[str, bytes], formats: Sequence[Format]) -> Recognition:
    """Find the format of a file set; `heads` has of each file by name the first `HEAD_BYTES_MAX` bytes, or more."""
    marking = {fmt.mark.file for fmt in formats if fmt.mark}
    read = {name: _head(head[:HEAD_BYTES_MAX], has_marks=name in marking) for name, head in heads.items()}
    alike = _sorted(_likeness(one, read) for one in formats)
    if alike and alike[0].fit < 1:
        alike = _sorted(_likeness(one, read, misspelt=True) for one in formats)
    taken = [one for one in alike if not one.is_denied]
    if not alike or alike[0].fit == 0:
        return Recognition(None, "No file and no column name is that of a known format.", None, ())
    if not taken or taken[0].share < _SHARE_MIN:
        return _nearest(alike[0])
    best, others = taken[0], taken[1:]
    equal = [one.format.name for one in others if (one.fit, one.share) == (best.fit, best.share)]
    if equal:
        why = f"It fits {best.format.name} as well as {', '.join(equal)}."
        return Recognition(None, why, best.format, best.missing)
    misnamed = f", {best.misnamed} under another name," if best.misnamed else ""
    told = f"{best.files} of {best.asked} files{misnamed} and {best.columns} columns are those of {best.format.name}"
    than = f"; with {others[0].format.name} it shares {others[0].columns} columns" if others else ""
    return Recognition(best.format, f"{told}{than}.", best.format, best.missing)


def _nearest(best: _Likeness) -> Recognition:
    name, mark = best.format.name, best.format.mark
    lacking = "; ".join(["", *_listed(best)])
    why = f"{name} comes nearest: {best.files} of {best.asked} {best.format.title} files{lacking}."
    if best.is_denied and mark:
        why = f"{why.removesuffix('.')}; {mark.file} does not say {mark.name} {mark.value}."
    return Recognition(None, why, best.format, best.missing)


def _sorted(alike: Iterable[_Likeness]) -> list[_Likeness]:
    return sorted(alike, key=lambda one: (-one.fit, one.is_denied, -one.share))


def _likeness(fmt: Format, heads: Mapping[str, _Head], *, misspelt: bool = False) -> _Likeness:
    declared = [file.name for file in fmt.files]
    others = heads.keys() - set(declared)
    meant = near.files(others, [name for name in declared if name not in heads]) if misspelt else {}
    expected: set[tuple[str, str]] = set()
    absent: set[tuple[str, str]] = set()
    foreign = {(name, cell) for name in others - set(meant.values()) for cell in heads[name].header}
    missing: list[str] = []
    exact = near_misses = 0
    for file in fmt.files:
        name = meant.get(file.name, file.name)
        header = set(heads[name].header) if name in heads else set()
        needed = {column.name for column in file.columns if not column.optional}
        if file.unused and name in heads:  # what it has counts, what it lacks does not
            needed = {column.name for column in file.columns} & header
        if name not in heads:
            if not file.optional:
                missing.append(file.name)
                absent |= {(file.name, column) for column in needed}
            continue
        missing += [file.name] if name != file.name else []
        missing += [f"{file.name}: {column.name}" for column in file.columns if column.name in needed - header]
        expected |= {(file.name, column) for column in needed}
        known = {column.name for column in file.columns}.union(file.unread)
        alike = _alike(known, header, misspelt=misspelt)
        exact += len(needed & header) if name == file.name else 0
        near_misses += len(needed & alike.keys()) + (len(needed & header) if name != file.name else 0)
        if not file.unused and not fmt.extra_columns:
            strange = header - known - set(alike.values())
            foreign |= {(file.name, column) for column in strange if not _is_extension(fmt, near.folded(column))}
    points = exact + _NEAR_WEIGHT * near_misses
    files = [file for file in fmt.files if meant.get(file.name, file.name) in heads]
    return _Likeness(
        format=fmt,
        fit=points / (len(expected | foreign) or 1),
        share=points / (len(expected | absent | foreign) or 1),
        files=len(files),
        misnamed=len(meant),
        asked=sum(file in files or not file.optional for file in fmt.files),
        columns=exact + near_misses,
        missing=tuple(missing),
        is_denied=_is_denied(fmt, heads),
    )


def _alike(declared: set[str], header: set[str], *, misspelt: bool) -> dict[str, str]:
    """Return declared name -> the header's name that is a near miss of it."""
    if misspelt and len(header) <= _NAMES_MAX:
        return near.pairs(sorted(header - declared), sorted(declared - header))
    folded = {near.folded(name): name for name in header - declared}
    return {name: folded[near.folded(name)] for name in declared - header if near.folded(name) in folded}


def _is_extension(fmt: Format, folded: str) -> bool:
    return fmt.extension is not None and folded.startswith(near.folded(fmt.extension))


def _is_denied(fmt: Format, heads: Mapping[str, _Head]) -> bool:
    if fmt.mark is None or fmt.mark.file not in heads:
        return False
    value = heads[fmt.mark.file].marks.get(fmt.mark.name)
    return value is not None and not value.startswith(fmt.mark.value)


def _listed(best: _Likeness) -> list[str]:
    """Return what is missing in words: `students.csv lacks Student_id`, `sections.csv is missing`."""
    told, more = best.missing[:_MISSING_TOLD], len(best.missing) - _MISSING_TOLD
    files: dict[str, list[str]] = {}
    for one in told:
        file, _, column = one.partition(": ")
        files.setdefault(file, []).extend([column] if column else [])
    said = [
        f"{file} lacks {', '.join(columns)}" if columns else f"{file} is missing" for file, columns in files.items()
    ]
    return [*said, f"{more} more are missing"] if more > 0 else said


def _head(head: bytes, *, has_marks: bool) -> _Head:
    """Return the first row's cells, trimmed (none when there is no row, or a malformed one), and what follows."""
    codec, start = next(((codec, len(mark)) for mark, codec in _MARKS if head.startswith(mark)), ("utf-8", 0))
    # Names of columns are ASCII: they survive whatever encoding the file turns out to be in.
    text = with_line_feeds(head[start:].decode(codec, errors="replace").encode())
    header: tuple[str, ...] | None = None
    marks: dict[str, str] = {}
    for row in rows_of(text, len(text) + 1):
        cells = header_of(row, text) if header is None else tuple(cell.strip(WHITE_SPACE) for cell in row.cells)
        if header is None and (row.fault or any(cells)):
            header = cells
            if not has_marks or len(cells) != _MARK_CELLS:
                break
        elif len(cells) == _MARK_CELLS:
            marks.setdefault(*cells)
    return _Head(parted(header or ())[0], marks)
