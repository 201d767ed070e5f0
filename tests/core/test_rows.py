from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.core import rows
from rostergate.core.rows import first_rows, in_both, repeats, unmet

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


@given(frames, frames)
@settings(max_examples=40, deadline=None)
def test_a_row_that_meets_none_is_told(frame: pl.DataFrame, others: pl.DataFrame) -> None:
    """Rows are told whose cells stand in no row of the others; one without a value meets nothing."""
    others = others.drop_nulls()
    on = ["one", "two"]
    assert unmet(frame, others, on).rows() == frame.join(others, on=on, how="anti", maintain_order="left").rows()


@given(frames, frames)
@settings(max_examples=40, deadline=None)
def test_rows_in_both_tables_are_told(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Each row of two tables is told whether the other has it, by hashes or by its cells, nulls being equal."""
    one, other = one.drop("place").unique(), other.drop("place").unique()
    told = [row in other.rows() for row in one.rows()], [row in one.rows() for row in other.rows()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_SORTED_FROM", 0)
        sorted_ = in_both(one, other)
    for found in (in_both(one, other), sorted_, rows._in_both(one, other)):
        assert tuple(part.to_list() for part in found) == told


def test_rows_whose_hashes_are_equal_by_chance_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look finds that they differ, and then the cells are compared."""
    monkeypatch.setattr(rows, "_among", lambda some, _: pl.repeat(value=True, n=len(some), eager=True))
    one, other = pl.DataFrame({"cell": ["a", "b"]}), pl.DataFrame({"cell": ["a", "c", "d"]})
    assert [part.to_list() for part in in_both(one, other)] == [[True, False], [True, False, False]]


@pytest.mark.parametrize("seed", [0, rows.SECOND_LOOK])
def test_each_look_finds_the_same(seed: int) -> None:
    """Whatever the seed; the second look takes another one than the first."""
    one, other = pl.DataFrame({"key": ["a", "b"]}), pl.DataFrame({"key": ["b"]})
    assert unmet(one, other, ["key"], seed=seed)["key"].to_list() == ["a"]
    assert rows.SECOND_LOOK != 0


@given(frames)
@settings(max_examples=40, deadline=None)
def test_first_rows_are_chosen_by_what_they_say_themselves(frame: pl.DataFrame) -> None:
    """A later row that meets the condition does not count where the first row of its key does not."""
    condition = pl.col("two").is_null()
    told = rows.first_rows_where(condition, frame, ["one"])
    assert told.rows() == first_rows(frame, ["one"]).filter(condition).rows()


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_hashes_are_looked_for_part_by_part(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It makes no difference among how many others a hash is looked for at a time."""
    monkeypatch.setattr(rows, "_HASHES_AT_ONCE", at_once)
    one = pl.DataFrame({"key": ["a", "b", "c", "d", "e"]})
    for keys in (["b", "e", "f"], ["f"], []):
        other = pl.DataFrame({"key": keys}, schema={"key": pl.String})
        told = [key in keys for key in one["key"]], [key in {*one["key"]} for key in keys]
        assert tuple(part.to_list() for part in in_both(one, other)) == told
        assert unmet(one, other, ["key"])["key"].to_list() == [key for key in one["key"] if key not in keys]


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_rows_of_one_value_stay_in_one_part(at_once: int) -> None:
    """Parts hold every row once, and no value is in two of them."""
    frame = pl.DataFrame({"school": ["a", "b", "a", "c", "b", "a"], "place": range(6)})
    parts = list(rows.in_parts(frame, "school", at_once))
    assert sorted(place for part in parts for place in part["place"]) == [0, 1, 2, 3, 4, 5]
    assert sum(part["school"].n_unique() for part in parts) == 3
