from __future__ import annotations

import pytest

from rostergate.spool.searching import OVERLAP_BYTES, found_in, pattern

PAIRS = (("José", "Núñez"),)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("school_id,s-17,Ann\n", True, id="an id in a cell"),
        pytest.param("school_id,xs-17,Ann\n", False, id="a part of another id"),
        pytest.param("1,Ann@Home.Example,x\n", True, id="an e-mail address in other letters"),
        pytest.param("1,Núñez,3,José\n", True, id="both names, the other way round"),
        pytest.param("1,José\n2,Núñez\n", False, id="both names, of two people"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_who_is_named(text: str, encoding: str, found: bool) -> None:  # noqa: FBT001 - what is expected
    """An id and an address count by themselves, names only together in one line."""
    assert found_in([text.encode(encoding)], pattern(["s-17", "ann@home.example"], PAIRS)) is found


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_wide_files_are_searched_too(encoding: str) -> None:
    """UTF-16 in either order, with or without a byte-order mark."""
    assert found_in(["x\n1,s-17,José,Núñez\n".encode(encoding)], pattern(["s-17"]))
    wanted = pattern(["nobody"], PAIRS)
    assert found_in(["x\n1,José,Núñez\n".encode(encoding)], wanted)
    assert found_in(["x\n1,José,Čermáček,Núñez\n".encode(encoding)], wanted), "a half of č is the end of a narrow line"
    assert not found_in(["x\r\n1,José\r\n2,Núñez\r\n".encode(encoding)], wanted)


def test_what_stands_on_the_edge_of_two_pieces_is_found() -> None:
    """Wherever a file is cut into pieces."""
    data = b"x" * OVERLAP_BYTES + b",s-17,"
    wanted = pattern(["s-17"])
    for cut in range(OVERLAP_BYTES - 1, len(data)):
        assert found_in([data[:cut], data[cut:]], wanted)
    assert not found_in([b"", b"nothing"], wanted)
