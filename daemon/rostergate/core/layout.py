"""Layout: a file set beside the declaration of its format, and the claims that come of both.

Header, key, length and required-cell checks follow from the declaration; only real rules are written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from rostergate.core import cells, header, listed, near
from rostergate.core.claims import CLAIMED, FILE, Claims
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.roster import TABLES
from rostergate.core.sheet import BAD_QUOTES, DUPLICATE_HEADER, WRONG_COLUMN_COUNT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rostergate.core.claims import Places
    from rostergate.core.declaration import File, Format, Sheets, Source
    from rostergate.core.reading import Reading

MISSING_FILE = Code(
    "missing-file",
    Severity.FORMAT_ERROR,
    "A required file is missing.",
    "Upload all required files, each under its exact name. A file without rows still needs its header row.",
)
OPTIONAL_FILE_MISSING = Code(
    "optional-file-missing",
    Severity.ALERT,
    "An optional file did not come. What the roster has of it stays as it is.",
    "Upload the file to keep this part of the roster up to date. To empty that part, upload its header row alone.",
)
UNEXPECTED_FILE = Code(
    "unexpected-file",
    Severity.FORMAT_ERROR,
    "The format has no file of this name.",
    "Take the file out of the upload, or give it the exact name that the format lists; upper and lower case count.",
)
_RENAME = "Give the file exactly the name that is expected; upper and lower case count."
MISSING_ID = Code(
    "missing-id",
    Severity.FORMAT_ERROR,
    "A required id is empty, so the row cannot be placed.",
    "Fill in this id in the SIS, or leave such rows out. If every row lacks it, check the columns of the export.",
)
DUPLICATE_SCHOOL = Code(
    "duplicate-school",
    Severity.FORMAT_ERROR,
    "The school id is already used in an earlier row.",
    "Export each school in one row, and give two different schools two ids.",
)
CODES = (
    MISSING_FILE,
    OPTIONAL_FILE_MISSING,
    UNEXPECTED_FILE,
    MISSING_ID,
    DUPLICATE_SCHOOL,
)

_EXPLAINED = {
    header.MISSING_HEADER.code: (DUPLICATE_HEADER.code, WRONG_COLUMN_COUNT.code),
    header.WRONG_SEPARATOR.code: (WRONG_COLUMN_COUNT.code, BAD_QUOTES.code),
}
"""What is wrong with a header -> what else is then found in the file, and is no fault of its own."""

_IDS = {
    name: tuple(key for key in TABLES[name].key if key in columns and (key != "school_id" or name == "schools"))
    for name, columns in CLAIMED.items()
}
"""The ids without which a row claims nothing in a table. The school may still be found out, or reported, later."""


def check(fmt: Format, readings: Mapping[str, Reading]) -> tuple[Finding, ...]:
    """Compare a file set with its declaration: its files, their headers, the ids of their rows.

    What `reading` found is not repeated; a file that could not be read is only checked for its name, and one whose
    header has a name twice for its name and header.
    """
    found = list(_check_names(fmt, readings))
    for file in (one for one in fmt.files if not one.unused):
        reading = readings.get(file.name)
        if reading is not None and (reading.frame is not None or _has_a_name_twice(reading)):
            found += header.check(
                file.name,
                reading.header,
                reading.header_line,
                required=[column.name for column in file.columns if not column.optional],
                optional=[column.name for column in file.columns if column.optional],
                unread=file.unread,
                extra=fmt.extra_columns,
                extension=fmt.extension,
            )
        if reading is not None and reading.frame is not None:
            found += _check_ids(file, reading.frame)
    found += _check_schools(fmt, readings)
    if fmt.refuse:
        found += fmt.refuse(_complete(fmt, {name: one.frame for name, one in readings.items()}))
    return tuple(found)


def explained(read: Iterable[Finding], declared: Iterable[Finding]) -> list[Finding]:
    """Return what `reading` found, less what `check` explains.

    In a row that is no header no name can stand twice, and no row has more or fewer cells than it; where something
    else separates the columns, commas and quotation marks stand anywhere.
    """
    told = {(one.file, code) for one in declared for code in _EXPLAINED.get(one.code, ())}
    return [one for one in read if (one.file, one.code) not in told]


def claims(fmt: Format, sheets: Sheets) -> Claims:
    """Say in canonical columns what the files say, row by row; values are as they stand in the files.

    A row makes no claim on a table whose id it leaves empty: a student without a guardian, a class without a teacher.
    """
    prepared = (fmt.prepare or dict)(_complete(fmt, sheets))
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in CLAIMED}
    columns = {(file.name, "", column.name): column.name for file in fmt.files for column in file.columns}
    places: dict[tuple[str, str, str], Places] = {}
    lacking = {file.name for file in fmt.files if file.optional and file.name not in sheets}
    for source in fmt.sources:
        parts[source.table].append(_claimed(source, prepared[source.sheet or source.file]))
        for canonical, column in source.columns.items():
            if source.joined.get(canonical) not in lacking:
                where = source.file, source.table, canonical
                columns[where] = _as_written(source.own.get(canonical, column), sheets.get(source.file))
                if canonical in source.cells:
                    places[where] = cells.places(source.cells[canonical], prepared[source.sheet or source.file], column)
    tables = {name: pl.concat([_nothing(name), *frames]) for name, frames in parts.items()}
    told = *listed.problems(fmt.files, prepared), *(fmt.problems(prepared) if fmt.problems else ())
    return Claims(tables, columns, frozenset(_absent(fmt, sheets, lacking)), places, told)


def _as_written(name: str, sheet: pl.DataFrame | None) -> str:
    """Return a column's name as the file writes it: a format may allow for more than one way."""
    others = sheet.columns if sheet is not None and name not in sheet.columns else ()
    return next((one for one in others if near.folded(one) == near.folded(name)), name)


def _check_names(fmt: Format, names: Iterable[str]) -> Iterator[Finding]:
    """Find the files that do not belong and those that did not come; one that came under another name is told once."""
    declared = {file.name: file for file in fmt.files}
    came = set(names)
    unknown, missing = sorted(came - set(declared)), [name for name in declared if name not in came]
    meant = {found: wanted for wanted, found in near.files(unknown, missing).items()}
    for name in unknown:
        told = (f"{name} found, {meant[name]} expected.", _RENAME) if name in meant else (None, None)
        yield finding(UNEXPECTED_FILE, file=name, message=told[0], next_step=told[1])
    for name in (one for one in missing if one not in meant.values()):
        if not declared[name].optional:
            yield finding(MISSING_FILE, file=name)
        elif _is_needed(fmt, name):
            yield finding(OPTIONAL_FILE_MISSING, file=name)


def _is_needed(fmt: Format, name: str) -> bool:
    """Tell whether something that the roster has can come from no other file."""
    elsewhere = {source.table for source in fmt.sources if source.file != name}
    return any(
        name in (source.beside, *source.joined.values()) or (source.file == name and source.table not in elsewhere)
        for source in fmt.sources
    )


def _has_a_name_twice(reading: Reading) -> bool:
    return any(one.code == DUPLICATE_HEADER.code for one in reading.findings)


def _check_ids(file: File, sheet: pl.DataFrame) -> Iterator[Finding]:
    frame = _valid(file, sheet)
    for column in file.columns:
        if column.key and column.name in frame.columns and frame[column.name].has_nulls():
            lines = frame.filter(pl.col(column.name).is_null())["line"].to_list()
            yield finding(MISSING_ID, file=file.name, column=column.name, lines=lines)


def _check_schools(fmt: Format, readings: Mapping[str, Reading]) -> Iterator[Finding]:
    for source in fmt.sources:
        reading, column = readings.get(source.file), source.columns.get("school_id", "")
        if source.table != "schools" or reading is None or reading.frame is None or column not in reading.frame.columns:
            continue
        rows = _completed(fmt.file(source.file), reading.frame)
        named = _counting(source, rows).filter(pl.col(column).is_not_null())
        lines = named.filter(~pl.col(column).is_first_distinct())["line"].to_list()
        if lines:
            yield finding(DUPLICATE_SCHOOL, file=source.file, column=column, lines=lines)


def _absent(fmt: Format, sheets: Sheets, lacking: set[str]) -> Iterator[str]:
    """Yield the tables that nothing in the set states, and the columns of tables (`students.birth_date`)."""
    stated = {source.table: False for source in fmt.sources}
    for source in fmt.sources:
        stated[source.table] |= not {source.file, source.beside} & lacking and _states(source, sheets)
        yield from (f"{source.table}.{name}" for name, file in source.joined.items() if file in lacking)
    yield from (table for table, told in stated.items() if not told)


def _states(source: Source, sheets: Sheets) -> bool:
    sheet = sheets.get(source.file, pl.DataFrame())
    columns = [column for column in source.stated_by if column in sheet.columns]
    return not source.stated_by or any(sheet[column].count() for column in columns)


def _complete(fmt: Format, sheets: Mapping[str, pl.DataFrame | None]) -> Sheets:
    """Return every declared file with its declared columns and no other: what is derived may have any name.

    Rows that the declaration passes over are not among them.
    """
    return {file.name: _completed(file, sheets.get(file.name)) for file in fmt.files}


def _completed(file: File, sheet: pl.DataFrame | None) -> pl.DataFrame:
    frame = pl.DataFrame(schema={"line": pl.UInt32}) if sheet is None else _valid(file, sheet)
    names = [column.name for column in file.columns]
    lacking = [pl.lit(None, pl.String).alias(name) for name in names if name not in frame.columns]
    return (frame.with_columns(lacking) if lacking else frame)[[*names, "line"]]


def _valid(file: File, sheet: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are not passed over."""
    for column in file.columns:
        if column.void and column.name in sheet.columns:
            sheet = sheet.filter(pl.col(column.name).str.to_lowercase().ne_missing(column.void))
    return sheet


def _claimed(source: Source, sheet: pl.DataFrame) -> pl.DataFrame:
    cells = [
        (pl.col(source.columns[name]) if name in source.columns else pl.lit(None, pl.String)).alias(name)
        for name in CLAIMED[source.table]
    ]
    rows = _counting(source, sheet).select(*cells, pl.lit(source.file, FILE).alias("file"), pl.col("line"))
    if not any(rows[name].has_nulls() for name in _IDS[source.table]):
        return rows  # as usual: a copy of every cell saved
    return rows.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in _IDS[source.table]))


def _counting(source: Source, rows: pl.DataFrame) -> pl.DataFrame:
    return rows if source.where is None else rows.filter(source.where)


def _nothing(table: str) -> pl.DataFrame:
    texts = dict.fromkeys(CLAIMED[table], pl.String())
    return pl.DataFrame(schema={**texts, "file": FILE, "line": pl.UInt32()})
