from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.spool.coverage import Coverage

SPAN = 60
WRITES = st.lists(st.tuples(st.integers(0, SPAN), st.integers(0, 12)), max_size=20)


@settings(max_examples=60, deadline=None)
@given(WRITES, st.none() | st.integers(0, SPAN))
def test_it_agrees_with_a_set_of_bytes(writes: list[tuple[int, int]], cut: int | None) -> None:
    """Whatever the order of writes, prefix, size and wholeness are those of the set of bytes that arrived."""
    coverage, arrived = Coverage(), set[int]()
    for offset, length in writes:
        coverage.add(offset, length)
        arrived |= set(range(offset, offset + length))
    if cut is not None:
        coverage.cut(cut)
        arrived = {one for one in arrived if one < cut}
    prefix = next(one for one in range(2 * SPAN) if one not in arrived)
    assert coverage.prefix == prefix
    assert coverage.size == max(arrived, default=-1) + 1
    assert coverage.whole == (len(arrived) == prefix)
    missing = [one not in arrived for one in range(coverage.size + 1)]
    assert coverage.gaps == sum(here and not after for here, after in pairwise(missing))


def test_resumed_file_begins_with_its_prefix() -> None:
    """What was there before counts as arrived."""
    coverage = Coverage(100)
    coverage.add(100, 10)
    assert (coverage.prefix, coverage.size, coverage.whole) == (110, 110, True)
