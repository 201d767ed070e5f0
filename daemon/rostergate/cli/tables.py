"""Tables that an operator loads: a CSV file with a header, read whole or refused with the line that is wrong."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from rostergate.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS_MAX: Final = 10_000_000
CELL_CHARACTERS_MAX: Final = 255


def rows(path: Path, *, needed: frozenset[str], known: frozenset[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Give each row as its line number and its cells by column, without outer white space; blank lines are skipped.

    UTF-8, with or without a byte-order mark; header names in any case. Raises `Refused` with file, line and the next
    step: a column that is needed and missing, one that is not known or there twice, a row of another width, a cell that
    is too long, a file that is no UTF-8.
    """
    line = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(reader, [])]
            _check_header(path, header, needed, known)
            for count, cells in enumerate(reader, 1):
                if not any(map(str.strip, cells)):
                    continue
                line = reader.line_num
                where = f"{path}, line {line}"
                if len(cells) != len(header):
                    raise Refused(f"{where}: the row has {len(cells)} cells, the header {len(header)}; correct the row")
                if count > ROWS_MAX:
                    raise Refused(f"{where}: more than {ROWS_MAX} rows; split the file by district")
                if any(len(cell) > CELL_CHARACTERS_MAX for cell in cells):
                    raise Refused(f"{where}: a cell is longer than {CELL_CHARACTERS_MAX} characters; shorten it")
                yield line, dict(zip(header, map(str.strip, cells), strict=True))
    except UnicodeDecodeError:
        raise Refused(f"{path} is not UTF-8; save it as CSV in UTF-8") from None
    except csv.Error as error:
        raise Refused(f"{path}, after line {line}: {error}; save it as CSV again") from None


def _check_header(path: Path, header: list[str], needed: frozenset[str], known: frozenset[str]) -> None:
    if missing := sorted(needed - set(header)):
        raise Refused(
            f"{path}, line 1: the header lacks {', '.join(missing)}; known columns: {', '.join(sorted(known))}"
        )
    if foreign := sorted(set(header) - known):
        raise Refused(f"{path}, line 1: unknown column {', '.join(foreign)}; known columns: {', '.join(sorted(known))}")
    if len(set(header)) < len(header):
        raise Refused(f"{path}, line 1: a column is there twice; take one away")
