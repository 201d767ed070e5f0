import polars as pl

from rostergate.core import concerned


def test_rows_of_a_hold_are_packed_and_unpacked() -> None:
    """Whatever order their columns have; ids that a table does not have stay null."""
    told = concerned.rows(
        "enrollments", pl.DataFrame({"class_id": ["c1"], "student_id": ["s1"], "action": ["removed"]})
    )
    unpacked = concerned.unpack(concerned.pack(told.select(reversed(told.columns))))
    assert unpacked.columns == list(concerned.COLUMNS)
    assert unpacked.rows() == [("enrollments", "removed", None, "s1", None, "c1", None)]
    assert concerned.unpack(concerned.pack(concerned.NOTHING)).equals(concerned.NOTHING)
