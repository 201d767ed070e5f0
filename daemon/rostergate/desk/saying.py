"""The journal in words: one line of it as a person reads it, by the words that `desk.events` has for its event."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from rostergate.desk.event_fields import ALWAYS
from rostergate.desk.events import EVENTS
from rostergate.desk.words import counted, listed, number, plain, size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_OPTIONAL: Final = re.compile(r"\[([^\]]*)\]")
_FIELD: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")


def said(fields: Mapping[str, Any]) -> str:
    """Return one line of the journal in words; an event that is not known as its name and its fields."""
    event = EVENTS.get(str(fields.get("event")))
    if event is None:
        rest = [f"{name}={value}" for name, value in fields.items() if name not in ALWAYS]
        return plain(" ".join([str(fields.get("event", "")), *rest]))
    return plain(_filled(_OPTIONAL.sub(lambda part: _optional(part[1], fields), event.words), fields))


def _optional(words: str, fields: Mapping[str, Any]) -> str:
    told = all(_formed(fields.get(name), form) for name, form in _FIELD.findall(words))
    return words if told else ""


def _filled(words: str, fields: Mapping[str, Any]) -> str:
    return _FIELD.sub(lambda part: _formed(fields.get(part[1]), part[2] or ""), words)


def _formed(value: Any, form: str) -> str:  # noqa: ANN401 - a JSON value
    """Return a value as the words have it; a line of another version may hold another kind of value."""
    if value is None:
        return ""
    try:
        return _FORMS[form](value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return str(value)


def _number(value: float) -> str:
    return number(value) if value else ""


def _failure(error: Mapping[str, Any]) -> str:
    return str(error.get("reason") or error["type"])


def _changes(changes: Mapping[str, int]) -> str:
    told = [f"{number(count)} {kind}" for kind, count in changes.items() if count]
    return listed(told) if told else "no changes"


def _faults(findings: Mapping[str, int]) -> str:
    return listed([counted(count, severity.replace("-", " ")) for severity, count in findings.items() if count])


def _spent(seconds: Mapping[str, float]) -> str:
    return f"{sum(seconds.values()):.1f} s"


_FORMS: Final[Mapping[str, Callable[[Any], str]]] = {
    "": str,
    "among": lambda schools: counted(schools, "school") if schools else "",
    "changes": _changes,
    "code": lambda why: why.replace("-", " "),
    "dry": lambda area: " (dry run)" if area == "preview" else "",
    "failure": _failure,
    "faults": _faults,
    "gone": lambda removed: "is gone" if removed else "was read again",
    "listed": listed,
    "number": _number,
    "old": lambda legacy: ", with old algorithms" if legacy else "",
    "seconds": lambda seconds: counted(round(seconds), "second"),
    "size": size,
    "spent": _spent,
    "times": lambda times: f"{number(times)} times" if times > 1 else "",
    "unfinished": lambda complete: "" if complete else ", but not all of it was done in time",
    **{
        noun: partial(counted, singular=noun) for noun in ("connection", "district", "file", "finding", "row", "school")
    },
}
"""Form -> what it makes of a value; an empty text leaves out the optional part that it stands in."""
