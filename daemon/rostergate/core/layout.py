"""The declaration of a format, and the checks that follow from it.

A format says which files a set has, which columns each has, and which canonical table each column feeds. Header,
key, length and required-cell checks are derived from that declaration; only real rules are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from rostergate.core import header, near
from rostergate.core.claims import CLAIMED, Claims
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.problem import Effect, Problem
from rostergate.core.roster import TABLES

if TYPE_CHECKING:
    from rostergate.core.reading import Reading

Sheets: TypeAlias = Mapping[str, pl.DataFrame]
"""Files as read, by name: one `pl.String` column per header cell (trimmed, empty = null) and `line` (`pl.UInt32`)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file, by the exact name its header must have."""

    name: str
    key: bool = False
    """Part of the row's key: a row without it cannot be placed, so a missing value is a format error (missing-id)."""
    required: bool = False
    """A value is needed for the row to make anything."""
    chars_max: int | None = None
    optional: bool = False
    """The header may lack it; its cells are then empty."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a set."""

    name: str
    columns: tuple[Column, ...]
    optional: bool = False
    """An optional file that is absent leaves its part of the roster untouched."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a canonical table gets its rows from: one file, and its column for each canonical column."""

    file: str
    table: str
    columns: Mapping[str, str]
    """Canonical column -> the file's column. Canonical columns that are not named stay null."""
    own: Mapping[str, str] = field(default_factory=dict)
    """For columns that `prepare` derived: derived column -> the file's column that findings show instead."""


@dataclass(frozen=True, slots=True)
class Format:
    """A declared file set. Its module's docstring cites the specification it was taken from."""

    name: str
    title: str
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    prepare: Callable[[Sheets], Sheets] | None = None
    """Derives what the format leaves implicit (ids, split files) before the sources are read; keeps `line`.
    It is shown every declared file with every declared column: what did not come has no rows, or null cells."""
    extra_columns: bool = False
    """Whether files may have columns that are not declared."""

    def file(self, name: str) -> File:
        """Return the declared file of that name. Raises `KeyError` when the format has none."""
        return next((one for one in self.files if one.name == name), None) or _no_such_file(self.name, name)


def _no_such_file(format_name: str, name: str) -> File:
    raise KeyError(f"{format_name} has no file {name}")


MISSING_FILE = Code(
    "missing-file",
    Severity.FORMAT_ERROR,
    "A required file is missing.",
    "Send every file of the set, each under its exact name. A file may hold only its header row.",
)
OPTIONAL_FILE_MISSING = Code(
    "optional-file-missing",
    Severity.ALERT,
    "An optional file did not come. What the roster has of it stays as it is.",
    "Send the file to keep this part of the roster up to date. To empty it, send the file with its header row alone.",
)
UNEXPECTED_FILE = Code(
    "unexpected-file",
    Severity.FORMAT_ERROR,
    "A file is not part of the set.",
    "Take the file out of the export, or give it the exact name of the set; upper and lower case count.",
)
MISSING_ID = Code(
    "missing-id",
    Severity.FORMAT_ERROR,
    "Rows have no id.",
    "Look for rows without this id in the SIS, or for a filter that cuts the ids off.",
)
DUPLICATE_SCHOOL = Code(
    "duplicate-school",
    Severity.FORMAT_ERROR,
    "A school id is used by more than one row.",
    "Send each school in one row.",
)
TEACHER_EMAIL_MISSING = Code(
    "teacher-email-missing",
    Severity.ERROR,
    "A teacher has no e-mail address.",
    "Fill in the teacher's e-mail address in the SIS: without one no account can be made.",
)
NAME_MISSING = Code(
    "name-missing",
    Severity.ERROR,
    "A name is missing.",
    "Fill in the name in the SIS.",
)
CLASS_SCHOOL_MISSING = Code(
    "class-school-missing",
    Severity.ERROR,
    "A class has no school.",
    "Fill in the school of the class in the SIS, or leave the class out of the export.",
)
CLASS_NAME_TOO_LONG = Code(
    "class-name-too-long",
    Severity.ERROR,
    "The name of a class is too long.",
    "Shorten the name of the class in the SIS.",
)
SCHOOL_NAME_TOO_LONG = Code(
    "school-name-too-long",
    Severity.ERROR,
    "The name of a school is too long.",
    "Shorten the name of the school in the SIS.",
)

CODES = (
    MISSING_FILE,
    OPTIONAL_FILE_MISSING,
    UNEXPECTED_FILE,
    MISSING_ID,
    DUPLICATE_SCHOOL,
    TEACHER_EMAIL_MISSING,
    NAME_MISSING,
    CLASS_SCHOOL_MISSING,
    CLASS_NAME_TOO_LONG,
    SCHOOL_NAME_TOO_LONG,
)

_NEEDED = {
    ("teachers", "email"): TEACHER_EMAIL_MISSING,
    ("classes", "school_id"): CLASS_SCHOOL_MISSING,
    **{
        (table.name, column): NAME_MISSING
        for table in TABLES.values()
        for column in table.values
        if column in ("name", "first_name", "last_name")
    },
}
_TOO_LONG = {("classes", "name"): CLASS_NAME_TOO_LONG, ("schools", "name"): SCHOOL_NAME_TOO_LONG}

_IDS = {
    name: tuple(key for key in TABLES[name].key if key in columns and (key != "school_id" or name == "schools"))
    for name, columns in CLAIMED.items()
}
"""The ids without which a row claims nothing in a table. The school may still be found out, or reported, later."""


def check(fmt: Format, readings: Mapping[str, Reading]) -> tuple[Finding, ...]:
    """Compare a file set with its declaration: its files, their headers, the ids of their rows.

    What `reading` found is not repeated; a file that could not be read is only checked for its name.
    """
    found = list(_check_names(fmt, readings))
    for file in fmt.files:
        reading = readings.get(file.name)
        if reading is not None and reading.frame is not None:
            found += header.check(
                file.name,
                reading.header,
                reading.header_line,
                required=[column.name for column in file.columns if not column.optional],
                optional=[column.name for column in file.columns if column.optional],
                extra=fmt.extra_columns,
            )
            found += _check_ids(file, reading.frame)
    found += _check_schools(fmt, readings)
    return tuple(found)


def claims(fmt: Format, sheets: Sheets) -> Claims:
    """Say in canonical columns what the files say, row by row; values are as they stand in the files.

    A row makes no claim on a table whose id it leaves empty: a student without a guardian, a class without a teacher.
    """
    complete = {file.name: _completed(file, sheets.get(file.name)) for file in fmt.files}
    prepared = fmt.prepare(complete) if fmt.prepare else complete
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in CLAIMED}
    columns: dict[tuple[str, str, str], str] = {}
    for source in fmt.sources:
        parts[source.table].append(_claimed(source, prepared[source.file]))
        for canonical, column in source.columns.items():
            columns[source.file, source.table, canonical] = source.own.get(column, column)
    tables = {name: pl.concat([_nothing(name), *frames]) for name, frames in parts.items()}
    optional = {file.name for file in fmt.files if file.optional and file.name not in sheets}
    absent = frozenset(source.table for source in fmt.sources if source.file in optional)
    return Claims(tables, columns, absent)


def problems(fmt: Format, claims: Claims) -> list[Problem]:
    """Return the rows that lack a required value, or have one that is too long. Such a row makes nothing.

    Ids are not judged here: a missing key is a format error of `check`, an unknown one is found by the rules.
    """
    found: list[Problem] = []
    for source in fmt.sources:
        declared = {column.name: column for column in fmt.file(source.file).columns}
        stated = claims.tables[source.table].filter(pl.col("file") == source.file)
        for canonical, name in source.columns.items():
            column, where, cell = declared.get(name), (source.table, canonical), pl.col(canonical)
            if column is None:
                continue  # derived by `prepare`
            if column.required and not column.key:
                rows = stated.filter(cell.is_null()).select("file", "line")
                found.append(Problem(_NEEDED[where], source.table, canonical, rows, Effect.LEAVE_OUT))
            if column.chars_max is not None:
                rows = stated.filter(cell.str.len_chars() > column.chars_max).select("file", "line")
                found.append(Problem(_TOO_LONG[where], source.table, canonical, rows, Effect.LEAVE_OUT))
    return [problem for problem in found if not problem.rows.is_empty()]


def _check_names(fmt: Format, names: Iterable[str]) -> Iterator[Finding]:
    declared = {file.name: file for file in fmt.files}
    came = set(names)
    unknown, missing = sorted(came - set(declared)), [name for name in declared if name not in came]
    meant = {found: wanted for wanted, found in near.pairs(unknown, missing).items()}
    for name in unknown:
        told = f"{name} found, {meant[name]} expected." if name in meant else None
        yield finding(UNEXPECTED_FILE, file=name, message=told)
    for name in missing:
        yield finding(OPTIONAL_FILE_MISSING if declared[name].optional else MISSING_FILE, file=name)


def _check_ids(file: File, frame: pl.DataFrame) -> Iterator[Finding]:
    for column in file.columns:
        if column.key and column.name in frame.columns:
            lines = frame.filter(pl.col(column.name).is_null())["line"].to_list()
            if lines:
                yield finding(MISSING_ID, file=file.name, column=column.name, lines=lines)


def _check_schools(fmt: Format, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    for source in fmt.sources:
        reading, column = readings.get(source.file), source.columns.get("school_id", "")
        if source.table != "schools" or reading is None or reading.frame is None or column not in reading.frame.columns:
            continue
        named = reading.frame.filter(pl.col(column).is_not_null())
        lines = named.filter(~pl.col(column).is_first_distinct())["line"].to_list()
        if lines:
            yield finding(DUPLICATE_SCHOOL, file=source.file, column=column, lines=lines)


def _completed(file: File, sheet: pl.DataFrame | None) -> pl.DataFrame:
    frame = pl.DataFrame(schema={"line": pl.UInt32}) if sheet is None else sheet
    lacking = [column.name for column in file.columns if column.name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)


def _claimed(source: Source, sheet: pl.DataFrame) -> pl.DataFrame:
    cells = [
        (pl.col(source.columns[name]) if name in source.columns else pl.lit(None, pl.String)).alias(name)
        for name in CLAIMED[source.table]
    ]
    rows = sheet.select(*cells, pl.lit(source.file).alias("file"), pl.col("line"))
    return rows.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in _IDS[source.table]))


def _nothing(table: str) -> pl.DataFrame:
    texts = dict.fromkeys((*CLAIMED[table], "file"), pl.String())
    return pl.DataFrame(schema={**texts, "line": pl.UInt32()})
