"""The declaration of a format: which files a set has, which columns each has, and which table each column feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

if TYPE_CHECKING:
    from rostergate.core.cells import Cell
    from rostergate.core.findings import Code, Finding
    from rostergate.core.problem import Problem

SCHOOL_NAME_CHARS_MAX = 60
CLASS_NAME_CHARS_MAX = 255

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
    values: tuple[str, ...] = ()
    """The values that it may have, as the specification writes them; any when there are none."""
    values_begin: str | None = None
    """Values that begin with this, in lower case, are allowed besides."""
    void: str | None = None
    """A row with this value, in lower case, is passed over: it is as if it had not come."""


def key(name: str) -> Column:
    """Declare a column that is part of the row's key."""
    return Column(name, key=True, required=True)


def required(name: str, chars_max: int | None = None) -> Column:
    """Declare a column whose value is needed."""
    return Column(name, required=True, chars_max=chars_max)


def optional(*names: str) -> tuple[Column, ...]:
    """Declare columns that the header may lack."""
    return tuple(Column(name, optional=True) for name in names)


@dataclass(frozen=True, slots=True)
class File:
    """One file of a set."""

    name: str
    columns: tuple[Column, ...]
    optional: bool = False
    """An optional file that is absent leaves its part of the roster untouched."""
    unread: tuple[str, ...] = ()
    """Further columns that the specification has and the roster needs nothing of: they are not taken for others."""
    unused: bool = False
    """It belongs to the set, but the roster needs nothing of it: neither its columns nor its absence are a fault."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a canonical table gets its rows from: one file, and its column for each canonical column."""

    file: str
    table: str
    columns: Mapping[str, str]
    """Canonical column -> the file's column. Canonical columns that are not named stay null."""
    own: Mapping[str, str] = field(default_factory=dict)
    """For columns that `prepare` derived: canonical column -> the file's column that findings show instead."""
    sheet: str | None = None
    """The sheet of `prepare` that the rows come from, where it is not the file's own."""
    where: pl.Expr | None = field(default=None, compare=False)
    """Which of the rows count, by the file's columns; all when there is none."""
    needed: tuple[str, ...] = ()
    """Canonical columns that need a value here, although their column is not declared as required."""
    stated_by: tuple[str, ...] = ()
    """Columns of which at least one must have a value somewhere for the file to state anything about the table."""
    beside: str | None = None
    """An optional file that says which rows count: without it the table stays untouched."""
    joined: Mapping[str, str] = field(default_factory=dict)
    """Canonical column -> the optional file that `prepare` takes its values from. Without that file they stay."""
    cells: Mapping[str, Cell] = field(default_factory=dict)
    """Canonical column -> how the sheet tells where else a value stands, for findings."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell by which a file tells the format: the row whose first cell is `name` begins, in its second, with one."""

    file: str
    name: str
    value: str


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
    extension: str | None = None
    """Columns that are not declared are allowed where their name begins with this."""
    mark: Mark | None = None
    """What tells the format from one with the same columns."""
    refuse: Callable[[Sheets], Iterable[Finding]] | None = None
    """Finds what only this format can have wrong as a whole; it is shown what `prepare` is shown."""
    problems: Callable[[Sheets], Iterable[Problem]] | None = None
    """Finds, in what `prepare` returns, faults that no claim shows: by file and column, under no claimed table."""
    codes: tuple[Code, ...] = ()
    """The codes of what `refuse` and `problems` find, save for those of rules."""

    def file(self, name: str) -> File:
        """Return the declared file of that name. Raises `KeyError` when the format has none."""
        return {one.name: one for one in self.files}[name]
