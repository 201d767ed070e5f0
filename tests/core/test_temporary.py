import pytest

from rostergate.core.temporary import stands_for

WANTED = frozenset({"students.csv", "schools.csv"})


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("students.csv.filepart", "students.csv"),
        ("students.csv-k3Zb90Qx", "students.csv"),
        (".schools.csv.Xy12Ab", "schools.csv"),
        ("schools.tmp", "schools.csv"),
        ("students.csv", None),
        ("students.csv-20260302", None),
        ("notes.txt.part", None),
    ],
)
def test_what_a_name_stands_for(name: str, real: str | None) -> None:
    """A temporary name stands for the wanted file in it; any other name for none."""
    assert stands_for(name, WANTED) == real
