"""Sets of every format, damaged at random, and what holds of the verdict about each; made from a seed.

    .venv/bin/python tests/core/damaged.py --sets 20000 --seed 1

Cells, lines and bytes are exchanged, doubled, lost and cut off, by what real exports have in the wrong place. A few are
decided with the tests each time.

Rule: there is always a verdict. What it tells stands in a file that came or was expected, on a line that the file has.
An accepted set that comes again, once it was applied in full, changes nothing; no two people of a first delivery have
one e-mail address or phone number; and nobody leaves who still stands in the files, however spoilt their row is.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.append(str(Path(__file__).parents[1]))

from core.sets import CLEVER, DIRECT, ONEROSTER_1_1, ONEROSTER_1_2, REMIND_1_0, SDS_2_1
from rostergate.core import catalogue
from rostergate.core.decide import decide
from rostergate.core.diff import apply
from rostergate.core.policy import Policy, ReadingLimits
from rostergate.core.reading import read
from rostergate.core.roster import empty
from rostergate.core.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rostergate.core.verdict import Verdict

SETS = (CLEVER, DIRECT, ONEROSTER_1_1, ONEROSTER_1_2, REMIND_1_0, SDS_2_1)
_BYTES = (b"", b'"', b'""', b",", b"\n", b"\r", b"\0", b"\xff", b"\xe9", b" ", b"\xef\xbb\xbf", b'\\"', b",,", b"--")
_CELLS = (
    *_BYTES,
    *(b"s1", b"t1", b"t2", b"g1", b"c1", b"01", b"1", b"02", b"d", b"nobody", b"S1", b"0s1"),
    *(b"student", b"teacher", b"guardian", b"Pupil", b"ext:aide", b"school", b"district", b"tobedeleted", b"delta"),
    *(b"t1@school.org", b"g1@home.org", b"x@y.org", b"nobody@", b"212-555-0103", b"212-555-0188", b"12"),
    *(b"2012-03-04", b"03/04/2012", b"12-Sep", b"9", b"K", b"#N/A", b"1.0", b"1E+11", b"=1", b"x" * 300),
    *(b"Total", b"(3 rows affected)", b"line", b"file", b"teacher", b"title", b"School_id", b"sourcedId"),
)

_PEOPLE = {
    "clever": {"students": ("students.csv", "Student_id"), "teachers": ("teachers.csv", "Teacher_id")},
    "direct": {"students": ("students.csv", "student_id"), "teachers": ("teachers.csv", "teacher_id")},
    "remind-1.0": {"students": ("students.csv", "student_id"), "teachers": ("teachers.csv", "teacher_id")},
}
"""Formats in which standing in a file is being a student or teacher, and the column that says who."""
_SOUND = {
    name: {file: text.encode() for file, text in one.items()}
    for name, one in (("clever", CLEVER), ("direct", DIRECT), ("remind-1.0", REMIND_1_0))
}


def cases(seed: int, count: int) -> Iterator[dict[str, bytes]]:
    """Yield that many damaged sets, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        files = {name: text.encode() for name, text in chance.choice(SETS).items()}
        for name in chance.sample(sorted(files), chance.choice((1, 1, 1, 2, 3))):
            for _ in range(chance.choice((1, 1, 2, 3, 5))):
                files[name] = _damaged(chance, files[name])
        if chance.random() < 0.03:
            del files[chance.choice(sorted(files))]
        yield files


def _damaged(chance: random.Random, data: bytes) -> bytes:
    kind, lines = chance.random(), data.split(b"\n")
    first = chance.random() < 0.9  # hardly ever the header
    place = chance.randrange(first, max(len(lines) - 1, first + 1)) % len(lines)
    if kind < 0.68:
        cells = lines[place].split(b",")
        cells[chance.randrange(len(cells))] = chance.choice(_CELLS)
        lines[place] = b",".join(cells)
    elif kind < 0.76:
        del lines[place]
    elif kind < 0.88:
        lines.insert(place, lines[chance.randrange(len(lines))])
    elif kind < 0.9:
        return data[: chance.randrange(len(data) + 1)]
    else:
        start = chance.randrange(min(len(lines[0]), len(data)), len(data) + 1)
        return data[:start] + chance.choice(_BYTES) + data[start + chance.choice((0, 0, 1, 2)) :]
    return b"\n".join(lines)


def judged(files: dict[str, bytes]) -> Verdict:
    """Decide about a first delivery of these files. Raises `AssertionError` where the rule does not hold."""
    verdict = decide(files, empty(), Policy())
    expected = {file.name for one in catalogue.formats().values() for file in one.files}
    for one in verdict.findings:
        assert one.file is None or one.file in files or one.file in expected, one
        assert one.count >= max(1, len(one.lines)), one
        ends = files.get(one.file or "", b"")
        assert max(one.lines, default=0) <= 1 + ends.count(b"\n") + ends.count(b"\r"), one
    if verdict.outcome is Outcome.ACCEPTED:
        roster = apply(empty(), [plan.changes for plan in verdict.plans])
        again = decide(files, roster, Policy())
        assert again.findings == verdict.findings
        assert [plan.school_id for plan in again.plans if plan.changes] == []
        for contact in ("email", "phone"):
            told = [
                one for table in ("teachers", "guardians", "students") for one in roster[table][contact].drop_nulls()
            ]
            assert len(told) == len(set(told)), contact
        if verdict.format in _PEOPLE:
            _assert_nobody_left_who_is_there(files, verdict.format)
    return verdict


def _assert_nobody_left_who_is_there(files: dict[str, bytes], fmt: str) -> None:
    roster = apply(empty(), [plan.changes for plan in decide(_SOUND[fmt], empty(), Policy()).plans])
    later = decide(files, roster, Policy(format=fmt))
    for table, (file, key) in _PEOPLE[fmt].items():
        frame = read(file, files[file], limits=ReadingLimits()).frame
        assert frame is not None
        changed = [plan.changes[table] for plan in later.plans if table in plan.changes]
        left = {
            id_ for rows in changed for id_, action in rows[f"{table[:-1]}_id", "action"].rows() if action == "removed"
        }
        assert left.isdisjoint(frame[key].drop_nulls()), table


def main() -> None:
    """Decide about as many sets as were asked for, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    began = time.process_time()
    outcomes: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for number, files in enumerate(cases(arguments.seed, arguments.sets)):
        try:
            verdict = judged(files)
        except Exception:
            sys.stdout.write(f"set {number} of seed {arguments.seed}: {files}\n")
            raise
        outcomes[verdict.outcome.value] += 1
        codes.update(one.code for one in verdict.findings)
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
    sys.stdout.write(f"seed {arguments.seed}: {told}; {time.process_time() - began:.0f} s of CPU\n")
    sys.stdout.write(", ".join(f"{code} {count:,}" for code, count in codes.most_common()) + "\n")


if __name__ == "__main__":
    main()
