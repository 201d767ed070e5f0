"""Abreast: what several threads do is what one would do."""

from __future__ import annotations

import pytest

from rostergate.core.abreast import each


def _halved(number: int) -> int:
    if number % 2:
        raise ValueError(number)
    return number // 2


def test_results_come_in_the_order_of_the_pieces() -> None:
    """However many pieces there are, each result stands where its piece did."""
    assert each(_halved, []) == []
    assert each(_halved, [8]) == [4]
    assert each(_halved, range(0, 200, 2)) == list(range(100))


def test_the_first_piece_that_fails_is_told() -> None:
    """A piece that fails is not lost."""
    with pytest.raises(ValueError, match=r"^3$"):
        each(_halved, [2, 3, 4, 5])
