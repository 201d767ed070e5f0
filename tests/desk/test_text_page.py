from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from desk.conftest import a_finding, a_school, a_verdict
from rostergate.desk.specimens import HOLD
from rostergate.desk.text_page import _FINDINGS_MAX, _SCHOOLS_MAX, WIDTH, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from desk.conftest import Tell
    from rostergate.desk.story import Story

REJECTED = """\
Roster delivery of Lincoln Unified
================================================================================

  Refused: 1 format error was found (students.csv, line 1042), so nothing was
  changed.

Delivery       lincoln-00017
Received       Tue 1 Sep 2026, 08:12 CDT (America/Chicago)
Decided        Tue 1 Sep 2026, 08:12 CDT (America/Chicago)
Format         direct
Files          1 file, 3,120 rows
Next upload    possible now

WHAT TO DO
----------
  * Correct what is listed under Findings in your SIS or in its export.
  * Upload all files again, now. A refused delivery does not use your upload of
    the day.

FINDINGS
--------
  Format errors. The whole delivery is refused until these are corrected.

  * students.csv, line 1042
    The row has 7 cells, the header 8.
    What to do: Correct wrong-column-count.

FILES RECEIVED
--------------
  students.csv                        3,120 rows      402 KB

MORE ABOUT IT
-------------
  The folder /reports/lincoln-00017/ of this account has report.html (for any
  browser), findings.csv, changes.csv and holds.csv (for spreadsheets) and
  status.json (for programs).
"""

HELD_SCHOOL = """\
  Jefferson High (200): on hold
    The school would lose 412 of 800 students (51.5 %). The limit is 20 % of a
    table, from 25 rows on. Most often the export was cut off or filtered, or
    was taken from another school year.
    Nothing of this school has been changed.
    - If the numbers are right: ask the platform's operator to release plan
      3f2a9c117b20.
    - If they are not: correct the export and upload all files again, from Wed 2
      Sep 2026, 00:00 CDT (America/Chicago) on.
    - A new delivery replaces the plans of this one that are still open.
"""

CHANGED = """\
WHAT CHANGED
------------
  Rows of the whole district; each person is counted once.

                                 added     updated     removed   unchanged
  Students                          12           3           1         800
  Students in classes               80           0           4           0
"""


def test_a_ragged_row_is_told_with_file_and_line(stories: dict[str, Story]) -> None:
    """A refused delivery reads from the verdict over what to do to the exact line."""
    assert text(stories["rejected"]) == REJECTED


def test_nothing_is_left_to_the_report_where_all_is_told(tell: Tell) -> None:
    """A list that just has room does not say that there is more."""
    schools = [a_school(str(number), f"School {number}", "held", holds=[HOLD]) for number in range(_SCHOOLS_MAX)]
    findings = tuple(a_finding(f"fault-{number}", "error") for number in range(_FINDINGS_MAX))
    assert "further" not in text(tell(a_verdict(*schools, findings=findings), state="planned"))


def test_a_held_school_says_why_and_what_to_do(stories: dict[str, Story]) -> None:
    """A held school shows its numbers, the limit, what to release and when to upload instead."""
    told = text(stories["held"])
    assert HELD_SCHOOL in told
    assert "Schools that wait are\n  counted too, although nothing of them has changed yet." in told


def test_changes_are_counted_per_table(stories: dict[str, Story]) -> None:
    """An accepted delivery counts added, updated, removed and unchanged rows of each table that has rows."""
    told = text(stories["changed"])
    assert CHANGED in told
    assert "Nothing to do. Your next export can come as usual." in told


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("same", "Nothing changed: the roster is already as the files say."),
        ("same", "Next upload    possible from Wed 2 Sep 2026, 00:00 CDT (America/Chicago)"),
        ("released", "Jefferson High (200): released and applied"),
        ("released", "Released: Confirmed by phone"),
        ("discarded", "Discarded: Export was cut off"),
        ("unmatched", "New Hope (9): waiting for a match"),
        ("superseded", "Look at the report of your newest delivery instead."),
        ("superseded", "Jefferson High (200): replaced by a newer delivery"),
        ("superseded by an undo", "Jefferson High (200): replaced by the undo lincoln-00018"),
        ("ended by an erasure", "Jefferson High (200): ended when a person was erased"),
        ("ended by an erasure", "Nothing to correct: your next delivery brings again what still waited."),
        ("preview", "DRY RUN: nothing was changed, your upload of the day is not used."),
        ("preview", "Jefferson High (200): would be on hold"),
        ("preview", "Errors. These rows are left out, unless"),
        ("refused preview", "DRY RUN: nothing was changed, your upload of the day is not used."),
        ("incomplete", "Dry run, not complete: required files are missing, so nothing was decided."),
        ("failed", "Tell the platform's operator, and name delivery lincoln-00017"),
        ("sealed", "Wait: this page is written again as soon as the files are checked."),
        ("faulty", "* teachers.csv, column email, lines 14 and 88"),
        ("faulty", "* students.csv, lines 3-22 and 98 more"),
    ],
)
def test_each_kind_of_delivery_says_what_counts(stories: dict[str, Story], kind: str, words: str) -> None:
    """Each kind of delivery has the sentence that its reader needs."""
    assert words in text(stories[kind])


def test_no_line_is_too_wide(stories: dict[str, Story]) -> None:
    """Every page is ASCII and fits 80 columns."""
    for kind, story in stories.items():
        told = text(story)
        assert told.isascii(), kind
        assert max(map(len, told.splitlines())) <= WIDTH, kind


def test_a_district_cannot_forge_the_page(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """A school's name stays on its indented line, whatever it holds."""
    verdict = dict(stories["held"].verdict or {})
    name = "Jefferson\nREFUSED SINCE THEN\n------------------\n\x1b[2J"
    verdict["schools"] = [{**one, "name": name} for one in verdict["schools"]]
    told = text(tell(verdict, state="planned"))
    assert "REFUSED SINCE THEN" not in told.splitlines()
    assert "\x1b" not in told


def test_long_lists_are_cut_and_counted(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """A page of many schools and findings tells the first of them, and how many more there are."""
    verdict = dict(stories["held"].verdict or {})
    held = next(one for one in verdict["schools"] if one["state"] == "held")
    verdict["schools"] = [{**held, "school_id": str(number), "name": f"School {number:03}"} for number in range(100)]
    ragged = (stories["rejected"].verdict or {})["findings"][0]
    verdict["findings"] = [{**ragged, "column": f"column-{number}"} for number in range(45)]
    told = text(tell(verdict, state="planned"))
    assert "... and 70 further schools: see report.html" in told
    assert "... and 15 further findings: see report.html" in told


def test_the_address_is_a_hint(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Where the daemon knows its public name, the page says how to connect."""
    told = text(tell(stories["same"].verdict, host="roster.example.org", port=2222))
    assert told.endswith("  status.json (for programs).\n  sftp -P 2222 lincoln@roster.example.org\n")


def test_the_page_tells_where_the_schools_stand(stories: dict[str, Story], tell: Callable[..., Story]) -> None:
    """Each status is counted, most urgent first, and a school with rows left out is named."""
    told = text(stories["held"])
    part = told[told.index("WHERE THE SCHOOLS STAND") :].splitlines()
    assert [line.split() for line in part[2:4]] == [["on", "hold", "1"], ["connected", "2"]]
    verdict = stories["same"].verdict
    assert verdict is not None
    (adams,) = verdict["schools"]
    faulty = text(tell({**verdict, "schools": [{**adams, "rows_left_out": 3}]}))
    assert "Adams (400): 3 rows could not be used, see findings" in faulty
