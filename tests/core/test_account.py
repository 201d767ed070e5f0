from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostergate.core.account import ACTIVE, TRANSITIONS, Event, State, after, links
from rostergate.core.states import IllegalTransition


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_is_in_the_table_or_illegal(state: State, event: Event) -> None:
    """A pair leads where the table says, or raises; nothing leads back to an account that is offered."""
    if (state, event) in TRANSITIONS:
        assert after(state, event) in ACTIVE
    else:
        with pytest.raises(IllegalTransition):
            after(state, event)


def test_who_fits_alone_is_linked() -> None:
    """A person and an account that fit each other and nobody else are linked."""
    assert links([("teachers", "t1", "a1"), ("students", "t1", "a2")]) == [
        ("students", "t1", "a2"),
        ("teachers", "t1", "a1"),
    ]


@pytest.mark.parametrize(
    "fitting",
    [
        pytest.param([("students", "s1", "a1"), ("students", "s2", "a1")], id="siblings with one address"),
        pytest.param([("students", "s1", "a1"), ("guardians", "g1", "a1")], id="a child and a parent"),
        pytest.param([("students", "s1", "a1"), ("students", "s1", "a2")], id="two accounts"),
    ],
)
def test_what_fits_two_links_nobody(fitting: list[tuple[str, str, str]]) -> None:
    """Doubt links nobody."""
    assert links(fitting) == []


ids = st.sampled_from("123")


@given(st.lists(st.tuples(st.sampled_from(["teachers", "students"]), ids, ids)))
def test_nobody_is_linked_twice(fitting: list[tuple[str, str, str]]) -> None:
    """Whatever fits, each person and each account is in one link at most, and each link is one that fits."""
    found = links(fitting)
    assert set(found) <= set(fitting)
    assert len({(role, person) for role, person, _ in found}) == len(found)
    assert len({account for *_, account in found}) == len(found)
