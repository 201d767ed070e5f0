"""Near misses: names that are not the expected ones, but were surely meant."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_SIMILARITY_MIN = 84.0  # of 100; `students` and `student` are 93 alike, `school_id` and `school_name` 67


def folded(name: str) -> str:
    """Return the name without what a person overlooks: case, and everything but letters and digits."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def files(found: Iterable[str], expected: Collection[str]) -> dict[str, str]:
    """Return expected file name -> the found one that was meant: one much like it, or with something around its name.

    Whoever exports writes a date or the district's name before or after `students`.
    """
    names = sorted(found)
    paired = pairs(names, expected)
    left = [name for name in names if name not in paired.values()]
    stems = {name: folded(name.removesuffix(".csv")) for name in expected if name not in paired}
    for name in left:
        within = [wanted for wanted, stem in stems.items() if stem in folded(name)]
        if len(within) == 1:
            paired.setdefault(within[0], name)
    return paired


def pairs(found: Iterable[str], expected: Iterable[str]) -> dict[str, str]:
    """Return expected name -> the found name that was meant, each used at most once, the most alike first.

    A found name that is as much like one expected name as like another stands for neither.
    """
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
    used: set[str] = set()
    for _, equal in groupby(sorted(alike, key=lambda one: (-one[0], one[1], one[2])), key=lambda one: one[0]):
        free = [(meant, name) for _, meant, name in equal if meant not in used and name not in paired]
        texts: dict[str, set[str]] = {}
        for meant, name in free:
            texts.setdefault(meant, set()).add(wanted[name])
        used |= {meant for meant, several in texts.items() if len(several) > 1}
        for meant, name in free:
            if meant not in used and name not in paired:
                paired[name] = meant
                used.add(meant)
    return paired
