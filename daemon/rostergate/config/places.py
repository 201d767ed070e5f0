"""Where the keys of a TOML text stand: dotted key -> line, so that an error can name it.

The parser of the standard library gives values without their lines. This one gives lines without values, and relies on
the other having accepted the text first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Loc: TypeAlias = tuple[str | int, ...]
"""Keys and positions in lists, from the outside in."""

_KEY: Final = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_PATH: Final = rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*"
_STATEMENT: Final = re.compile(
    rf"[ \t]*(?:\[\[[ \t]*(?P<list>{_PATH})[ \t]*\]\]|\[[ \t]*(?P<table>{_PATH})[ \t]*\]|(?P<key>{_PATH})[ \t]*=)"
)
_PART: Final = re.compile(_KEY)
_STRING: Final = r'"""(?:[^\\]|\\.)*?"{3,5}' + r"|'''.*?'{3,5}" + r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'"""
_TOKEN: Final = re.compile(rf"(?P<string>{_STRING})|(?P<comment>\#[^\n]*)|(?P<mark>[\[\]{{}},\n])", re.DOTALL)


def places(text: str) -> dict[Loc, int]:
    """Return the line, from 1, of each table, key and element of a list in a valid TOML text.

    Keys inside inline tables are not looked at: they have the line of what they stand in; see `line_of`.
    """
    found: dict[Loc, int] = {}
    lengths: dict[Loc, int] = {}
    at, line = 0, 1
    table: Loc = ()
    while at < len(text):
        statement = _STATEMENT.match(text, at)
        if statement is None:  # an empty line or a comment
            at, line = _next_line(text, at), line + 1
            continue
        path = _parts(statement[statement.lastgroup or 0])
        if statement.lastgroup == "key":
            for loc in _prefixes(table, path):
                found.setdefault(loc, line)
            at, line = _value((*table, *path), text, statement.end(), line, found)
            continue
        table = _inside(path, lengths)
        if statement.lastgroup == "list":
            position = lengths.get(table, 0)
            lengths[table] = position + 1
            found.setdefault(table, line)
            table = (*table, position)
        for loc in _prefixes((), table):
            found.setdefault(loc, line)
        at, line = _next_line(text, statement.end()), line + 1
    return found


def line_of(loc: Loc, found: dict[Loc, int]) -> int | None:
    """Return the line of a key, or of the nearest thing around it that is in the text."""
    return next((found[loc[:end]] for end in range(len(loc), 0, -1) if loc[:end] in found), None)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _PART.findall(path))


def _inside(path: tuple[str, ...], lengths: dict[Loc, int]) -> Loc:
    """Return the place a header means: `a.b` below `[[a]]` is in the last element of `a`."""
    loc: Loc = ()
    for part in path[:-1]:
        loc = (*loc, part)
        if loc in lengths:
            loc = (*loc, lengths[loc] - 1)
    return (*loc, path[-1])


def _prefixes(table: Loc, path: Loc) -> Iterator[Loc]:
    return ((*table, *path[:end]) for end in range(1, len(path) + 1))


def _next_line(text: str, at: int) -> int:
    return text.find("\n", at) + 1 or len(text)


def _value(loc: Loc, text: str, at: int, line: int, found: dict[Loc, int]) -> tuple[int, int]:
    """Go past one value, noting where the elements of a list begin; return where the next line begins."""
    depth, position = 0, 0
    is_list = begun = False
    while token := _TOKEN.search(text, at):
        mark = token["mark"]
        if is_list and depth == 1 and not begun:
            begun = bool(text[at : token.start()].strip() or token["string"] or mark in ("[", "{"))
            if begun:
                found.setdefault((*loc, position), line)
        at = token.end()
        line += token[0].count("\n")
        if mark == "\n" and depth == 0:
            return at, line
        if mark in ("[", "{"):
            is_list = is_list or (depth == 0 and mark == "[")
            depth += 1
        elif mark in ("]", "}"):
            depth -= 1
        elif mark == "," and depth == 1:
            position, begun = position + 1, False
    return len(text), line
