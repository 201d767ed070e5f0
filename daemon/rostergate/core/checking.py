"""Checking: from claims and the rules to what can be used, what cannot, and the findings that say why.

Rule 1: an error leaves out the whole row of the file; an alert leaves it in, at most without the cell concerned.
Rule 2: what hangs on a row that is left out cannot be used either, and is not reported a second time.
Rule 3: a cell is reported once. What was found in its value comes before what the rules say about it.
Rule 4: alerts come last, on what is left, so that they speak of what will be made; what the rows that are left out
explain is no alert.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

import polars as pl

from rostergate.core.cells import located
from rostergate.core.findings import LINES_MAX, Code, Finding, Severity, finding, in_order
from rostergate.core.problem import Effect, Problem
from rostergate.core.references import REFERENCES, strays
from rostergate.core.roster import TABLES
from rostergate.core.rows import unmet
from rostergate.core.rule import Rule, Stage
from rostergate.core.seats import outside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rostergate.core.claims import Claims

_CASCADE = (
    "schools",
    "teacher_schools",
    "teachers",
    "student_schools",
    "students",
    "guardianships",
    "guardians",
    "classes",
    "class_teachers",
    "enrollments",
)
"""The order in which tables lose what hangs on lost rows: what is referred to comes first.
People come after their ties, because a person without any usable tie cannot be used."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The claims of one delivery, told apart, and what was found on the way."""

    usable: Claims
    """What can be used: cells that make no sense are null, every reference is met, every person has a tie."""
    unusable: dict[str, pl.DataFrame]
    """By claimed table: the rows left out, and those that hang on them."""
    findings: tuple[Finding, ...]
    """Errors and alerts, in the order of `findings.in_order`."""


def check(claims: Claims, problems: Iterable[Problem], rules: Iterable[Rule]) -> Checked:
    """Apply the problems already known and those that the rules find.

    `problems` come from the declaration and the values (layout, values); `claims` have their values normalised. Rules
    of stage `CLAIMED` see every claim, without the cells that `problems` blank. Rules of stage `USABLE` see what is
    left: first those that may leave out or blank more, until nothing more goes, then the alerts.
    """
    given = tuple(problems)
    rules = tuple(rules)
    shown = _blanked(claims, given)
    found = _said(shown, _of(rules, Stage.CLAIMED, *Severity), given)
    sieve = _Sieve(_blanked(shown, found))
    sieve.leave_out([*given, *found])
    errors = _of(rules, Stage.USABLE, Severity.ERROR)
    while late := _said(sieve.with_lost(), errors, given):
        found += late
        sieve.blank(late)
        if not sieve.leave_out(late):
            break
    late = _said(sieve.with_lost(), _of(rules, Stage.USABLE, Severity.ALERT), given)
    return Checked(_blanked(sieve.usable, late), sieve.unusable(), _findings(claims, [*given, *found, *late]))


def _of(rules: Iterable[Rule], stage: Stage, *severities: Severity) -> list[Rule]:
    return [rule for rule in rules if rule.stage is stage and rule.code.severity in severities]


def _said(claims: Claims, rules: Iterable[Rule], given: Iterable[Problem]) -> list[Problem]:
    """Return what the rules find in the claims, save for cells that `given` already speaks of."""
    told: dict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
    for problem in given:
        if problem.column and not problem.rows.is_empty():
            told[problem.table, problem.column].append(problem.rows)
    found = []
    for problem in chain.from_iterable(rule.check(claims) for rule in rules):
        rows = problem.rows
        for before in told.get((problem.table, problem.column or ""), ()):
            rows = rows.filter(~_among(before))
        if not rows.is_empty():
            found.append(replace(problem, rows=rows))
    return found


def _blanked(claims: Claims, problems: Iterable[Problem]) -> Claims:
    tables = dict(claims.tables)
    for problem in problems:
        if problem.effect is Effect.BLANK and problem.column and not problem.rows.is_empty():
            kept = pl.when(~_among(problem.rows)).then(pl.col(problem.column))
            tables[problem.table] = tables[problem.table].with_columns(kept)
    return replace(claims, tables=tables)


def _among(rows: pl.DataFrame) -> pl.Expr:
    """Build the condition that a row's file and line are among `rows`."""
    return pl.any_horizontal(
        pl.lit(value=False),
        *((pl.col("file") == file) & pl.col("line").is_in(lines.implode()) for file, lines in _by_file(rows)),
    )


def _by_file(rows: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
    for (file,), part in rows.partition_by("file", as_dict=True, maintain_order=True).items():
        yield str(file), part["line"].unique()


@dataclass(slots=True)
class _Sieve:
    """Claims that lose what cannot be used, table by table; what is lost is kept aside."""

    usable: Claims
    lost: dict[str, list[pl.DataFrame]] = field(default_factory=lambda: defaultdict(list))
    loose: set[str] = field(default_factory=lambda: set(TABLES))
    """Tables that have lost rows since what hangs on them was last looked at; at first any may lack a reference."""

    def leave_out(self, problems: Iterable[Problem]) -> bool:
        """Drop the rows that the problems leave out, and what hangs on them. Return whether any row went."""
        before = sum(map(len, self.usable.tables.values()))
        rows = [problem.rows.select("file", "line") for problem in problems if problem.effect is Effect.LEAVE_OUT]
        if any(map(len, rows)):
            out = _among(pl.concat(rows))
            for table, frame in self.usable.tables.items():
                gone = frame.filter(out)
                if len(gone):
                    self._part(table, frame.filter(~out), gone)
        self._cascade()
        return sum(map(len, self.usable.tables.values())) < before

    def blank(self, problems: Iterable[Problem]) -> None:
        """Empty the cells that the problems blank in what is left."""
        self.usable = _blanked(self.usable, problems)

    def with_lost(self) -> Claims:
        """Return what is left, with what is lost beside it."""
        return replace(self.usable, lost={table: pl.concat(parts) for table, parts in self.lost.items()})

    def unusable(self) -> dict[str, pl.DataFrame]:
        """Return the lost rows by table."""
        return {table: pl.concat([frame.clear(), *self.lost[table]]) for table, frame in self.usable.tables.items()}

    def _cascade(self) -> None:
        for table in _CASCADE:
            for one in REFERENCES:
                if one.table == table and one.needed and one.to in self.loose and len(strays(self.usable, one)):
                    self._meet(table, one.to, on=[one.column])
            for tie in TABLES[table].tied_by:
                if tie in self.loose:
                    self._meet(table, tie, on=list(TABLES[table].key))
        if self.loose & {"classes", "student_schools"}:
            self._seat()
        self.loose = set()

    def _meet(self, table: str, other: str, on: list[str]) -> None:
        """Keep the rows of a table that meet a row of another one."""
        frame, others = self.usable.tables[table], self.usable.tables[other]
        if len(unmet(frame, others, on)):
            others = others.select(on)
            kept = frame.join(others, on=on, how="semi", maintain_order="left")
            self._part(table, kept, frame.join(others, on=on, how="anti", maintain_order="left"))

    def _seat(self) -> None:
        """Keep the enrollments whose student is tied to the school of the class."""
        strangers = outside(self.usable)
        if len(strangers):
            on, frame = ["class_id", "student_id"], self.usable.tables["enrollments"]
            kept = frame.join(strangers, on=on, how="anti", maintain_order="left")
            self._part("enrollments", kept, frame.join(strangers, on=on, how="semi", maintain_order="left"))

    def _part(self, table: str, kept: pl.DataFrame, lost: pl.DataFrame) -> None:
        self.usable = replace(self.usable, tables=self.usable.tables | {table: kept}, seen={})
        self.lost[table].append(lost)
        self.loose.add(table)


def _findings(claims: Claims, problems: Iterable[Problem]) -> tuple[Finding, ...]:
    """Group problems by code, what is said of them and where their cells stand; a line counts once."""
    lines: dict[tuple[Code, str | None, str | None, str, str | None], list[pl.Series]] = defaultdict(list)
    for problem in problems:
        for file, column, concerned in located(claims, problem.table, problem.column, problem.rows):
            lines[problem.code, problem.message, problem.next_step, file, column].append(concerned)
    return in_order(_grouped(*what, parts) for what, parts in lines.items())


def _grouped(
    code: Code, message: str | None, next_step: str | None, file: str, column: str | None, parts: Iterable[pl.Series]
) -> Finding:
    # The first lines are enough to build the finding: a million row numbers need not become Python integers.
    concerned = pl.concat(parts).unique().sort()
    first = concerned.head(LINES_MAX).to_list()
    grouped = finding(code, file=file, column=column, lines=first, message=message, next_step=next_step)
    return replace(grouped, count=len(concerned))
