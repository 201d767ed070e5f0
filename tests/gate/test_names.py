import pytest

from rostergate.gate.names import recognise, shown
from rostergate.gate.refusals import Refusal

WANTED = frozenset({"students.csv", "schools.csv", "classes.csv"})


@pytest.mark.parametrize("name", sorted(WANTED))
def test_real_names(name: str) -> None:
    """A name of the format is the file itself."""
    found = recognise(name, WANTED)
    assert (found.real, found.is_scratch) == (name, False)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("students.csv.filepart", id="WinSCP"),
        pytest.param("students.csv.filepart.2", id="WinSCP, several at once"),
        pytest.param("students.csv.part", id="browsers and schedulers"),
        pytest.param("students.csv-k3Zb90Qx", id="Cyberduck"),
        pytest.param("students.csv-0b6a5a0e-9e5c-4a2b-8f4e-2d3c1b0a9f8e", id="Cyberduck of old"),
        pytest.param("students.csv.tmp", id="schedulers"),
        pytest.param("students.csv.TMP", id="schedulers on Windows"),
        pytest.param("students.tmp", id="schedulers that change the ending"),
        pytest.param("students.csv.1a2b3c4d.partial", id="rclone"),
        pytest.param(".in.students.csv", id="lftp"),
        pytest.param(".in.students.csv.", id="lftp, with its dot"),
        pytest.param(".students.csv.Xy12Ab", id="rsync"),
        pytest.param("~students.csv", id="a leading tilde"),
        pytest.param("~$students.csv", id="office programs"),
        pytest.param(".students.csv", id="hidden"),
    ],
)
def test_temporary_names(name: str) -> None:
    """A temporary name in which a real one stands is scratch for that file."""
    found = recognise(name, WANTED)
    assert (found.real, found.is_scratch) == ("students.csv", True)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Students.csv", "near-miss"),
        ("students.CSV", "near-miss"),
        ("student.csv", "near-miss"),
        ("students.csv-20260302", "wrong-name"),
        ("students-complete", "wrong-name"),
        ("students.csv ", "near-miss"),
        ("Students.csv.filepart", "near-miss"),
        ("notes.docx", "wrong-name"),
        (".bashrc", "wrong-name"),
        (".", "wrong-name"),
        ("~", "wrong-name"),
        *(
            (f"roster.{ending}", "archive-name")
            for ending in ("zip", "ZIP", "gz", "tgz", "bz2", "xz", "7z", "rar", "zst")
        ),
        ("students.csv.gz", "archive-name"),
    ],
)
def test_refused_names(name: str, why: str) -> None:
    """Any other name is refused, with the code that says why."""
    with pytest.raises(Refusal) as caught:
        recognise(name, WANTED)
    assert caught.value.why == why


def test_near_miss_is_told_the_right_name() -> None:
    """A near miss learns which file was probably meant."""
    with pytest.raises(Refusal, match=r"^Students\.csv: did you mean students\.csv\?"):
        recognise("Students.csv", WANTED)


def test_wrong_name_is_told_what_is_expected() -> None:
    """A name near to nothing learns all the names."""
    with pytest.raises(Refusal, match=r"expected: classes\.csv, schools\.csv, students\.csv$"):
        recognise("x", WANTED)


def test_shown_names_are_short_and_printable() -> None:
    """A name in a reason has no control characters and an end."""
    assert shown("a\x1b[31m\n") == "a?[31m?"
    assert len(shown("x" * 10_000)) == 200
