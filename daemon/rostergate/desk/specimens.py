"""Specimens: a letter of every kind about an invented district, to try templates with and to look at.

Rule: nothing of a real district is needed, so a template can be tried before anything has happened.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from rostergate.config.wording import did_you_mean
from rostergate.core.delivery import State
from rostergate.core.notices import TO_OPERATORS, Kind
from rostergate.core.plan_state import State as PlanState
from rostergate.core.roster import TABLES
from rostergate.core.verdict import Outcome
from rostergate.desk.letters import Letter, Occasion, broken, letter, written
from rostergate.desk.story import Story

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME: Final = "Example Unified"
_SLUG: Final = "example"
_PLAN: Final = "3f2a9c117b20"
_CODE: Final = "0000-00W0-0000-0000-0000-0000-0000-0000"
_ZONE: Final = ZoneInfo("America/Chicago")
_AT: Final = datetime(2026, 9, 1, 13, 12, tzinfo=UTC)

HOLD: Final = {
    "code": "too-many-removals",
    "message": (
        "The school would lose 412 of 800 students (51.5 %). The limit is 20 % of a table, from 25 rows on."
        " Most often the export was cut off or filtered, or was taken from another school year."
    ),
    "table": "students",
    "removed": 412,
    "of": 800,
    "percent": 51.5,
    "percent_max": 20.0,
    "rows_min": 25,
}
"""A school that would lose too much, as a verdict publishes it."""

_FACTS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    Kind.ACCESS: {"fingerprints": ["ssh-ed25519 SHA256:uNiVztksCsDhcc0u9e8BrrXTEBnw4UQ1rkc3cSCW2RU"]},
    Kind.OVERDUE: {"missing": ["classes.csv", "enrollments.csv"]},
    Kind.MIXED: {"old": ["students.csv"]},
    Kind.LATE: {"by": "21:00", "begun": False},
    Kind.SILENT: {"days": 4},
    Kind.FORGOTTEN: {"days": 90},
    Kind.UNMATCHED: {"schools": 2},
    Kind.DISK: {"free_bytes": 1_200_000_000, "bytes": 80_000_000_000},
    Kind.DEAD: {"count": 3},
}
_INSTEAD: Final = "the house's own words are sent instead"
_ABOUT_NO_DISTRICT: Final = frozenset({Kind.DISK, Kind.DEAD})
_NOT_DECIDED: Final[Mapping[Kind, State]] = {Kind.RECEIVED: State.SEALED, Kind.FAILED: State.FAILED}
_ABOUT_A_DELIVERY: Final = frozenset(Kind) - _ABOUT_NO_DISTRICT - (_FACTS.keys() - {Kind.UNMATCHED})


def occasion(kind: Kind, *, to_operator: bool = False) -> Occasion:
    """Return an occasion of a kind, invented from end to end."""
    told = Occasion(
        kind=kind,
        host="sftp.example.org",
        port=2222,
        contact="help@example.org",
        facts=_FACTS.get(kind, {}),
        to_operator=to_operator,
    )
    if kind in _ABOUT_NO_DISTRICT:
        return told
    held = kind is Kind.HELD
    return Occasion(
        **{
            **vars(told),
            "name": NAME,
            "username": _SLUG,
            "zone": _ZONE,
            "story": _story(kind) if kind in _ABOUT_A_DELIVERY else None,
            "error": "the database was locked" if kind is Kind.FAILED else "",
            "codes": {_PLAN: _CODE} if held else {},
            "codes_expire_at": _AT + timedelta(hours=72) if held else None,
        }
    )


def specimen(kind: Kind, own_templates: Path | None = None) -> Letter:
    """Return the letter of a kind, in the operator's own words where `own_templates` has them."""
    return letter(occasion(kind, to_operator=kind in TO_OPERATORS), own_templates)


def faults(own_templates: Path) -> list[str]:
    """Return what is wrong with the operator's own templates, a sentence each; nothing where there are none."""
    try:
        names = sorted(path.name for path in own_templates.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"{own_templates}: cannot be read: {error.strerror or error}; {_INSTEAD}"]
    known = [f"{kind}.{form}.j2" for kind in Kind for form in ("txt", "html")]
    found = [
        f"{own_templates / name}: no mail has a template of this name{did_you_mean(name, known)}"
        for name in names
        if not name.startswith("_") and name not in known
    ]
    found += [
        f"{own_templates}: {why}; {_INSTEAD}"
        for kind in (Kind if names else ())
        for to_operator in (False, True)
        if (why := _fault(kind, own_templates, to_operator=to_operator))
    ]
    return list(dict.fromkeys(found))


def _fault(kind: Kind, own_templates: Path, *, to_operator: bool) -> str | None:
    try:
        written(occasion(kind, to_operator=to_operator), own_templates)
    except Exception as error:  # noqa: BLE001 - a template is a program: it may raise anything
        return f"{broken(error)}: {error}"  # nothing but invented values can be in it
    return None


def _story(kind: Kind) -> Story:
    undecided = _NOT_DECIDED.get(kind)
    state = undecided or {
        Kind.REFUSED: State.REJECTED,
        Kind.HELD: State.PLANNED,
        Kind.UNMATCHED: State.PLANNED,
    }.get(kind, State.SETTLED)
    return Story(
        district=_SLUG,
        name=NAME,
        zone=_ZONE,
        delivery=f"{_SLUG}-00017",
        state=state.value,
        verdict=_verdict(kind) | ({"verdict": None} if undecided else {}),
        received_at=_AT,
        decided_at=None if undecided else _AT,
        next_opening=None if kind is Kind.REFUSED else datetime(2026, 9, 2, 5, tzinfo=UTC),
    )


def _verdict(kind: Kind) -> dict[str, Any]:
    refused = kind is Kind.REFUSED
    schools = [] if refused else [_school("100", "Lincoln Elementary", _STATES.get(kind, PlanState.APPLIED), kind)]
    if kind is Kind.CLOSED:
        schools[0] |= {"holds": [HOLD], "closed_by": "Jo Operator", "reason": "Confirmed by phone"}
    return {
        "format": "direct",
        "verdict": (Outcome.REJECTED if refused else Outcome.ACCEPTED).value,
        "files": [{"name": "students.csv", "rows": 3120, "bytes": 402_113, "sha256": "ab" * 32}],
        "findings": [_finding("format-error")] if refused else [_finding("error")] if kind is Kind.FAULTS else [],
        "schools": schools,
        "totals": {} if refused else {table: {**schools[0]["changes"][table], "unchanged": 800} for table in TABLES},
    }


_STATES: Final = {Kind.HELD: PlanState.HELD, Kind.UNMATCHED: PlanState.UNMATCHED}


def _school(school_id: str, name: str, state: PlanState, kind: Kind) -> dict[str, Any]:
    none = dict.fromkeys(("added", "updated", "removed"), 0)
    some = none if kind is Kind.FAULTS else {"added": 12, "updated": 3, "removed": 412 if kind is Kind.HELD else 1}
    return {
        "school_id": school_id,
        "name": name,
        "state": state.value,
        "plan": _PLAN,
        "holds": [HOLD] if state is PlanState.HELD else [],
        "changes": {table: some if table == "students" else none for table in TABLES},
    }


def _finding(severity: str) -> dict[str, Any]:
    return {
        "code": "wrong-column-count",
        "severity": severity,
        "file": "students.csv",
        "column": None,
        "count": 1,
        "lines": [1042],
        "message": "The row has 7 cells, the header 8.",
        "next_step": "Look for a comma inside a value that stands in no quotation marks.",
    }
