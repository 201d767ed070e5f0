from __future__ import annotations

import pytest

from core.claiming import claims
from rostergate.core import seats


@pytest.mark.parametrize("rows_at_once", [1, 2, 1_000])
def test_the_same_in_parts(monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    """Each enrollment gets the school of its class's first row, in order; who is not tied to that school is outside."""
    monkeypatch.setattr(seats, "_ROWS_AT_ONCE", rows_at_once)
    found = claims(
        classes=[{"school_id": school, "class_id": one} for school, one in (("A", "c1"), ("B", "c2"), ("B", "c1"))],
        student_schools=[{"school_id": "A", "student_id": "s1"}, {"school_id": "B", "student_id": "s2"}],
        enrollments=[
            {"class_id": one, "student_id": student}
            for one, student in (("c1", "s1"), ("c2", "s1"), ("c2", "s2"), ("c9", "s1"))
        ],
    )
    assert seats.places(found).to_list() == ["A", "B", "B", None]
    assert seats.outside(found).select("class_id", "student_id", "place").rows() == [
        ("c2", "s1", "B"),
        ("c9", "s1", None),
    ]
