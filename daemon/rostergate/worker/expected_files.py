"""Which of an inbox's files are a set's: by the district's format, or by the one that they come nearest to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rostergate.core import catalogue
from rostergate.core.recognition import recognise
from rostergate.core.temporary import stands_for

if TYPE_CHECKING:
    from pathlib import Path

    from rostergate.spool.entries import Entry, Survey

HEAD_BYTES: Final = 65_536
"""How much of each file is read to recognise its format."""


def unfinished(survey: Survey, expected: frozenset[str]) -> dict[str, Entry]:
    """Return the newest upload that was cut off, or never renamed, by the file it stands for."""
    found: dict[str, Entry] = {}
    for entry in survey.left.values():
        name = entry.name if entry.name in expected else stands_for(entry.name, expected)
        if name is not None:
            found[name] = max(entry, found.get(name, entry), key=lambda one: one.at)
    return found


def required(format_name: str, folder: Path, names: list[str]) -> frozenset[str]:
    """Return the files without which this set is not complete, by the format it has or comes nearest to."""
    formats = catalogue.formats()
    if format_name != "auto":
        found = formats[format_name]
    else:
        recognition = recognise({name: _head(folder / name) for name in names}, tuple(formats.values()))
        found = recognition.format or recognition.nearest or formats["direct"]
    return frozenset(file.name for file in found.files if not file.optional)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError:  # removed or replaced since it was listed; it is looked at again
        return b""
