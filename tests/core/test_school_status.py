from itertools import product

import pytest

from rostergate.core.plan import Plan, counted
from rostergate.core.plan_state import State
from rostergate.core.school_status import URGENCY, Status, status
from rostergate.core.verdict import Outcome, Verdict


@pytest.mark.parametrize(("in_files", "left_out"), list(product([True, False], [0, 3])))
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.HELD, Status.ON_HOLD),
        (State.UNMATCHED, Status.WAITING),
        (State.DESELECTED, Status.DESELECTED),
    ],
)
def test_what_a_person_decides_goes_first(state: State, expected: Status, in_files: bool, left_out: int) -> None:  # noqa: FBT001 - a case
    """A plan that waits, or that is not rostered, says so whatever its files are like."""
    assert status(state, in_files=in_files, new=False, left_out=left_out) is expected


@pytest.mark.parametrize("state", [State.CLEAR, State.APPLIED, State.DISCARDED, State.SUPERSEDED])
def test_otherwise_the_files_tell(state: State) -> None:
    """A school that is not in the files, one with rows left out, and one with which nothing is wrong.

    Where rows name a school that the files lack, those are what somebody has to look at.
    """
    assert status(state, in_files=False, new=False, left_out=0) is Status.NOT_IN_FILES
    assert status(state, in_files=False, new=False, left_out=1) is Status.ERRORS
    assert status(state, in_files=True, new=False, left_out=1) is Status.ERRORS
    assert status(state, in_files=True, new=False, left_out=0) is Status.CONNECTED


@pytest.mark.parametrize("left_out", [0, 3])
def test_a_new_school_is_connected_once_its_plan_is_applied(left_out: int) -> None:
    """When that was discarded or superseded, the school stands as before: nothing of it is in the roster."""
    for state in (State.DISCARDED, State.SUPERSEDED):
        assert status(state, in_files=True, new=True, left_out=left_out) is Status.NOT_IN_FILES
    connected = Status.ERRORS if left_out else Status.CONNECTED
    assert status(State.APPLIED, in_files=True, new=True, left_out=left_out) is connected


def test_the_most_urgent_comes_first() -> None:
    """The order is that of the design."""
    assert [one.value for one in sorted(Status, key=URGENCY.__getitem__)] == [
        "on hold",
        "waiting for a match",
        "errors",
        "connected",
        "deselected",
        "not in the files",
    ]


def test_a_verdict_tells_the_most_urgent_school_first() -> None:
    """Then they come by name; what a preview prints is in this order."""
    states = {"A": State.CLEAR, "B": State.UNMATCHED, "C": State.DESELECTED, "D": State.HELD, "E": State.CLEAR}
    names = {"A": "young", "E": "Xenia"}
    plans = tuple(Plan(one, names.get(one, one), state, {}, counted({})) for one, state in states.items())
    told = Verdict("direct", Outcome.ACCEPTED, (), (), plans).as_json()["schools"]
    assert [one["school_id"] for one in told] == ["D", "B", "E", "A", "C"]
