"""Matching: which school of the platform a district's school is.

Rule 1: what a person has said counts first: a mapping by school id, a school to be made, a deselected school.
Rule 2: a school of the roster keeps its place, unless a person has had it forgotten; new schools, and forgotten ones,
are matched to what is left. Each platform school is given once at most.
Rule 3: names are the same, or nearly, only when they agree on every number and on every word that tells schools of one
name apart (north, middle, junior).
Rule 4: a name that fits two schools equally well is matched to neither by guess; it waits for a person. So does a new
school whose name fits the place of one that is not there any more, or a place that would have been that one's by its
name: it may be the same school under another id.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rostergate.core.policy import Policy

SIMILARITY_PERCENT_MIN = 92.0
"""How alike two names must be (rapidfuzz `ratio`) in what is left without the words that schools share: one letter too
many or too few in a name of seven or more. An exchanged letter needs thirteen: Garrison is not Harrison."""

_SUGGESTED_MIN = 60.0
"""How alike two names must be (rapidfuzz `token_sort_ratio`), in percent, to be worth a person's look."""

_SAME_WORD = {
    "elem": "elementary",
    "el": "elementary",
    "es": "elementary school",
    "hs": "high school",
    "jhs": "junior high school",
    "ms": "middle school",
    "jr": "junior",
    "sr": "senior",
    "st": "saint",
    "mt": "mount",
    "ft": "fort",
    "n": "north",
    "s": "south",
    "e": "east",
    "w": "west",
    "ctr": "center",
    "centre": "center",
    "acad": "academy",
}
_NO_MEANING = frozenset({"school", "schools", "the", "of", "and", "at", "sch"})
_TELLING = frozenset(
    {
        *("north", "south", "east", "west", "upper", "lower", "annex", "i", "ii", "iii", "iv", "v"),
        *("preschool", "kindergarten", "early", "elementary", "primary", "intermediate", "middle"),
        *("junior", "senior", "high", "boys", "girls", "day", "night", "evening", "online", "virtual"),
    }
)


class Standing(StrEnum):
    """How a school stands with the platform."""

    MATCHED = "matched"  # its plan may go on
    UNMATCHED = "unmatched"  # waits for a person
    DESELECTED = "deselected"  # a person took it out: nothing is written


class Decision(StrEnum):
    """What is said about one school of a district, by a person or, once a match by name was applied, by that."""

    MATCHED = "matched"  # it is that school of the platform
    MADE = "made"  # the platform has no such school and makes it
    DESELECTED = "deselected"  # it is not rostered
    SELECTED = "selected"  # whatever was said before does not count any more


PLACING = frozenset({Decision.MATCHED, Decision.MADE})
"""The decisions that say which school of the platform it is."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A school of the platform that may be meant."""

    id: str
    name: str
    score: float
    """How alike the names are, in percent."""


@dataclass(frozen=True, slots=True)
class Match:
    """The answer for one school."""

    standing: Standing
    platform_school: str | None = None
    """The platform's id of it; None where the platform has none and the school is made."""


def match(
    names: Mapping[str, str], rostered: Collection[str], policy: Policy, leaving: Collection[str] = ()
) -> dict[str, Match]:
    """Match schools, given by id and name; `rostered` are the ids of those that the roster already has.

    `leaving` are the ids of those that leave it, for which nobody has to wait; a school whose name is not given is not
    there, either. With `policy.matching` "auto" a school is matched by name or made, with "review" a new one waits.
    """
    found: dict[str, Match] = {one: Match(Standing.DESELECTED) for one in names if one in policy.deselected}
    holders = {school.school_id: school for school in policy.platform_schools if school.school_id is not None}
    for one in names.keys() - found.keys():
        if one in holders or one in policy.made:
            found[one] = Match(Standing.MATCHED, holders[one].id if one in holders else None)
    free = {school.id: school.name for school in policy.platform_schools if school.school_id is None}
    there = names.keys() - leaving
    left = {school.id: school.name for one, school in holders.items() if one not in there}
    placed = set(rostered) - policy.forgotten
    for new in (False, True):
        asking = {one: name for one, name in names.items() if one not in found and (one not in placed) == new}
        places = free | left if new else free
        given, doubtful = _by_name(asking, places) if policy.matching == "auto" else ({}, set(asking))
        doubtful |= {one for one, place in given.items() if place in left}
        # What a school that leaves would get, nobody gets: whoever it fits as well may be that school.
        going = {place: places[place] for one, place in given.items() if one not in there}
        nearly, unsure = _by_name({one: asking[one] for one in asking.keys() - given.keys()}, going)
        doubtful |= nearly.keys() | unsure
        for one in asking:
            waits = new and one in doubtful and one in there
            place = given.get(one) if one in there else None
            found[one] = Match(Standing.UNMATCHED) if waits else Match(Standing.MATCHED, place)
        free = {one: name for one, name in free.items() if one not in given.values()}
        left |= going
    return found


def suggestions(name: str, free: Mapping[str, str], most: int = 3) -> tuple[Suggestion, ...]:
    """Return the schools of the platform (`free`: id -> name) whose names come nearest, the nearest first.

    Unlike a match, a suggestion is only told to a person, so it need not agree in every telling word.
    """
    plain = {one: _plain(other) for one, other in free.items()}
    near = process.extract(_plain(name), plain, scorer=fuzz.token_sort_ratio, score_cutoff=_SUGGESTED_MIN, limit=most)
    return tuple(Suggestion(one, free[one], round(score, 1)) for _, score, one in near)


def _by_name(asking: Mapping[str, str], free: Mapping[str, str]) -> tuple[dict[str, str], set[str]]:
    """Match by name, the most alike first. Return school id -> platform id, and the schools in doubt."""
    if not free:  # as of every district whose schools the platform makes: their names need not be taken apart
        return {}, set()
    levels: dict[float, list[tuple[str, str]]] = defaultdict(list)
    choices: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for platform_id, name in free.items():
        telling, rest = _parted(name)
        choices[telling][platform_id] = rest
    for school_id, name in asking.items():
        telling, rest = _parted(name)
        fitting = process.extract(
            rest, choices[telling], scorer=fuzz.ratio, score_cutoff=SIMILARITY_PERCENT_MIN, limit=None
        )
        for _, score, platform_id in fitting:
            levels[score].append((school_id, platform_id))
    given: dict[str, str] = {}
    doubtful: set[str] = set()
    taken: set[str] = set()
    for score in sorted(levels, reverse=True):
        left = [(one, other) for one, other in levels[score] if one not in given and other not in taken]
        places, askers = Counter(one for one, _ in left), Counter(other for _, other in left)
        sure = {(one, other) for one, other in left if places[one] == askers[other] == 1 and one not in doubtful}
        given.update(sure)
        doubtful.update(one for one, _ in left if one not in given)
        taken.update(other for _, other in left)
    return given, doubtful


def _parted(name: str) -> tuple[tuple[str, ...], str]:
    """Part a name into the words that another must share, sorted, and the rest of it, both in plain words."""
    spelt = _spelt(name)
    telling = sorted(word for word in spelt if _tells(word))
    return tuple(telling), " ".join(word for word in spelt if not _tells(word))


def _plain(name: str) -> str:
    return " ".join(_spelt(name))


def _spelt(name: str) -> list[str]:
    """Return the words of a name in order, abbreviations written out.

    They are without case, accents, punctuation and words that say nothing.
    """
    letters = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.findall(r"[^\W_]+", re.sub(r"['\u2019.]", "", letters))
    spelt = " ".join(_SAME_WORD.get(word, word) for word in words).split()
    return [word for word in spelt if word not in _NO_MEANING]


def _tells(word: str) -> bool:
    """Tell whether a word sets schools of one name apart: a number, a level, a side of town."""
    return word in _TELLING or any(map(str.isdigit, word))
