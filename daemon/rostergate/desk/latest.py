"""LATEST.txt: where a district stands, as plain text for any SFTP client's viewer.

    UPLOAD IN PROGRESS    only while a set is incomplete, overdue, mixed or stuck; a line of = ends it
    DRY RUN IN PROGRESS   the same of a set in /preview/
    the summary           the newest delivery, or the newest dry run
    REFUSED SINCE THEN    only when something was refused after it

Rule 1: whoever reads only the first screen knows whether to act. The verdict comes first, then what to do.
Rule 2: a new delivery starts the page afresh; the same delivery told again (a plan was released) keeps the rest.
Rule 3: a part begins with its heading in the first column; what comes from a file or a district is always indented, so
that no name can pass for a heading.
Rule 4: a page is read, changed and replaced under a lock on its folder, so that gate, worker
and commands can all write.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostergate.core.completeness import Complete, Mixed, Overdue, Stuck, Waiting
from rostergate.desk.text_page import WIDTH, block, fact, heading, text
from rostergate.desk.words import clock, plain
from rostergate.spool.disk import write_atomically
from rostergate.spool.folders import Area

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from rostergate.core.completeness import Judgement
    from rostergate.desk.story import Story

__all__ = ["NAME", "NOTICES_BYTES_MAX", "tell", "text", "waiting", "write"]

NAME = "LATEST.txt"

NOTICES_BYTES_MAX = 65_536
"""Bytes of refusals kept under one summary; after that the page says once that more were left out."""

_NOTICE_CHARS_MAX = 600  # one refusal
_FILES_MAX = 24  # file names told of one unfinished set

_CUT_OFF = " (its newest upload was cut off: upload it again)"
_UNRENAMED = " (its newest upload was not renamed from its temporary name: upload it again)"
_STUCK = (
    "The files that came are here and safe, but the server cannot go on with them at the moment. Nothing of them has "
    "been checked or changed yet. It tries again by itself: you need not do anything, nor upload them again."
)
_PENDING = {Area.UPLOAD: heading("Upload in progress"), Area.PREVIEW: heading("Dry run in progress")}
_PLACE = {Area.UPLOAD: "", Area.PREVIEW: ", of the files in /preview/"}
_REFUSED = heading("Refused since then")
_END_OF_PENDING = "=" * WIDTH + "\n\n"
_LEFT_OUT = "  More was refused after this and is left out here.\n"
_NO_DELIVERY = "No delivery has been received yet.\n\n"


@dataclass(slots=True)
class _Page:
    """The parts of LATEST.txt, each with its heading; an empty part is absent."""

    pending: dict[Area, str]
    summary: str
    refused: str


def write(folder: Path, story: Story) -> None:
    """Put the story into `folder`/LATEST.txt.

    A delivery that is not on the page yet starts it afresh; a dry run and an undo leave an upload in progress there,
    and each of them a dry run in progress. Makes the folder. Raises `OSError`, and the old page then stays.
    """
    with _page(folder) as page:
        same = story.delivery is not None and fact("Delivery", story.delivery) in page.summary.splitlines()
        if not same:
            page.refused = ""
            if not (story.preview or story.undoes):
                page.pending[Area.UPLOAD] = ""
        page.summary = text(story) + "\n"


def tell(folder: Path, line: str, now: datetime) -> None:
    """Add a refusal under the summary, with the time on `now`'s own clock (pass the district's).

    A refusal that is told already is told once, with the time at which it last followed another one; no more than
    `NOTICES_BYTES_MAX` is kept. Makes the folder. Raises `OSError`, and the old page then stays.
    """
    with _page(folder) as page:
        told = page.refused or _REFUSED
        words = plain(line)[:_NOTICE_CHARS_MAX] or "(no reason given)"
        body = "".join(f"{part}\n" for part in block(words, first="    ", rest="    "))
        notices = _notices(told)
        if told.endswith(_LEFT_OUT) or (notices and notices[-1].partition("\n")[2] == body):
            return
        told = _REFUSED + "".join(one for one in notices if one.partition("\n")[2] != body)
        notice = f"  {clock(now)}\n{body}"
        room = len((told + notice + _LEFT_OUT).encode()) <= NOTICES_BYTES_MAX
        page.refused = told + (notice if room else _LEFT_OUT)


def waiting(folder: Path, area: Area, judgement: Judgement | None, now: datetime) -> None:
    """Say above the summary which files the set in `area` still needs, or that the server cannot go on with it.

    None, a complete set and one that is only waited for to settle take that away again; what is said of the other area
    stays. Times are told on `now`'s own clock (pass the district's). Makes the folder. Raises `OSError`, and the old
    page then stays.
    """
    with _page(folder) as page:
        page.pending[area] = "" if judgement is None else _pending(area, judgement, now)


def _needed(judgement: Complete | Waiting | Overdue | Mixed) -> tuple[tuple[str, ...], str, str]:
    """Return the files that a set still needs, and the words before and after them."""
    match judgement:
        case Complete():
            return (), "", ""
        case Waiting(missing=names):
            before = "The upload is not complete. Still to come:"
            return names, before, "Nothing is checked or changed until they are here."
        case Overdue(missing=names):
            before = "OVERDUE: the upload was begun long ago, but never completed. Missing:"
            after = "Nothing has been checked or changed. Upload them; names must match exactly, capitals included."
            return names, before, after
        case Mixed(old=names):
            before = "The files are not of one export. Much older than the others:"
            after = "Nothing has been checked or changed. Upload them again, so that all files are of the same export."
            return names, before, after


def _pending(area: Area, judgement: Judgement, now: datetime) -> str:
    as_of = f"  As of {clock(now)}{_PLACE[area]}:"
    if isinstance(judgement, Stuck):
        return _PENDING[area] + "\n".join([as_of, "", *block(_STUCK)]) + "\n\n" + _END_OF_PENDING
    names, before, after = _needed(judgement)
    if not names:
        return ""
    begun: dict[str, str] = {}
    if isinstance(judgement, Waiting | Overdue):
        begun = dict.fromkeys(judgement.cut_off, _CUT_OFF) | dict.fromkeys(judgement.unrenamed, _UNRENAMED)
    shown = []
    for name in names[:_FILES_MAX]:
        shown += block(f"{plain(name)}{begun.get(name, '')}", first="    - ", rest="      ")
    if len(names) > _FILES_MAX:
        shown.append(f"    and {len(names) - _FILES_MAX} more")
    lines = [as_of, "", *block(before), *shown, "", *block(after)]
    return _PENDING[area] + "\n".join(lines) + "\n\n" + _END_OF_PENDING


def _notices(refused: str) -> list[str]:
    """Return the refusals as they stand on the page, each with its time above it."""
    found: list[str] = []
    for line in refused.removeprefix(_REFUSED).splitlines(keepends=True):
        if line.startswith("    ") and found:
            found[-1] += line
        else:
            found.append(line)
    return found


@contextmanager
def _page(folder: Path) -> Iterator[_Page]:
    """Give the page to change, and replace the file when it was changed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = _read(folder / NAME)
        page = _parted(before)
        yield page
        after = "".join(page.pending[area] for area in Area) + (page.summary or _NO_DELIVERY) + page.refused
        if after != before:
            write_atomically(folder / NAME, after.encode())
    finally:
        os.close(descriptor)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _parted(page: str) -> _Page:
    pending, refused = dict.fromkeys(Area, ""), ""
    for area in Area:
        if page.startswith(_PENDING[area]) and _END_OF_PENDING in page:
            before, _, page = page.partition(_END_OF_PENDING)
            pending[area] = before + _END_OF_PENDING
    summary, found, after = page.partition(f"\n{_REFUSED}")
    if found:
        summary, refused = f"{summary}\n", f"{_REFUSED}{after}"
    return _Page(pending, summary, refused)
