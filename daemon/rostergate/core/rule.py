"""Rules: what each of them is. Every module of `rules/` has one; it looks at claims and answers with problems."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rostergate.core.claims import Claims
    from rostergate.core.findings import Code
    from rostergate.core.problem import Problem


class Stage(StrEnum):
    """What a rule is shown."""

    CLAIMED = "claimed"  # every claim, as read
    USABLE = "usable"  # what is left when the rows that make nothing, and what hangs on them, are gone


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its code and the check. The module's docstring says why the rule exists."""

    code: Code
    stage: Stage
    check: Callable[[Claims], Iterable[Problem]]
