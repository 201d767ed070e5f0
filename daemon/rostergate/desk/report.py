"""The report: a folder with everything about one delivery.

    report.html    for people
    findings.csv   for spreadsheets: what is wrong, line by line
    changes.csv    for spreadsheets: what changes, row by row, ids only
    holds.csv      for spreadsheets: exactly the rows that each hold is about, ids only
    status.json    for programs

Rule 1: a report appears whole. It is written beside its place under a hidden name, synced, then renamed.
Rule 2: a report that is told again replaces the old one file by file, status.json last: no file is ever missing or cut
off. A crash in between leaves files of two tellings, and the next telling puts that right.
Rule 3: what an interrupted writing leaves has a hidden name and is removed by the next writing of the same report, or
by `sweep`, before anything else writes.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rostergate.desk import html_page, sheets, status
from rostergate.spool.disk import fsync_file, fsync_folder, move_durably

if TYPE_CHECKING:
    from rostergate.desk.story import Story

HTML, FINDINGS, CHANGES, HOLDS, STATUS = NAMES = (
    "report.html",
    "findings.csv",
    "changes.csv",
    "holds.csv",
    "status.json",
)

_UNFINISHED = ".unfinished-"


def write(folder: Path, story: Story) -> None:
    """Write the report into `folder`, as a whole; makes the folders above it.

    `changes.csv` is streamed. Calls for the same folder must not overlap. Raises `OSError`, and an old report then
    stays readable.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove_unfinished(folder.parent, f"{folder.name}-")
    unfinished = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}{folder.name}-", dir=folder.parent))
    try:
        _fill(unfinished, story)
        if folder.is_dir():
            for name in NAMES:
                (unfinished / name).replace(folder / name)
            fsync_folder(folder)
        else:
            move_durably(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def sweep(folder: Path) -> int:
    """Remove what interrupted writings left in a district's report folder; return how many. Raises `OSError`."""
    return _remove_unfinished(folder, "")


def _remove_unfinished(folder: Path, beginning: str) -> int:
    left = sorted(folder.glob(f"{_UNFINISHED}{beginning}*"))
    for one in left:
        shutil.rmtree(one)
    return len(left)


def _fill(folder: Path, story: Story) -> None:
    (folder / HTML).write_text(html_page.html(story), "utf-8", newline="\n")
    (folder / FINDINGS).write_text(sheets.findings_csv(story.findings), "utf-8", newline="\n")
    with (folder / CHANGES).open("wb") as out:
        sheets.write_changes(story.changes(), out)
    with (folder / HOLDS).open("wb") as out:
        sheets.write_holds(story.held(), out)
    (folder / STATUS).write_text(status.text(story), "utf-8", newline="\n")
    for name in NAMES:
        (folder / name).chmod(0o600)
        fsync_file(folder / name)
    fsync_folder(folder)
