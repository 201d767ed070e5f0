from __future__ import annotations

from core.damaged import cases, judged
from rostergate.core.verdict import Outcome


def test_damaged_sets_get_a_verdict() -> None:
    """Whatever has become of a set, it is decided, told where it can be looked up, and the same the second time."""
    outcomes = {judged(files).outcome for files in cases(20, 60)}
    assert outcomes == set(Outcome)
