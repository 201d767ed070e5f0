"""Files of every kind for comparing the roads of the reader: made from a seed, quickly, a million of them if need be.

    .venv/bin/python tests/core/roads.py --files 100000                  small files, each with limits of its own
    .venv/bin/python tests/core/roads.py --files 2000 --pieces 500       the same, 500 of them one below the other

`--seed` gives other files. `test_stretches` compares a few of both kinds. A million pieces take minutes where a million
small files take hours, and what is broken in one piece reaches into the next, as in a large file.

Rule: whatever the fast roads take, they take as the careful reader does: header, cells, lines and findings.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from rostergate.core import careful, proof, stretches
from rostergate.core.policy import ReadingLimits
from rostergate.core.sheet import with_line_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.sheet import Sheet

_ENDS = ("\n", "\n", "\n", "\r\n", "\r")
_SIGNS = ("a", "7", "é", "東", "😀", "\\", "'", " ", "\t", "\xa0", "\x0b", "\x1c", "\x1f", "\u2028", "\x85", "\x1a")
_BITS = (*_SIGNS, '"', '"', '"', '""', ",", ",", "\n", "\n", "\r", "\r\n", '\\"', '","', '"\n', "\n\n", ' "', '" ')


class Case(NamedTuple):
    """One file, as `reading` hands it to a road, and the limits it is read with."""

    data: bytes
    limits: ReadingLimits


def cases(seed: int, count: int, pieces: int = 1) -> Iterator[Case]:
    """Yield that many cases, the same for the same seed; each has that many texts, damaged one by one."""
    chance = random.Random(seed)
    for _ in range(count):
        width = chance.randrange(1, 5)
        text = "".join(_text(chance, width) for _ in range(pieces))
        if pieces > 1 or chance.random() < 0.5:
            text = ",".join(f"c{place}" for place in range(width)) + chance.choice(_ENDS) + text
        yield Case(with_line_feeds(text.encode()), _limits(chance) if pieces == 1 else ReadingLimits())


def compared(case: Case) -> Counter[str]:
    """Compare the roads over one file and return what it was. Raises `AssertionError` where they differ."""
    expected = careful.read("x.csv", case.data, case.limits)
    whole = proof.read(case.data, case.limits)
    mixed = stretches.read("x.csv", case.data, case.limits)
    told = Counter({"files": 1, "bytes": len(case.data), "rows of the careful reader": _rows(expected)})
    if whole:
        assert not whole.findings, case
        _assert_equal(whole, expected, case)
        told["proven by counting"] += 1
    if mixed:
        _assert_equal(mixed, expected, case)
        told["read by stretches"] += 1
        told["read by stretches, with findings"] += bool(mixed.findings)
        told["read by stretches, with cells of several lines"] += _has_long_cells(mixed)
    told["left to the careful reader"] += not (whole or mixed)
    told["with findings"] += bool(expected.findings)
    return told


def _assert_equal(found: Sheet, expected: Sheet, case: Case) -> None:
    assert (found.header, found.header_line, found.findings) == (
        expected.header,
        expected.header_line,
        expected.findings,
    ), case
    assert found.frame is not None, case
    assert expected.frame is not None, case
    assert found.frame.schema == expected.frame.schema, case
    assert found.frame.equals(expected.frame), case


def _rows(sheet: Sheet) -> int:
    return 0 if sheet.frame is None else len(sheet.frame)


def _has_long_cells(sheet: Sheet) -> bool:
    return sheet.frame is not None and any("\n" in str(cell) for row in sheet.frame.iter_rows() for cell in row)


def _text(chance: random.Random, width: int) -> str:
    text = _soup(chance) if chance.random() < 0.2 else _written(chance, width)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        text = _damaged(chance, text)
    return text


def _soup(chance: random.Random) -> str:
    return "".join(chance.choices(_BITS, k=chance.randrange(40)))


def _written(chance: random.Random, width: int) -> str:
    """Return a file as some program might write it: quotes never, where needed or everywhere; blank lines or none."""
    end, style, blank, mixed = chance.choice(_ENDS), chance.random(), chance.random() < 0.2, chance.random() < 0.1
    parts = []
    for _ in range(chance.randrange(12)):
        cells = (_cell(chance, style) for _ in range(width))
        parts.append(",".join(cells) + (chance.choice(_ENDS) if mixed else end))
        if blank and chance.random() < 0.3:
            parts.append(end * chance.randrange(1, 3))
    text = "".join(parts)
    return text if chance.random() < 0.7 else text.rstrip("\r\n")


def _cell(chance: random.Random, style: float) -> str:
    text = "".join(chance.choices(_SIGNS, k=chance.randrange(4)))
    if style < 0.3:
        return text
    if style < 0.6 and chance.random() < 0.6:
        return text
    text = text.replace("\\", "") + chance.choice(("", "", "", ",", '""', "\n", "\r\n", ', ""b""', "\n\n,"))
    blanks = chance.choice((" ", "\t")) if chance.random() < 0.05 else ""
    return f'{blanks}"{text}"{blanks}'


def _damaged(chance: random.Random, text: str) -> str:
    start = chance.randrange(len(text) + 1)
    return text[:start] + chance.choice(("", "", *_BITS)) + text[start + chance.choice((0, 0, 1, 1, 2, 5)) :]


def _limits(chance: random.Random) -> ReadingLimits:
    kind = chance.random()
    if kind < 0.05:
        return ReadingLimits(row_bytes_max=chance.randrange(1, 30))
    if kind < 0.1:
        return ReadingLimits(rows_max=chance.randrange(8))
    return ReadingLimits(columns_max=chance.randrange(1, 4)) if kind < 0.12 else ReadingLimits()


def main() -> None:
    """Compare the roads over as many files as were asked for, and print what they were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--pieces", type=int, default=1, help="texts of each file")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.process_time()
    told: Counter[str] = Counter()
    for case in cases(arguments.seed, arguments.files, arguments.pieces):
        told += compared(case)
    lines = [f"seed {arguments.seed}: no difference; {time.process_time() - began:.0f} s of CPU"]
    lines += [f"{count:>10,} {what}" for what, count in told.most_common()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
