from enum import StrEnum

import pytest

from rostergate.core import delivery, plan_state
from rostergate.core.states import IllegalTransition, step

LEGAL_PLAN = {
    ("clear", "applied"): "applied",
    ("held", "released"): "clear",
    ("held", "discarded"): "discarded",
    ("unmatched", "matched-clear"): "clear",
    ("unmatched", "matched-held"): "held",
    ("unmatched", "deselected"): "deselected",
    ("clear", "replaced"): "superseded",
    ("held", "replaced"): "superseded",
    ("unmatched", "replaced"): "superseded",
}
LEGAL_DELIVERY = {
    ("receiving", "completed"): "sealed",
    ("sealed", "refused"): "rejected",
    ("sealed", "accepted"): "planned",
    ("sealed", "gave-up"): "failed",
    ("sealed", "replaced"): "superseded",
    ("planned", "last-plan-closed"): "settled",
    ("planned", "replaced"): "superseded",
    ("failed", "retried"): "sealed",
}


@pytest.mark.parametrize("state", plan_state.State)
@pytest.mark.parametrize("event", plan_state.Event)
def test_every_pair_of_a_plan(state: plan_state.State, event: plan_state.Event) -> None:
    """Each event leads a plan where the table of the design says, and is illegal wherever that table is silent."""
    _examine(plan_state.after, state, event, LEGAL_PLAN)


@pytest.mark.parametrize("state", delivery.State)
@pytest.mark.parametrize("event", delivery.Event)
def test_every_pair_of_a_delivery(state: delivery.State, event: delivery.Event) -> None:
    """Each event leads a delivery where the table of the design says, and is illegal wherever that table is silent."""
    _examine(delivery.after, state, event, LEGAL_DELIVERY)


def _examine(after, state: StrEnum, event: StrEnum, legal: dict[tuple[str, str], str]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - either machine
    expected = legal.get((state.value, event.value))
    if expected is None:
        with pytest.raises(IllegalTransition, match=f"{state.value} one cannot be {event.value}"):
            after(state, event)
    else:
        assert after(state, event).value == expected


def test_a_plan_is_open_while_something_can_follow() -> None:
    """The open states are exactly those that have a way out."""
    assert {state for state, _ in plan_state.TRANSITIONS} == plan_state.OPEN


def test_a_delivery_is_closed_once_only_a_person_can_take_it_up_again() -> None:
    """The closed states are those that nothing leads out of but a retry."""
    going = {state for state, event in delivery.TRANSITIONS if event is not delivery.Event.RETRIED}
    assert set(delivery.State) - going == delivery.CLOSED


@pytest.mark.parametrize("table", [plan_state.TRANSITIONS, delivery.TRANSITIONS])
def test_a_table_cannot_be_changed(table: dict[object, object]) -> None:
    """The tables are read-only: nobody adds a transition at run time."""
    with pytest.raises(TypeError):
        table["anything"] = "else"


def test_an_illegal_pair_changes_nothing() -> None:
    """An illegal pair raises; the table is the same afterwards."""
    before = dict(plan_state.TRANSITIONS)
    with pytest.raises(IllegalTransition):
        step(plan_state.TRANSITIONS, plan_state.State.APPLIED, plan_state.Event.APPLIED)
    assert dict(plan_state.TRANSITIONS) == before
