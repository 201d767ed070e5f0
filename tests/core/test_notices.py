from __future__ import annotations

import dataclasses

import polars as pl
import pytest

from rostergate.core.findings import Finding, Severity
from rostergate.core.notices import NOBODY, Audience, Kind, following, newly_unmatched
from rostergate.core.plan import Plan
from rostergate.core.plan_state import State
from rostergate.core.verdict import Outcome, Verdict

FAULT = Finding(
    "name-missing", Severity.ERROR, "students.csv", "first_name", 2, (4, 9), "A name is missing.", "Add it."
)
CHANGES = {"schools": pl.DataFrame({"school_id": ["1"], "name": ["Adams"], "action": ["added"]})}


def verdict(*states: State, outcome: Outcome = Outcome.ACCEPTED, faults: tuple[Finding, ...] = ()) -> Verdict:
    """Return a verdict with a plan that changes something for each state."""
    plans = tuple(Plan(str(place), "Adams", state, CHANGES, {}, hash="ab") for place, state in enumerate(states))
    return Verdict("direct", outcome, (), faults, plans)


@pytest.mark.parametrize(
    ("decided", "kind"),
    [
        pytest.param(verdict(outcome=Outcome.REJECTED), Kind.REFUSED, id="refused whole"),
        pytest.param(verdict(State.CLEAR, State.HELD), Kind.HELD, id="one school on hold, one applied"),
        pytest.param(verdict(State.CLEAR, State.UNMATCHED), Kind.HELD, id="one school waits for a match"),
        pytest.param(verdict(State.CLEAR, faults=(FAULT,)), Kind.APPLIED, id="applied, with faults"),
        pytest.param(verdict(State.DESELECTED, faults=(FAULT,)), Kind.FAULTS, id="new faults alone"),
        pytest.param(verdict(State.DESELECTED), None, id="nothing changed and nothing found"),
    ],
)
def test_the_most_urgent_kind_is_told(decided: Verdict, kind: Kind | None) -> None:
    """A delivery is told as one kind, or not at all."""
    assert following(decided) is kind


def test_faults_are_told_when_they_change() -> None:
    """The same faults at other lines are known already; one more of them is news."""
    again = dataclasses.replace(FAULT, lines=(5, 10))
    more = dataclasses.replace(FAULT, count=3)
    assert following(verdict(faults=(again,)), [FAULT]) is None
    assert following(verdict(faults=(more,)), [FAULT]) is Kind.FAULTS
    assert following(verdict(), [FAULT]) is Kind.FAULTS


def test_what_only_operators_can_settle_is_told_to_them() -> None:
    """A failure is everybody's; a disk, dead mail and a school without a match are the operators'."""
    audience = Audience(("it@example.org",), operators=("ops@example.org",))
    assert audience.of(Kind.FAILED) == ("ops@example.org", "it@example.org")
    assert {audience.of(kind) for kind in (Kind.DISK, Kind.DEAD, Kind.UNMATCHED)} == {("ops@example.org",)}


def test_a_school_that_waits_for_its_match_is_news_once() -> None:
    """The operators hear of schools that did not wait before."""
    waiting = verdict(State.UNMATCHED, State.CLEAR, State.UNMATCHED)
    assert newly_unmatched(waiting) == ("0", "2")
    assert newly_unmatched(waiting, {"0"}) == ("2",)
    assert newly_unmatched(verdict(State.CLEAR, State.HELD)) == ()


def test_a_kind_that_is_left_out_has_no_audience() -> None:
    """Who is told depends on the kind; without mail it is nobody."""
    audience = Audience(("it@example.org",), frozenset({Kind.RECEIVED, Kind.DEAD}), ("ops@example.org",))
    assert (audience.of(Kind.RECEIVED), audience.of(Kind.DEAD)) == ((), ())
    assert audience.of(Kind.HELD) == ("it@example.org",)
    assert NOBODY.of(Kind.HELD) == ()
