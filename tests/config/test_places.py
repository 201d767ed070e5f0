"""Where the keys of a TOML text stand."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostergate.config.places import Loc, line_of, places

TEXT = '''\
# first line
name = "Lincoln" # 2
"quoted key" = 1
a.b = { c = 1, d = [1,
  2] }
notes = """
[not-a-table]
not = "a key"
"""
after = 'it # is no comment'

[schools]
matching = "auto"
deselected = [ # 14
  "1", # , "2"

  "3", [4,
  5], { six = 6 },
]

[[schools.platform]] # 21
id = "p-1"

[[schools.platform]]
  name = "x"
  [schools.platform.more]
  deep = true
[ "odd name" . 'x' ]
key = \'\'\'
\'\'\'\'\'
last = 1'''

EXPECTED: dict[Loc, int] = {
    ("name",): 2,
    ("quoted key",): 3,
    ("a",): 4,
    ("a", "b"): 4,
    ("notes",): 6,
    ("after",): 10,
    ("schools",): 12,
    ("schools", "matching"): 13,
    ("schools", "deselected"): 14,
    ("schools", "deselected", 0): 15,
    ("schools", "deselected", 1): 17,
    ("schools", "deselected", 2): 17,
    ("schools", "deselected", 3): 18,
    ("schools", "platform"): 21,
    ("schools", "platform", 0): 21,
    ("schools", "platform", 0, "id"): 22,
    ("schools", "platform", 1): 24,
    ("schools", "platform", 1, "name"): 25,
    ("schools", "platform", 1, "more"): 26,
    ("schools", "platform", 1, "more", "deep"): 27,
    ("odd name",): 28,
    ("odd name", "x"): 28,
    ("odd name", "x", "key"): 29,
    ("odd name", "x", "last"): 31,
}


def test_every_kind_of_key_is_found_on_its_line() -> None:
    """Tables, lists of tables, dotted and quoted keys and elements are found, and nothing inside strings is."""
    tomllib.loads(TEXT)
    assert places(TEXT) == EXPECTED


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("name",), 2),
        (("a", "b", "d", 1), 4),
        (("schools", "platform", 1, "id"), 24),
        (("schools", "deselected", 3, "six"), 18),
        (("missing",), None),
        ((), None),
    ],
)
def test_what_is_not_in_the_text_has_the_line_of_what_is_around_it(loc: Loc, line: int | None) -> None:
    """A missing key is looked for in its table, a key of an inline table on the line that began it."""
    assert line_of(loc, places(TEXT)) == line


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
values = st.one_of(
    st.integers(-9, 9).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    texts.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    texts.filter(lambda text: "'" not in text).map(lambda text: f"'''\n{text}\n'''"),
    st.lists(st.integers(0, 9), max_size=4).map(
        lambda numbers: "[ # ]\n" + "".join(f"  {one},\n" for one in numbers) + "]"
    ),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["key", "table"]), values), max_size=8))
def test_each_key_stands_on_the_line_it_was_written_on(parts: list[tuple[str, str]]) -> None:
    """Whatever values stand before a key, it is found on its own line, and all keys are found."""
    text = ""
    expected: dict[Loc, int] = {}
    table: Loc = ()
    for number, (kind, value) in enumerate(parts):
        if kind == "table":
            table = (f"t{number}",)
            expected[table] = text.count("\n") + 1
            text += f"[t{number}]\n"
        expected[*table, f"k{number}"] = text.count("\n") + 1
        text += f"k{number} = {value}\n"
    parsed: dict[str, Any] = tomllib.loads(text)
    found = places(text)
    assert {loc: line for loc, line in found.items() if not isinstance(loc[-1], int)} == expected
    lists = {loc for loc in expected if isinstance(value_at(parsed, loc), list)}
    counted = {loc: sum(1 for other in found if other[:-1] == loc) for loc in lists}
    assert counted == {loc: len(value_at(parsed, loc)) for loc in lists}


def value_at(table: dict[str, Any], loc: Loc) -> Any:
    """Follow a place down a parsed text."""
    value: Any = table
    for part in loc:
        value = value[part]
    return value
