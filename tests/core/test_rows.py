from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.core.rows import first_rows, repeats

frames = st.lists(st.tuples(*[st.sampled_from(["a", "b", None])] * 2), max_size=6).map(
    lambda rows: pl.DataFrame(rows, schema={"one": pl.String, "two": pl.String}, orient="row").with_row_index("place")
)


@given(frames)
@settings(max_examples=40, deadline=None)
def test_the_first_row_of_each_key_stays_in_place(frame: pl.DataFrame) -> None:
    """What is left are the first rows of each key, nulls being a value like any other, in the order they came."""
    keys = [tuple(key) for _, *key in frame.iter_rows()]
    first = [place for place, key in enumerate(keys) if key not in keys[:place]]
    assert first_rows(frame, ["one", "two"])["place"].to_list() == first


@given(frames)
@settings(max_examples=40, deadline=None)
def test_every_repetition_is_told(frame: pl.DataFrame) -> None:
    """Each row whose key occurs in another row is told, first and later ones alike."""
    told = repeats(frame, ["one", "two"]).to_list()
    keys = [tuple(key) for _, *key in frame.iter_rows()]
    assert told == [keys.count(key) > 1 for key in keys]
