"""Write verdict.json of the named cases, and show it: it says what the code decides, so check every line by hand."""

from __future__ import annotations

import argparse
import sys

from cases import FOLDER, load, names, written

if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("case", nargs="+", choices=names(), metavar="CASE", help="a folder of tests/golden")
    for name in asked.parse_args().case:
        case = load(FOLDER / name)
        text = written(case.answer())
        (case.folder / "verdict.json").write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}: {case.sentence}\n{text}")
