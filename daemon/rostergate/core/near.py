"""Near misses: names that are not the expected ones, but were surely meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    from collections.abc import Iterable

_SIMILARITY_MIN = 84.0  # of 100; `students` and `student` are 93 alike, `school_id` and `school_name` 67


def folded(name: str) -> str:
    """Return the name without what a person overlooks: case, and everything but letters and digits."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def pairs(found: Iterable[str], expected: Iterable[str]) -> dict[str, str]:
    """Return expected name -> the found name that was meant, each used at most once, the most alike first."""
    left = {name: folded(name) for name in found}
    wanted = {name: folded(name) for name in expected}
    alike = [
        (similarity, meant, name)
        for name, text in wanted.items()
        for _, similarity, meant in process.extract(
            text, left, scorer=fuzz.ratio, score_cutoff=_SIMILARITY_MIN, limit=None
        )
    ]
    paired: dict[str, str] = {}
    for _, meant, name in sorted(alike, key=lambda one: (-one[0], one[1], one[2])):
        if name not in paired and meant not in paired.values():
            paired[name] = meant
    return paired
