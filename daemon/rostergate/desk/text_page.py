"""The summary in LATEST.txt: one delivery as plain text, 80 columns wide.

Rule 1: ASCII only, save for names that the district gave itself.
Rule 2: lists are capped here, counts are not; the full lists stand in report.html and findings.csv.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rostergate.core.findings import Finding, Severity
from rostergate.core.plan_state import State as PlanState
from rostergate.core.school_status import Status
from rostergate.desk import advice, summary, wording
from rostergate.desk.words import counted, number, plain, size, table_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rostergate.desk.story import School, Story

WIDTH = 80

_FINDINGS_MAX = 30  # findings told per severity
_SCHOOLS_MAX = 30  # schools told
_FILES_MAX = 30  # files told
_NAME_CHARS_MAX = 200  # of a school, a file or a district


def heading(title: str) -> str:
    """Return a part's heading: the title in capitals, underlined, and an end of line."""
    return f"{title.upper()}\n{'-' * len(title)}\n"


def fact(label: str, value: str) -> str:
    """Return one line of the facts under the verdict: `Delivery       lincoln-00017`."""
    return f"{label:<15}{value}"


def text(story: Story) -> str:
    """Return the whole summary, ended by a line feed."""
    parts = (
        _verdict(story),
        _facts(story),
        _steps(story),
        _schools(story),
        _statuses(story),
        _changes(story),
        _findings(story),
        _files(story),
        _whereabouts(story),
    )
    return "\n".join("".join(f"{line}\n" for line in part) for part in map(list, parts) if part)


def _verdict(story: Story) -> Iterator[str]:
    kind = "Dry run" if story.preview else "Roster delivery"
    yield from block(f"{kind} of {_name(story.name)}", first="")
    yield "=" * WIDTH
    yield ""
    if story.preview:
        yield from block(summary.DRY_RUN)
        yield ""
    yield from block(summary.sentence(story))


def _facts(story: Story) -> Iterator[str]:
    for label, value in wording.facts(story):
        yield fact(label, value)


def _steps(story: Story) -> Iterator[str]:
    yield from _titled("What to do")
    for step in advice.next_steps(story):
        yield from block(step, first="  * ", rest="    ")


def _schools(story: Story) -> Iterator[str]:
    told = [school for school in story.schools if school.holds or school.state in _TOLD]
    if not told:
        return
    yield from _titled("Schools to look at" if any(school.state in _OPEN for school in told) else "Schools")
    for place, school in enumerate(told[:_SCHOOLS_MAX]):
        if place:
            yield ""
        yield from _school(story, school)
    yield from _more(len(told) - _SCHOOLS_MAX, "school")


def _statuses(story: Story) -> Iterator[str]:
    if not story.statuses:
        return
    yield from _titled("Where the schools stand")
    for status, count in story.statuses.items():
        yield f"  {status.value:<24}{number(count):>12}"
    faulty = [school for school in story.schools if school.status is Status.ERRORS]
    if faulty:
        yield ""
    for school in faulty[:_SCHOOLS_MAX]:
        yield from block(f"{_name(school.name)} ({_name(school.school_id)}): {wording.left_out(school)}")
    yield from _more(len(faulty) - _SCHOOLS_MAX, "school")


_OPEN = {PlanState.HELD, PlanState.UNMATCHED}
_TOLD = {*_OPEN, PlanState.DISCARDED}


def _school(story: Story, school: School) -> Iterator[str]:
    yield from block(f"{_name(school.name)} ({_name(school.school_id)}): {wording.state_of(story, school)}")
    for hold in school.holds:
        yield from block(hold.message, first="    ", rest="    ")
    if school.reason:
        verb = "Discarded" if school.state is PlanState.DISCARDED else "Released"
        yield from block(f"{verb}: {school.reason}", first="    ", rest="    ")
    if school.state in _OPEN and not story.preview:
        yield "    Nothing of this school has been changed."
    for step in advice.about_school(story, school):
        yield from block(step, first="    - ", rest="      ")


def _changes(story: Story) -> Iterator[str]:
    rows = [(table, counts) for table, counts in story.totals.items() if any(counts.values())]
    if not rows:
        return
    yield from _titled(wording.changes_title(story))
    yield from block(wording.changes_scope(story))
    yield ""
    yield "  " + f"{'':<24}" + "".join(f"{name:>12}" for name in _COUNTS)
    for table, counts in rows:
        yield "  " + f"{table_title(table):<24}" + "".join(f"{number(counts[name]):>12}" for name in _COUNTS)


_COUNTS = ("added", "updated", "removed", "unchanged")


def _findings(story: Story) -> Iterator[str]:
    if not story.findings:
        return
    yield from _titled("Findings")
    for place, severity in enumerate(severity for severity in Severity if story.found(severity)):
        told = [one for one in story.findings if one.severity is severity]
        if place:
            yield ""
        yield from block(f"{wording.SEVERITY_TITLES[severity]}. {wording.SEVERITY_MEANINGS[severity]}")
        for one in told[:_FINDINGS_MAX]:
            yield from _finding(one)
        yield from _more(len(told) - _FINDINGS_MAX, "finding")


def _finding(one: Finding) -> Iterator[str]:
    yield ""
    yield from block(wording.place_of(one), first="  * ", rest="    ")
    yield from block(one.message, first="    ", rest="    ")
    yield from block(f"What to do: {one.next_step}", first="    ", rest="    ")


def _files(story: Story) -> Iterator[str]:
    files: Sequence[dict[str, int | str]] = (story.verdict or {}).get("files", ())
    if not files:
        return
    yield from _titled("Files received")
    for one in files[:_FILES_MAX]:
        yield f"  {_name(str(one['name'])):<28}{counted(int(one['rows']), 'row'):>18}{size(int(one['bytes'])):>12}"
    yield from _more(len(files) - _FILES_MAX, "file")


def _whereabouts(story: Story) -> Iterator[str]:
    if story.place or story.host:
        yield from _titled("More about it")
    if story.place:
        yield from block(
            f"The folder {story.place} of this account has report.html (for any browser), findings.csv, changes.csv "
            "and holds.csv (for spreadsheets) and status.json (for programs)."
        )
    if story.host:
        yield f"  sftp -P {story.port} {story.username or story.district}@{story.host}"


def _titled(title: str) -> list[str]:
    return heading(title).splitlines()


def block(words: str, first: str = "  ", rest: str = "  ") -> list[str]:
    """Return the words in lines no longer than `WIDTH`."""
    return wrap(words, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _more(left: int, noun: str) -> Iterator[str]:
    if left > 0:
        yield ""
        yield f"  ... and {counted(left, f'further {noun}')}: see report.html"


def _name(given: str) -> str:
    return plain(given)[:_NAME_CHARS_MAX]
