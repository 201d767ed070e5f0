"""The end of a file: whether its last line is a row at all, and a whole one.

An export that breaks off leaves a file that looks sound up to its last line. Taken for the whole, it would remove
everybody who comes after: one in twenty, say, is fewer than any hold waits for.

Rule 1: a last line without a line end is fine by itself. It is cut off where it has too few cells, or leaves a cell in
quotation marks open.
Rule 2: where it has all of its cells, the last one may still lack its end. It is cut off where that cell is an id that
only begins one that it should refer to; and where the cell cannot be used and no other file ends like that. What stands
before it is whole, and of a last column that is not read nothing can be said.
Rule 3: a line that counts the rows, or says that the file ends, is no row, even where it has as many cells; nor is a
line of dashes below the header. Programs for reports and databases write both.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from rostergate.core import values
from rostergate.core.careful import row_at
from rostergate.core.cells import located, marked
from rostergate.core.findings import Code, Finding, Severity, finding
from rostergate.core.problem import Effect
from rostergate.core.references import REFERENCES
from rostergate.core.sheet import BAD_QUOTES, WHITE_SPACE, WRONG_COLUMN_COUNT, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rostergate.core.claims import Claims
    from rostergate.core.policy import ReadingLimits

FILE_CUT_OFF = Code(
    "file-cut-off",
    Severity.FORMAT_ERROR,
    "The file breaks off in the middle of its last row.",
    "Run the export again, look whether the file ends with a whole row and a line end, and upload all files again.",
)
REPORT_LINE = Code(
    "report-line",
    Severity.FORMAT_ERROR,
    "A line of the file is no row, but says something about the rows.",
    "Switch off totals, counts and underlines in the export: below the column names there may be nothing but rows.",
)
CODES = (FILE_CUT_OFF, REPORT_LINE)

_TAIL_BYTES: Final = 65_536
_NUMBER = r"[0-9][0-9., ]*"
_TOLD = r"(?:rows?|records?|lines?|entries|students?|teachers?|enrol?lments?)"
_REPORTED: Final = re.compile(
    rf"\(?{_NUMBER} {_TOLD}(?: (?:affected|selected|exported|written|returned|processed|total))?\)?\.?"
    rf"|(?:grand |sub-?)?totals?(?: (?:number )?(?:of )?{_TOLD})?(?: count)?"
    rf"|(?:{_TOLD}|total) ?count|number of {_TOLD}|trailer(?: record)?|footer|eof"
    rf"|(?:\*+ ?)?end[ -]of[ -](?:file|data|report|export|records?)",
    re.IGNORECASE,
)
"""The first cell of such a line, without a number at its end."""
_COUNT: Final = re.compile(rf"[\s:=]*(?:{_NUMBER})?[\s*]*\Z")
_UNDERLINE: Final = re.compile(r"[-=_]{2,}")
_OPEN_CELL: Final = re.compile(rb'(?:(?:\s*"(?:[^"]|"")*+"\s*|[^",]*+),)*+\s*"(?:[^"]|"")*+\Z')


class End(NamedTuple):
    """How a file ends."""

    line: int | None
    """Its last line where it may be a whole row but has no line end, see `Reading.unended`."""
    column: str
    """The last column."""


def judged(name: str, data: bytes, sheet: Sheet, limits: ReadingLimits) -> Sheet:
    """Return the sheet without lines that are no rows, or no whole ones, and what is told of them; `data` as read."""
    if sheet.frame is None:
        return sheet
    line = _underline(sheet.frame)
    if line is not None:
        message = "The line below the column names underlines them; it is no row."
        sheet = _without(sheet, finding(REPORT_LINE, file=name, lines=(line,), message=message))
    start, end = _last_line(data)
    row, _ = row_at(data, start, 0, limits.row_bytes_max)
    cells = [cell.strip(WHITE_SPACE) for cell in row.cells]
    is_report = _is_report(cells, len(sheet.header))
    if end < len(data) and not is_report:
        return sheet  # as usual: the lines before it need not be counted
    line = data.count(b"\n", 0, start) + 1
    if line <= sheet.header_line:
        return sheet
    counted = WRONG_COLUMN_COUNT if len(cells) != len(sheet.header) else None
    if is_report:
        message = "The last line counts the rows or says that the file ends; it is no row."
        return _without(sheet, finding(REPORT_LINE, file=name, lines=(line,), message=message), counted)
    is_open = row.fault is BAD_QUOTES and _OPEN_CELL.match(data, start, end) is not None and _counted(sheet, line)
    if is_open or (any(cells) and len(cells) < len(sheet.header)):
        return _without(sheet, finding(FILE_CUT_OFF, file=name, lines=(line,)), BAD_QUOTES if is_open else counted)
    return replace(sheet, unended=line)


def check(claims: Claims, ends: Mapping[str, End], *, phone_region: str) -> tuple[Finding, ...]:
    """Return the files whose last row is cut off although it has all of its cells.

    `claims` as `layout.claims` gives them; `ends` of every file that has rows.
    """
    unended = {file: (end.line, end.column) for file, end in ends.items() if end.line is not None}
    found = []
    for file, (line, column) in unended.items():
        here = (pl.col("file") == file) & (pl.col("line") == line)
        rows = {table: frame.filter(here) for table, frame in claims.tables.items()}
        last = replace(claims, tables=rows, seen={})
        begun, strange = _references(claims, last, (file, column))
        is_alone = len(unended) == 1 < len(ends)
        if begun or (is_alone and (strange or _is_senseless(last, (file, column), phone_region))):
            found.append(finding(FILE_CUT_OFF, file=file, lines=(line,)))
    return tuple(found)


def _references(claims: Claims, last: Claims, where: tuple[str, str]) -> tuple[bool, bool]:
    """Tell of the ids in that file's column whether one that refers to nothing begins one that is there, or none."""
    begun = strange = False
    for one in REFERENCES:
        named = last.tables[one.table].filter(pl.col(one.column).is_not_null())
        if named.is_empty() or one.to in claims.absent:
            continue
        known = claims.tables[one.to][one.column].drop_nulls().cast(pl.String)
        for (cell,), rows in named.partition_by(one.column, as_dict=True).items():
            id_rows = rows.select("file", "line", marked(one.column))
            if not (known == str(cell)).any() and _stand(claims, one.table, one.column, id_rows, where):
                strange = True
                begun |= bool(known.str.starts_with(str(cell)).any())
    return begun, strange


def _is_senseless(last: Claims, where: tuple[str, str], phone_region: str) -> bool:
    _, problems = values.normalised(last, phone_region=phone_region)
    return any(
        _stand(last, problem.table, problem.column, problem.rows, where)
        for problem in problems
        if problem.effect is not Effect.NOTE
    )


def _stand(claims: Claims, table: str, column: str | None, rows: pl.DataFrame, where: tuple[str, str]) -> bool:
    """Tell whether cells of claimed rows stand in that column of that file."""
    return any((file, name) == where for file, name, _ in located(claims, table, column, rows))


def _last_line(data: bytes) -> tuple[int, int]:
    """Return where the last line that is not empty starts and ends; one before many empty lines is not looked for."""
    tail = data[-_TAIL_BYTES:].rstrip(b"\n")
    end = max(0, len(data) - _TAIL_BYTES) + len(tail)
    return data.rfind(b"\n", 0, end) + 1, end


def _is_report(cells: list[str], width: int) -> bool:
    filled = [cell for cell in cells if cell]
    told = _REPORTED.match(filled[0]) if filled else None
    if told is None or not _COUNT.match(filled[0], told.end()):
        return False
    return len(cells) != width or all(_COUNT.match(cell) for cell in filled[1:])


def _underline(frame: pl.DataFrame) -> int | None:
    """Return the line of the first row where its cells are nothing but dashes."""
    first = frame.head(1).drop("line").rows()
    cells = [cell for cell in first[0] if cell is not None] if first else []
    return frame["line"][0] if cells and all(_UNDERLINE.fullmatch(cell) for cell in cells) else None


def _counted(sheet: Sheet, line: int) -> bool:
    """Tell whether a line was counted under bad quotes; where more were than are listed, it may have been."""
    told = [one for one in sheet.findings if one.code == BAD_QUOTES.code]
    return any(line in one.lines or one.count > len(one.lines) for one in told)


def _without(sheet: Sheet, told: Finding, counted: Code | None = None) -> Sheet:
    """Return the sheet without the line that is told, and not as the other fault that it was counted under."""
    (line,) = told.lines
    frame = None if sheet.frame is None else sheet.frame.filter(pl.col("line") != line)
    return replace(sheet, frame=frame, findings=(*_less(sheet.findings, line, counted), told))


def _less(findings: tuple[Finding, ...], line: int, counted: Code | None) -> Iterator[Finding]:
    for one in findings:
        if counted is None or one.code != counted.code:
            yield one
        elif one.count > 1:
            yield replace(one, count=one.count - 1, lines=tuple(at for at in one.lines if at != line))
