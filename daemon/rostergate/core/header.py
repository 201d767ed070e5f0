"""The header: a file's column names against the declared ones.

Rule 1: names are exact. A near miss is a fault like any other, but it is said which name was meant: never one that the
format has itself, nor one that is more like another of its names. Where further columns are allowed, one that is much
like an optional name may be one of those; one that differs in case or signs alone is meant for it.
Rule 2: a file with semicolons or tabs for commas has one column; it is said what separates them.
Rule 3: a header cell is shown only as a near miss: where there is no header, the first row is a person's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostergate.core import near
from rostergate.core.findings import Code, Finding, Severity, finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MISSING_HEADER = Code(
    "missing-header",
    Severity.FORMAT_ERROR,
    "The first row does not hold the column names.",
    "Have the export write the column names into the first row, and no title or date above them.",
)
HEADER_MISMATCH = Code(
    "header-mismatch",
    Severity.FORMAT_ERROR,
    "The column names are not those of the format.",
    "Give the columns of the export exactly the names of the format: upper and lower case count, the order does not.",
)
WRONG_SEPARATOR = Code(
    "wrong-separator",
    Severity.FORMAT_ERROR,
    "The columns are not separated by commas.",
    "Set the export's separator (delimiter) to the comma, and do not save the file with a spreadsheet program.",
)
CODES = (MISSING_HEADER, HEADER_MISMATCH, WRONG_SEPARATOR)

_SEPARATOR_LINE = "sep="  # Excel takes the sign after it as the separator
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def check(
    file: str,
    header: Sequence[str],
    line: int,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    unread: Sequence[str] = (),
    extra: bool = False,
    extension: str | None = None,
) -> tuple[Finding, ...]:
    """Compare the header cells at `line` with the declared names.

    `unread` may be there too, `extra` allows columns that are not declared, `extension` those whose name begins with
    it. A near miss gives one finding, a missing column one, all other columns that are not declared one together.
    """
    names, separators = parted(header)
    if separators and not {*required}.isdisjoint(names):
        told = f"The columns are separated by {separators}, not by commas."
        return (finding(WRONG_SEPARATOR, file=file, lines=(line,), message=told),)
    if header and header[0].startswith(_SEPARATOR_LINE):
        told = "The first row is a note for spreadsheet programs (sep=) and does not hold the column names."
        return (finding(MISSING_HEADER, file=file, lines=(line,), message=told),)
    declared = {*required, *optional, *unread}
    unknown = [name for name in header if name not in declared and not (extension and name.startswith(extension))]
    missing = [name for name in required if name not in header]
    alike = near.pairs(filter(None, unknown), declared.difference(header))
    if len(unknown) == len(header) and not alike:
        return (finding(MISSING_HEADER, file=file, lines=(line,), message=_wanted(required)),)
    misspelt = [*missing, *(_respelt(header, alike, optional) if extra else optional)]
    meant = {name: alike[name] for name in misspelt if name in alike}

    def mismatch(column: str | None, message: str) -> Finding:
        return finding(HEADER_MISMATCH, file=file, column=column, lines=(line,), message=message)

    found = [mismatch(name, f"Column `{name}` found, `{wanted}` expected.") for wanted, name in meant.items()]
    found += [mismatch(name, f"Column `{name}` is missing.") for name in missing if name not in meant]
    strange = {*unknown}.difference(meant.values(), [""] if header.count("") > 1 else [])  # `sheet` tells those
    places = [str(place) for place, name in enumerate(header, 1) if name in strange]
    if places and not extra:
        those = f"Column {places[0]} is" if len(places) == 1 else f"Columns {', '.join(places)} are"
        found.append(mismatch(None, f"{those} not part of the format, which has {_listed([*required, *optional])}."))
    return tuple(found)


def parted(header: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """Return the names of a header, and what separates them where all stand in one cell: `semicolons`, for example."""
    if len(header) == 1:
        for sign, called in _SEPARATORS.items():
            if sign in header[0]:
                return tuple(name.strip().strip('"') for name in header[0].split(sign)), called
    return tuple(header), None


def _respelt(header: Sequence[str], alike: Mapping[str, str], optional: Sequence[str]) -> list[str]:
    """Return the optional names that the header has in other signs only, and not in another declared spelling too."""
    there = {near.folded(name) for name in optional if name in header}
    folded = {name: near.folded(name) for name in alike if name in optional}
    return [name for name, text in folded.items() if text == near.folded(alike[name]) and text not in there]


def _wanted(required: Sequence[str]) -> str:
    return f"The first row does not hold the column names {_listed(required)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
