"""Whatever bytes come under the name of a CSV file: a result, in bounded memory, and said by name where it has one."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from rostergate.core.policy import ReadingLimits
from rostergate.core.reading import read

MIB = 1 << 20
PEAK_MIB_MAX = 192
"""What reading all cases, one after the other, may add to a process at its peak; the largest has 4 MiB."""

ROW = b"01,Lincoln\n"
HEAD = b"school_id,school_name\n" + ROW
NAMES = "school_id,school_name\n01,アオバ小学校\n"

CASES = {
    "nothing": (b"", {"empty-file": ()}),
    "NUL bytes alone": (bytes(4 * MIB), {"nul-byte": (1,)}),
    "a NUL byte in one line": (HEAD + b"02,Ad\0ams\n" + ROW, {"nul-byte": (3,)}),
    "a cell of 2 MiB": (HEAD + b"02," + b"x" * (2 * MIB) + b"\n" + ROW, {"row-too-long": (3,)}),
    "a cell of 2 MiB in quotes": (HEAD + b'02,"' + b"x" * (2 * MIB) + b'"\n' + ROW, {"row-too-long": (3,)}),
    "a cell of 2 MiB in many lines": (
        HEAD + b'02,"' + b"x,x\n" * 500_000 + b'"\n' + ROW,
        {"bad-quotes": (3, 500_003)},
    ),
    "2 MiB without a line end": (b"x" * (2 * MIB), {"row-too-long": (1,)}),
    "20,000 blank lines": (b"\n" * 20_000 + HEAD + b"\r\n" * 20_000 + b"1\n", {"wrong-column-count": (40_003,)}),
    "4 MiB of lone CR": (b"\r" * (4 * MIB), {"empty-file": ()}),
    "10,000 columns": (b",".join(b"c%d" % one for one in range(10_000)) + b"\n" + ROW, {"too-many-columns": (1,)}),
    "commas alone": (b"," * (2 * MIB), {"row-too-long": (1,)}),
    "10,000 rows of commas": (HEAD + b",,,,,,,,,,,,,,,,,,\n" * 10_000 + ROW, {}),
    "quotation marks alone": (b'"' * (2 * MIB), {"row-too-long": (1,)}),
    "a quotation mark on every line": (HEAD + b'"\n' * 100_001, {"bad-quotes": (100_003,)}),
    "quotes that open on every line": (HEAD + b'02,"x\n' * 100_000, {"bad-quotes": tuple(range(3, 23))}),
    "UTF-16, little-endian": (b"\xff\xfe" + NAMES.encode("utf-16-le"), {"utf-16": ()}),
    "UTF-16, big-endian": (b"\xfe\xff" + NAMES.encode("utf-16-be"), {"utf-16": ()}),
    "UTF-16 of an odd length": (b"\xff\xfe" + NAMES.encode("utf-16-le") + b"x", {"unreadable-encoding": (3,)}),
    "UTF-16 that is cut within a pair": (b"\xff\xfe" + "a\n😀".encode("utf-16-le")[:-2], {"unreadable-encoding": (2,)}),
    "Shift-JIS": (NAMES.encode("shift_jis"), {"unreadable-encoding": (2,)}),
    "random bytes": (random.Random(7).randbytes(MIB), None),
    "random bytes without NUL": (random.Random(7).randbytes(MIB).replace(b"\0", b"\n"), None),
    "a PDF document": (b"%PDF-1.7\n" + random.Random(7).randbytes(MIB), {"not-csv": ()}),
    "an Excel workbook of 97": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(MIB), {"not-csv": ()}),
    "an Excel workbook": (b"PK\x03\x04" + random.Random(7).randbytes(MIB) + b"xl/workbook.xml", {"not-csv": ()}),
    "an archive": (b"PK\x03\x04" + random.Random(7).randbytes(MIB), {"archive": ()}),
}
"""What comes -> what is found, with its lines; None: anything but nothing."""


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES)
def test_gives_a_result(data: bytes, expected: dict[str, tuple[int, ...]] | None) -> None:
    """There is a table or a finding, with the line, and what is no CSV file is called by its name."""
    found = read("schools.csv", data, limits=ReadingLimits())
    told = {one.code: one.lines for one in found.findings}
    assert told == expected if expected is not None else told


@pytest.mark.parametrize("name", ["a PDF document", "an Excel workbook"])
def test_a_document_is_named(name: str) -> None:
    """Whoever renamed a document reads what it is."""
    (found,) = read("schools.csv", CASES[name][0], limits=ReadingLimits()).findings
    assert found.message == f"The file is {name}, not a CSV file."


def test_memory_is_bounded() -> None:
    """All of it together, read in one process, takes at its peak a small multiple of what the largest has."""
    command = [sys.executable, "-c", MEASURED, str(Path(__file__).parents[1])]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    before, after = json.loads(done.stdout)
    assert after - before < PEAK_MIB_MAX * MIB


MEASURED = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from core.test_any_bytes import CASES, HEAD
from rostergate.core.policy import ReadingLimits
from rostergate.core.reading import read

def peak():
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kib if sys.platform == "darwin" else kib * 1024

read("schools.csv", HEAD + b'"1",2\\n3\\n', limits=ReadingLimits())
before = peak()
for data, _ in CASES.values():
    read("schools.csv", data, limits=ReadingLimits())
print(json.dumps([before, peak()]))
"""
