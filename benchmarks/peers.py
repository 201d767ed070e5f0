"""What the pipeline is compared with: floors that only read, and the whole road as it is usually written.

Every case takes yesterday's folder of files, today's, and the SQLite file that yesterday went into.

Rule 1: a floor does less than anything that could check a delivery: it hashes, or reads and forgets.
Rule 2: a peer is written as its users write it, with what its documentation recommends, and does what can be done so:
`pandas` reads, checks ids, references, e-mail addresses and phone numbers, compares with yesterday and writes what
differs. It names no line, holds nothing back and keeps no history.
"""

from __future__ import annotations

import csv
import hashlib
import sqlite3
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Final

import duckdb
import pandas as pd
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEYS: Final = {
    "schools": ["school_id"],
    "teachers": ["teacher_id", "school_id"],
    "students": ["student_id", "school_id"],
    "guardians": ["guardian_id", "student_id"],
    "classes": ["class_id", "teacher_id"],
    "enrollments": ["class_id", "student_id"],
}
"""Table, which is the file's name without its ending, and what tells its rows apart."""
_REFERENCES: Final = (
    ("teachers", "school_id", "schools"),
    ("students", "school_id", "schools"),
    ("guardians", "student_id", "students"),
    ("classes", "school_id", "schools"),
    ("classes", "teacher_id", "teachers"),
    ("enrollments", "class_id", "classes"),
    ("enrollments", "student_id", "students"),
)
_ROWS_AT_ONCE: Final = 10_000
_EMAIL: Final = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_PHONE: Final = r"\+?1?[ .-]*\(?[2-9]\d{2}\)?[ .-]*[2-9]\d{2}[ .-]*\d{4}"


def sha256(_before: Path, today: Path, _database: Path) -> None:
    """Hash the files."""
    for path in today.glob("*.csv"):
        hashlib.sha256(path.read_bytes()).hexdigest()


def polars_reading(_before: Path, today: Path, _database: Path) -> None:
    """Read the files with polars, every cell as text."""
    for path in today.glob("*.csv"):
        pl.read_csv(path, infer_schema=False)


def duckdb_reading(_before: Path, today: Path, _database: Path) -> None:
    """Read the files into DuckDB's memory, every cell as text."""
    with duckdb.connect() as connection:
        for path in today.glob("*.csv"):
            source = f"read_csv('{path}', all_varchar = true, header = true)"
            connection.execute(f"CREATE TABLE {path.stem} AS SELECT * FROM {source}")


def csv_into_sqlite(_before: Path, today: Path, database: Path) -> None:
    """Read the files with the standard library and insert every row into empty tables."""
    with closing(sqlite3.connect(database.with_suffix(".new"))) as connection, connection:
        for path in today.glob("*.csv"):
            with path.open(newline="", encoding="utf-8") as file:
                rows = csv.reader(file)
                header = next(rows)
                connection.execute(f"CREATE TABLE {path.stem} ({', '.join(header)})")
                insert = f"INSERT INTO {path.stem} VALUES ({', '.join('?' * len(header))})"
                while some := list(islice(rows, _ROWS_AT_ONCE)):
                    connection.executemany(insert, some)


def pandas_road(before: Path, today: Path, database: Path) -> None:
    """Read, check, compare with yesterday's files and write what differs to SQLite."""
    new, old = _read(today), _read(before)
    for table, reasons in _faults(new).items():
        new[table] = new[table][~pd.concat(reasons, axis=1).any(axis=1)]
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, key in KEYS.items():
            both = old[table].merge(new[table], how="outer", indicator=True)
            gone = both[both["_merge"] == "left_only"]
            come = both[both["_merge"] == "right_only"].drop(columns="_merge")
            where = " AND ".join(f"{column} = ?" for column in key)
            connection.executemany(f"DELETE FROM {table} WHERE {where}", gone[key].itertuples(index=False, name=None))
            come.to_sql(table, connection, if_exists="append", index=False)


def prepare(yesterday: Path, database: Path) -> None:
    """Write yesterday's files into the database that `pandas_road` brings up to date, with an index per key."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, frame in _read(yesterday).items():
            frame.to_sql(table, connection, index=False)
            connection.execute(f"CREATE INDEX ix_{table} ON {table} ({', '.join(KEYS[table])})")


def _read(folder: Path) -> dict[str, pd.DataFrame]:
    return {table: pd.read_csv(folder / f"{table}.csv", dtype=str) for table in KEYS}


def _faults(new: dict[str, pd.DataFrame]) -> dict[str, list[pd.Series[bool]]]:
    """Return, for each table, which rows have which fault."""
    found: dict[str, list[pd.Series[bool]]] = {table: [] for table in KEYS}
    for table, reason in _each_fault(new):
        found[table].append(reason)
    return found


def _each_fault(new: dict[str, pd.DataFrame]) -> Iterator[tuple[str, pd.Series[bool]]]:
    for table, key in KEYS.items():
        yield table, new[table].duplicated(key)
        yield table, new[table][key].isna().any(axis=1)
    for table, column, to in _REFERENCES:
        yield table, ~new[table][column].isin(new[to][column])
    for table in ("teachers", "students", "guardians"):
        for column, shape in (("email", _EMAIL), ("phone", _PHONE)):
            cells = new[table][column]
            yield table, cells.notna() & ~cells.fillna("").str.fullmatch(shape)


CASES: Final[dict[str, Callable[[Path, Path, Path], None]]] = {
    "sha256": sha256,
    "reading": polars_reading,
    "duckdb": duckdb_reading,
    "sqlite": csv_into_sqlite,
    "pandas": pandas_road,
}
"""By the name in the table: `reading` is polars merely reading, and so on."""
