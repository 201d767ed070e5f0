"""What can be wrong in the data: severities, codes, and the findings that reports show.

Rule 1: a code is stable. Districts write rules on it; renaming one is a breaking change.
Rule 2: the count of a finding is exact; only its list of lines is capped.
Rule 3: neither a message nor a next step ever holds the value of a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINES_MAX = 20
"""Lines kept per finding: enough to find the fault, few enough to read."""


class Severity(StrEnum):
    """How far a finding reaches."""

    FORMAT_ERROR = "format-error"  # refuses the whole delivery
    ERROR = "error"  # an account or class cannot be made; that row is left out
    ALERT = "alert"  # made, but incomplete


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of fault: what it is called, how far it reaches and what the district does about it."""

    code: str
    severity: Severity
    title: str
    """One sentence that states the fault, in words for someone who runs an SIS export."""
    next_step: str
    """What to do about it, in the same words."""


@dataclass(frozen=True, slots=True)
class Finding:
    """All faults of one code, and of one cause where those are told apart, in one column of one file."""

    code: str
    severity: Severity
    file: str | None
    column: str | None
    """The column as the file's own header names it."""
    count: int
    lines: tuple[int, ...]
    """The first lines concerned, ascending: physical lines, 1 is the header. Empty when the whole file is meant."""
    message: str
    next_step: str


_ORDER = {severity: place for place, severity in enumerate(Severity)}


def finding(
    code: Code,
    *,
    file: str | None,
    column: str | None = None,
    lines: Iterable[int] = (),
    message: str | None = None,
    next_step: str | None = None,
) -> Finding:
    """Group the given lines into one finding: their exact count, and the first `LINES_MAX` of them.

    The message is the code's title, and the next step the code's, unless others are given.
    """
    concerned = sorted(lines)
    return Finding(
        code=code.code,
        severity=code.severity,
        file=file,
        column=column,
        count=max(1, len(concerned)),
        lines=tuple(concerned[:LINES_MAX]),
        message=message or code.title,
        next_step=next_step or code.next_step,
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings as people should read them: gravest first, then by file, first line, column and code."""
    return tuple(
        sorted(
            findings,
            key=lambda one: (_ORDER[one.severity], one.file or "", one.lines[:1], one.column or "", one.code),
        )
    )


def refuses(findings: Sequence[Finding]) -> bool:
    """Tell whether any finding refuses the whole delivery."""
    return any(one.severity is Severity.FORMAT_ERROR for one in findings)
