from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import rostergate
from rostergate import journal
from rostergate.desk.event_fields import ALWAYS, FIELDS
from rostergate.desk.events import EVENTS
from rostergate.desk.saying import _FIELD, _FORMS, said

NAMES = {name: value for name, value in vars(journal).items() if name.isupper() and isinstance(value, str)}
HOUSE = Path(rostergate.__file__).parent


def logged() -> list[tuple[str, str, set[str]]]:
    """Return every place in the source where an event is logged: where, the event, and the fields written out there."""
    found = []
    for path in sorted(HOUSE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            for argument in node.args[:2]:
                if isinstance(argument, ast.Attribute) and argument.attr in NAMES:
                    fields = {one.arg for one in node.keywords if one.arg} - {"exc_info"}
                    found.append((f"{path.relative_to(HOUSE)}:{node.lineno}", NAMES[argument.attr], fields))
    return found


def test_every_event_of_the_journal_is_described_once() -> None:
    """The list has the journal's events, all of them and no others."""
    assert sorted(EVENTS) == sorted(NAMES.values())


def test_every_event_is_logged_somewhere() -> None:
    """No event is listed that nobody would ever see."""
    source = "".join(
        path.read_text(encoding="utf-8") for path in HOUSE.rglob("*.py") if not path.name.startswith("event")
    )
    used = set(re.findall(r"(?:journal\.|\n +)([A-Z_]+)\b", source))
    assert [name for name in NAMES if name not in used] == []


def test_what_is_logged_is_what_is_listed() -> None:
    """A place in the source that logs an event gives it only fields that the list has for it."""
    places = logged()
    assert len(places) > len(EVENTS) / 2
    # The gate's own `_log` takes the size of a file and writes it as `bytes`.
    listed = {event.name: {*event.fields, "size"} for event in EVENTS.values()}
    beside = {(where, event): fields - listed.get(event, set()) for where, event, fields in places}
    assert {place: fields for place, fields in beside.items() if fields} == {}


def test_every_field_is_described_and_used() -> None:
    """What a field holds is written down once, and nothing is written down about a field that there is not."""
    used = {field for event in EVENTS.values() for field in event.fields}
    assert used == set(FIELDS)
    assert not used & set(ALWAYS)


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_words_use_the_events_own_fields(event: Any) -> None:
    """The words of an event hold its own fields alone, in forms that there are, and read well with none of them."""
    shown = _FIELD.findall(event.words)
    assert {name for name, _ in shown} <= set(event.fields)
    assert {form for _, form in shown} <= set(_FORMS)
    told = said({"event": event.name})
    assert told
    assert not set("{}[]") & set(told)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {
                "event": "upload.committed",
                "district": "lincoln",
                "file": "students.csv",
                "bytes": 1_200,
                "area": "inbox",
            },
            "lincoln: students.csv arrived whole, 1.2 KB",
        ),
        (
            {"event": "upload.refused", "district": "lincoln", "file": None, "why": "slot-used", "area": "preview"},
            "lincoln: refused: slot used (dry run)",
        ),
        (
            {"event": "set.waited", "district": "lincoln", "area": "inbox", "missing": ["a.csv", "b.csv"]},
            "lincoln: the set is not complete yet; missing: a.csv and b.csv",
        ),
        (
            {
                "event": "delivery.decided",
                "delivery": "lincoln-00017",
                "outcome": "accepted",
                "format": "direct",
                "rows": 3_120,
                "changes": {"added": 12, "updated": 0, "removed": 1},
                "schools": 2,
                "held": 1,
                "findings": {"error": 2, "alert": 0},
                "seconds": {"read": 0.1, "decide": 0.25},
            },
            (
                "lincoln-00017 was accepted as direct: 3,120 rows, 12 added and 1 removed; 2 schools, 1 on hold; "
                "found: 2 errors (0.3 s)"
            ),
        ),
        (
            {"event": "delivery.failed", "delivery": "x-1", "error": {"type": "OSError", "lines": []}},
            "x-1 could not be decided: OSError",
        ),
        (
            {"event": "service.drained", "complete": False},
            "the daemon let what was under way finish, but",
        ),
        (
            {"event": "connection.refused", "why": "banned", "times": 41},
            "a connection was turned away: banned, 41 times",
        ),
        (
            {"event": "state.purged", "deliveries": 1, "uploads": 0, "reports": 2, "mails": 0},
            "what was too old was removed; deliveries (their files): 1; reports: 2",
        ),
        ({"event": "person.erased", "district": "x", "table": None}, "x: a person was erased"),
        ({"event": "config.reloaded", "district": "x", "removed": True}, "x: its file is gone"),
        ({"event": "config.reloaded", "district": "x", "removed": False}, "x: its file was read again"),
        ({"event": "district.removed", "district": "x", "changes": 1}, "x was removed, with 1 row of the roster"),
        ({"event": "district.forgotten", "district": "x", "versions": 0}, "x is forgotten: 0 rows of history removed"),
        ({"event": "of.tomorrow", "level": "info", "depth": 3}, "of.tomorrow depth=3"),
        (
            {"event": "upload.committed", "district": "\x1b[2Jx", "file": "a\nb.csv", "bytes": "many"},
            "[2Jx: a b.csv arrived whole, many",
        ),
    ],
)
def test_an_event_in_words(fields: dict[str, Any], words: str) -> None:
    """An event is one plain sentence of what it holds; what it does not hold is not missed."""
    assert said(fields).removesuffix(" not all of it was done in time") == words
