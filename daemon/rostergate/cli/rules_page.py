"""The page of all rules, `daemon/RULES.md`: what is found, why it is looked for, and what to do about it.

It is generated from the codes and the docstrings of the modules that declare them, so that it says what the code does.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from rostergate.core import catalogue
from rostergate.core.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rostergate.core.findings import Code

_OPENING = """\
# Rules

What rostergate looks for in a delivery, and what to do about it. Generated from the code by
`rostergate rules --markdown`; do not edit it by hand.

A *finding* names the code below, the file, its lines and the column. A *hold* concerns no row: a school's changes as a
whole are unusual and wait for a person."""

_SECTIONS = {
    Severity.FORMAT_ERROR: (
        "Format errors",
        "The whole delivery is refused until these are corrected. It does not use up the day's upload.",
    ),
    Severity.ERROR: (
        "Errors",
        "A row with an error is left out, unless its rule says otherwise. What the roster has of a row left out stays.",
    ),
    Severity.ALERT: ("Alerts", "The row is used, but something about it is incomplete."),
}
_HOLDS = (
    "Holds",
    "The other schools go on. A person looks at the school's changes, and releases or discards them.",
)
_ABOUT_HOLD = (
    "Compare the numbers with what you know of the school. If they are right, have the changes released; if not, "
    "correct the export and upload all files again."
)


def page() -> str:
    """Return the page as Markdown: codes by severity, then holds, each part in the order of the codes."""
    # The first paragraph beside a rule says again what its title says.
    whys = {code: _reason(rule.check)[1:] for code, rule in catalogue.rules().items()}
    parts = [_OPENING]
    for severity, (title, meaning) in _SECTIONS.items():
        parts += _headed(title, meaning)
        parts += [_described(one, whys.get(one.code, ())) for one in _of(severity)]
    parts += _headed(*_HOLDS)
    for code, hold in sorted(catalogue.holds().items()):
        parts.append(_entry(code, hold.title, [*_reason(hold.check), hold.likely_cause], _ABOUT_HOLD))
    return "\n\n".join(parts) + "\n"


def _of(severity: Severity) -> list[Code]:
    return sorted((one for one in catalogue.codes().values() if one.severity is severity), key=lambda one: one.code)


def _headed(title: str, meaning: str) -> tuple[str, str]:
    return f"## {title}", meaning


def _described(code: Code, why: Iterable[str]) -> str:
    return _entry(code.code, code.title, why, code.next_step)


def _entry(code: str, title: str, why: Iterable[str], next_step: str) -> str:
    text = "\n\n".join([f"### `{code}`", f"**{title}**", *why, f"*What to do:* {next_step}"])
    return text.replace("\\", "\\\\")


def _reason(check: Callable[..., object]) -> list[str]:
    """Return the paragraphs of the docstring beside a check, without the name that it begins with."""
    module = inspect.getmodule(check)
    paragraphs = (inspect.getdoc(module) or "").split("\n\n")
    first, *others = (" ".join(one.split()) for one in paragraphs)
    reason = first.partition(": ")[2] or first
    return [reason[:1].upper() + reason[1:], *others]
