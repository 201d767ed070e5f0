"""The stories that the desk's tests tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from rostergate.core.delivery import State
from rostergate.core.roster import TABLES
from rostergate.desk.specimens import HOLD
from rostergate.desk.story import Change, Story
from rostergate.store.past import Past

CHICAGO = ZoneInfo("America/Chicago")
RECEIVED = datetime(2026, 9, 1, 13, 12, tzinfo=UTC)
TOMORROW = datetime(2026, 9, 2, 5, 0, tzinfo=UTC)
TOMORROW_TOLD = "Wed 2 Sep 2026, 00:00 CDT (America/Chicago)"


def a_past(number: int, state: State = State.SETTLED, rows: int | None = 3_120, **rest: Any) -> Past:
    """Return a delivery of some days before `RECEIVED`, as the store remembers it."""
    usual: dict[str, Any] = {"changes": None if rows is None else 100, "faults": 0}
    received = RECEIVED - timedelta(days=17 - number)
    return Past(f"lincoln-{number:05d}", received, state, rows, **{**usual, **rest})


HISTORY = (
    *(a_past(number, rows=3_090 + 6 * number, changes=3 * number) for number in range(8, 13)),
    a_past(13, State.REJECTED, None, faults=1),
    a_past(14, rows=3_150),
    a_past(15, State.SUPERSEDED, 2_400),
    a_past(16, rows=3_161, faults=118),
    a_past(17),
)

Shape = dict[str, Any]
Tell = Callable[..., Story]


def a_finding(code: str, severity: str, **rest: Any) -> Shape:
    """Return a finding as a verdict publishes it."""
    usual = {"file": "students.csv", "column": None, "count": 1, "lines": [7]}
    words = {"message": f"Fault {code}.", "next_step": f"Correct {code}."}
    return {"code": code, "severity": severity, **usual, **words, **rest}


RAGGED = a_finding("wrong-column-count", "format-error", lines=[1042], message="The row has 7 cells, the header 8.")


def a_school(school_id: str, name: str, state: str, **rest: Any) -> Shape:
    """Return a school as the store loads it; changed tables are named as `students=(added, updated, removed)`."""
    counts = {table: dict.fromkeys(("added", "updated", "removed"), 0) for table in TABLES}
    for table in TABLES.keys() & rest.keys():
        counts[table] = dict(zip(("added", "updated", "removed"), rest.pop(table), strict=True))
    usual = {"holds": [], "plan": "3f2a9c117b20", "closed_by": None, "reason": None}
    return {"school_id": school_id, "name": name, "state": state, "changes": counts, **usual, **rest}


def a_verdict(*schools: Shape, verdict: str = "accepted", findings: tuple[Shape, ...] = (), **totals: int) -> Shape:
    """Return a verdict; its totals are the sums over its schools."""
    tables = {
        table: {kind: sum(one["changes"][table][kind] for one in schools) for kind in ("added", "updated", "removed")}
        for table in TABLES
    }
    return {
        "format": "direct",
        "verdict": verdict,
        "files": [{"name": "students.csv", "rows": 3120, "bytes": 402_113, "sha256": "ab" * 32}],
        "findings": list(findings),
        "schools": list(schools),
        "totals": {name: {**counts, "unchanged": totals.get(name, 0)} for name, counts in tables.items()}
        if verdict == "accepted"
        else {},
    }


@pytest.fixture
def tell() -> Tell:
    """Return a maker of stories: a verdict, and whatever differs from an ordinary settled delivery."""

    def make(verdict: Shape | None, **rest: Any) -> Story:
        usual: Shape = {
            "district": "lincoln",
            "name": "Lincoln Unified",
            "zone": CHICAGO,
            "delivery": "lincoln-00017",
            "state": "settled",
            "received_at": RECEIVED,
            "decided_at": RECEIVED,
            "day": date(2026, 9, 1),
            "next_opening": TOMORROW,
            "history": HISTORY,
        }
        return Story(verdict=verdict, **{**usual, **rest})

    return make


@pytest.fixture
def stories(tell: Tell) -> dict[str, Story]:
    """Return one story of every kind, by name."""
    lincoln = a_school("100", "Lincoln Elementary", "applied", students=(12, 3, 1), enrollments=(80, 0, 4))
    adams = a_school("400", "Adams", "applied")
    held = a_school("200", "Jefferson High", "held", students=(2, 14, 412), holds=[HOLD])
    released = {**held, "state": "applied", "closed_by": "Jo Operator", "reason": "Confirmed by phone"}
    discarded = {**held, "state": "discarded", "closed_by": "Jo Operator", "reason": "Export was cut off"}
    replaced = {**held, "state": "superseded"}
    free = {**lincoln, "state": "clear", "plan": None}
    error = a_finding("teacher-email-missing", "error", file="teachers.csv", column="email", count=2, lines=[14, 88])
    alert = a_finding("student-unreachable", "alert", count=118, lines=list(range(3, 23)))
    no_verdict: Shape = {"verdict": None, "next_opening": None}
    return {
        "changed": tell(a_verdict(lincoln, adams, students=800)),
        "same": tell(a_verdict(adams)),
        "faulty": tell(a_verdict(lincoln, adams, findings=(error, alert))),
        "rejected": tell(a_verdict(verdict="rejected", findings=(RAGGED,)), state="rejected", next_opening=None),
        "held": tell(a_verdict(lincoln, held, adams), state="planned"),
        "all held": tell(a_verdict(held), state="planned"),
        "released": tell(a_verdict(lincoln, released, adams)),
        "discarded": tell(a_verdict(lincoln, discarded, adams)),
        "unmatched": tell(
            a_verdict(lincoln, a_school("9", "New Hope", "unmatched", schools=(1, 0, 0))), state="planned"
        ),
        "superseded": tell(a_verdict(lincoln, replaced), state="superseded", replaced_by="lincoln-00018"),
        "superseded by an undo": tell(
            a_verdict(lincoln, replaced), state="superseded", replaced_by="lincoln-00018", replaced_by_undo=True
        ),
        "ended by an erasure": tell(a_verdict(lincoln, replaced), state="superseded"),
        "preview": tell(
            a_verdict(free, {**held, "plan": None}, findings=(error,)), delivery=None, state=None, next_opening=None
        ),
        "refused preview": tell(a_verdict(verdict="rejected", findings=(RAGGED,)), delivery=None, state=None),
        "incomplete": tell(
            a_verdict(verdict="incomplete", findings=(a_finding("missing-file", "format-error", lines=[]),)),
            delivery=None,
            state=None,
        ),
        "failed": tell(**no_verdict, state="failed"),
        "sealed": tell(**no_verdict, state="sealed", decided_at=None),
    }


@pytest.fixture
def a_person() -> list[Change]:
    """Return changes that hold a person whose name and contacts nobody may read in a report."""
    row = {
        "student_id": ["s-1", "s-2", "s-3"],
        "first_name": ["Canaria", "Canaria", "Canaria"],
        "last_name": ["Yellowbird", "Yellowbird", "Yellowbird"],
        "grade": ["7", "7", "7"],
        "birth_date": ["2013-02-03"] * 3,
        "email": ["canary@example.org"] * 3,
        "phone": ["+13125550147"] * 3,
        "action": ["added", "updated", "kept"],
    }
    return [("100", "students", pl.DataFrame(row))]
