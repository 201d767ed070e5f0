"""The words that complaints have in common: what was found, and what was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rapidfuzz import fuzz, process

if TYPE_CHECKING:
    from collections.abc import Iterable

FOUND_CHARS_MAX: Final = 60  # characters of a found value that are shown
PRIVATE: Final = ("PRIVATE KEY", "PuTTY-User-Key-File")
"""What stands in a private key's file, and in no public one's: such a text is never repeated."""


def near(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that was probably meant, or None."""
    found = process.extractOne(name, sorted(choices), scorer=fuzz.ratio, processor=str.casefold, score_cutoff=70)
    return found[0] if found else None


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return the end of an error message: empty, or the choice that was probably meant."""
    meant = near(name, choices)
    return f"; did you mean {meant}?" if meant else ""


def shown(value: object) -> str:
    """Return a found value as it would stand in the file, cut where it is long."""
    match value:
        case bool():
            text = str(value).lower()
        case str() if any(mark in value for mark in PRIVATE):
            return "a private key"
        case str():
            text = f'"{value}"' if value.isprintable() else repr(value)
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            text = str(value)
    return text if len(text) <= FOUND_CHARS_MAX else f"{text[:FOUND_CHARS_MAX]}..."
