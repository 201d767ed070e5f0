"""The roster as files: one per canonical table, in CSV, NDJSON or Parquet, written part by part.

Columns: `district`, then the table's own (`core.roster`), all text, absent values empty (CSV: nothing between the
commas, while an empty text is `""`) or null; then where the row stands with the platform (`store.states`): of schools
`platform_school`, of people `account_state` (offered, linked, claimed) and `account` (the platform's id of one that it
had before), of classes `class_state` (pending, live). Rows come district by district, in the order of their keys.

Rule 1: a file appears whole, under its name, for its owner alone (mode 0600): it holds the names of children.
Rule 2: only a part of a table is in memory, whatever its size.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

import polars as pl

from rostergate.core.roster import TABLES
from rostergate.store import history

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from rostergate.cli.progress import Told
    from rostergate.core.roster import Table
    from rostergate.store.turns import Span


class Form(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


async def write(
    tx: AsyncConnection,
    districts: Sequence[str],
    tables: Sequence[str],
    span: Span | None,
    form: Form,
    folder: Path,
    told: Told,
) -> list[Path]:
    """Write the tables of some districts, as a delivery left them or as they are; return the files.

    Makes the folder. `told` is called with the rows that are written. A file of that name is replaced. Raises
    `OSError`, and then no file is half written.
    """
    unfinished = await asyncio.to_thread(_prepared, folder)
    made = []
    rows = 0

    def counted(part: pl.DataFrame) -> None:
        nonlocal rows
        rows += part.height
        told(rows, None)

    try:
        for name in tables:
            path = unfinished / f"{name}.{form}"
            parts, columns = _parts(tx, districts, TABLES[name], span, counted), _columns(TABLES[name])
            if form is Form.PARQUET:
                await _write_parquet(parts, columns, path)
            else:
                with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    await _stream(parts, columns, form, out)
            made.append(path.replace(folder / path.name))
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return made


def _prepared(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))


async def print_table(
    tx: AsyncConnection, districts: Sequence[str], table: str, span: Span | None, form: Form, out: IO[bytes]
) -> None:
    """Write one table as CSV or NDJSON to a stream."""
    await _stream(_parts(tx, districts, TABLES[table], span), _columns(TABLES[table]), form, out)


async def _stream(parts: AsyncIterator[pl.DataFrame], columns: pl.DataFrame, form: Form, out: IO[bytes]) -> None:
    """Write parts of a table as CSV, with a header, or as NDJSON."""
    if form is Form.CSV:
        out.write(columns.write_csv().encode())
    async for part in parts:
        text = part.write_csv(include_header=False) if form is Form.CSV else part.write_ndjson()
        await asyncio.to_thread(out.write, text.encode())


async def _parts(
    tx: AsyncConnection,
    districts: Sequence[str],
    table: Table,
    span: Span | None,
    seen: Callable[[pl.DataFrame], None] = lambda _part: None,
) -> AsyncIterator[pl.DataFrame]:
    for district in districts:
        async for part in history.rows(tx, district, table, span):
            seen(part)
            yield part.select(pl.lit(district).alias("district"), pl.all())


async def _write_parquet(parts: AsyncIterator[pl.DataFrame], columns: pl.DataFrame, path: Path) -> None:
    """Write the parts side by side, then let polars join them without having them all in memory."""
    folder = path.with_suffix(".parts")
    folder.mkdir(mode=0o700)
    await asyncio.to_thread(columns.write_parquet, folder / "00000000.parquet")
    place = 0
    async for part in parts:
        place += 1
        await asyncio.to_thread(part.write_parquet, folder / f"{place:08d}.parquet")
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    await asyncio.to_thread(lambda: pl.scan_parquet(folder / "*.parquet").sink_parquet(path))
    await asyncio.to_thread(shutil.rmtree, folder)


def _columns(table: Table) -> pl.DataFrame:
    """Return an export's columns, without rows."""
    return pl.DataFrame(schema=dict.fromkeys(("district", *history.columns(table)), pl.String()))
