"""Letters: a mail as its reader gets it. Each kind has a text and an HTML template, which an operator can replace.

Rule 1: a subject holds the district's name and counts, never a cell of a file; templates do not write it.
Rule 2: a template of the operator's that cannot be used never costs a mail: the house's own is taken instead.
Rule 3: a letter says first what happened, then what to do, then the rest, capped; the report has all of it.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    select_autoescape,
)

from rostergate.core.notices import Kind
from rostergate.core.plan_state import State as PlanState
from rostergate.desk import advice, summary, wording, words
from rostergate.desk.html_page import rows
from rostergate.desk.text_page import block

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rostergate.desk.story import Story

SUBJECT_CHARS_MAX: Final = 150
_NAME_CHARS_MAX: Final = 60  # of a district's name in a subject, which has to have room for what happened
_SCHOOLS_MAX: Final = 20  # schools told of one delivery
_FINDINGS_MAX: Final = 20  # findings told of one delivery
_WAITING: Final = {PlanState.HELD, PlanState.UNMATCHED}
_ABOUT_A_DELIVERY: Final = {Kind.REFUSED, Kind.HELD, Kind.APPLIED, Kind.FAULTS, Kind.CLOSED}
_SUFFIX: Final = ".j2"
_ENTRY: Final = "  * "
_SIGNATURE: Final = "\n-- \n"
_SUBJECTS: Final = {
    Kind.ACCESS: "{name}: access to the roster server",
    Kind.RECEIVED: "{name}: roster received, it is being checked",
    Kind.OVERDUE: "{name}: roster upload not complete, {missing} missing",
    Kind.MIXED: "{name}: roster upload mixed, {old} of an older export",
    Kind.LATE: "{name}: no roster yet, it usually arrives by {by}",
    Kind.SILENT: "{name}: no roster for {days}",
    Kind.FORGOTTEN: "{name}: no roster for {days}",
    Kind.UNMATCHED: "{name}: {schools} to be matched",
    Kind.FAILED: "{name}: roster delivery {delivery} could not be processed",
    Kind.DISK: "rostergate on {host}: the disk is nearly full",
    Kind.DEAD: "rostergate on {host}: {count} could not be delivered",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph of a short letter."""

    kind: Literal["title", "paragraph", "list", "facts"]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail's content."""

    subject: str
    text: str
    html: str
    broken: str | None = None
    """What is wrong with the operator's own template, which was not used then."""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What a letter is about, and who gets it."""

    kind: Kind
    host: str
    port: int
    contact: str
    """The address that answers go to."""
    name: str = ""
    """The district's name; empty in letters to the operators that are about no district."""
    username: str = ""
    """The district's slug."""
    zone: ZoneInfo | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    """By kind. overdue: missing; mixed: old (file names); late: by, begun (whether some files
    are there); silent, forgotten: days; access: fingerprints;
    unmatched: schools (how many); disk: free_bytes, bytes; dead: count."""
    story: Story | None = None
    error: str = ""
    """Why a delivery failed."""
    to_operator: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    """Plan -> release code."""
    codes_expire_at: datetime | None = None


def letter(occasion: Occasion, own_templates: Path | None = None) -> Letter:
    """Return the letter for an occasion. `own_templates`: the folder of the operator's own, which need not be there."""
    if own_templates is None:
        return written(occasion)
    try:
        return written(occasion, own_templates)
    except Exception as error:  # noqa: BLE001 - a template is a program: it may raise anything
        return replace(written(occasion), broken=broken(error))


def written(occasion: Occasion, own_templates: Path | None = None) -> Letter:
    """Return the letter for an occasion; raises whatever a template of the operator's does."""
    environment, values = environment_of(own_templates), told(occasion)
    text = environment.get_template(f"{occasion.kind}.txt.j2").render(values)
    if not text.strip():
        raise ValueError(f"{occasion.kind}.txt.j2 makes an empty mail")
    note = parts(text.partition(_SIGNATURE)[0])
    html = environment.get_template(f"{occasion.kind}.html.j2").render({**values, "note": note})
    return Letter(subject(occasion), text, html)


def broken(error: Exception) -> str:
    """Say where which kind of thing is wrong with a template, without repeating what it was given."""
    name, line = getattr(error, "name", None), getattr(error, "lineno", None)
    if line is None:  # Jinja2 makes tracebacks lead into the template
        steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.endswith(_SUFFIX)]
        if steps:
            name, line = Path(steps[-1].filename).name, steps[-1].lineno
    place = f" in {name}{f', line {line}' if line else ''}" if name else ""
    return f"{type(error).__name__}{place}"


def subject(occasion: Occasion) -> str:
    """Return a letter's subject: one line, at most `SUBJECT_CHARS_MAX` characters."""
    name = _cut(words.plain(occasion.name), _NAME_CHARS_MAX)
    if occasion.kind in _ABOUT_A_DELIVERY and occasion.story is not None:
        told = f"{name}: {summary.sentence(occasion.story).removesuffix('.')}"
    else:
        told = _SUBJECTS[occasion.kind].format(name=name, **_counts(occasion))
    return _cut(words.plain(told), SUBJECT_CHARS_MAX)


def _cut(text: str, chars_max: int) -> str:
    return text if len(text) <= chars_max else f"{text[: chars_max - 3].rstrip()}..."


def _counts(occasion: Occasion) -> dict[str, str]:
    facts = occasion.facts
    return {
        "host": occasion.host,
        "delivery": (occasion.story.delivery or "") if occasion.story else "",
        "missing": words.counted(len(facts.get("missing", ())), "file"),
        "old": words.counted(len(facts.get("old", ())), "file"),
        "by": str(facts.get("by", "")),
        "days": words.counted(int(facts.get("days", 0)), "day"),
        "schools": words.counted(int(facts.get("schools", 0)), "new school"),
        "count": words.counted(int(facts.get("count", 0)), "mail"),
    }


def parts(text: str) -> list[Part]:
    """Take a short letter's text apart, so that its HTML says the same words.

    The first paragraph is the title; lines that begin with four spaces are facts, `  * ` begins a list's entry.
    """
    found: list[Part] = []
    for paragraph in text.strip("\n").split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line.strip()]
        if not lines:
            continue
        if lines[0].startswith(_ENTRY):
            entries = "\n".join(lines).removeprefix(_ENTRY).split(f"\n{_ENTRY}")
            found.append(Part("list", tuple(" ".join(one.split()) for one in entries)))
        elif lines[0].startswith("    "):
            found.append(Part("facts", tuple(line.strip() for line in lines)))
        else:
            found.append(Part("paragraph" if found else "title", (" ".join(" ".join(lines).split()),)))
    return found


def told(occasion: Occasion) -> dict[str, Any]:
    """Return what templates can use; daemon/MAIL.md lists it."""
    values: dict[str, Any] = {**vars(occasion), "subject": subject(occasion)}
    story = occasion.story
    if story is None:
        return values
    waiting = [school for school in story.schools if school.state in _WAITING]
    changed = [school for school in story.schools if school.changed and school.state not in _WAITING]
    return values | {
        "told": summary.summary(story),
        "sentence": summary.sentence(story),
        "steps": advice.next_steps(story),
        "opening": advice.opening(story),
        "files": (story.verdict or {}).get("files", ()),
        "waiting": waiting[:_SCHOOLS_MAX],
        "waiting_more": max(0, len(waiting) - _SCHOOLS_MAX),
        "changed": changed[:_SCHOOLS_MAX],
        "changed_more": max(0, len(changed) - _SCHOOLS_MAX),
        "totals": rows(story.totals),
        "findings": story.findings[:_FINDINGS_MAX],
        "findings_more": max(0, len(story.findings) - _FINDINGS_MAX),
    }


def environment_of(own: Path | None) -> Environment:
    """Return where templates come from, and the filters and functions that they can use."""
    house = PackageLoader("rostergate.desk", "templates/mail")
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(own), house]) if own is not None else house,
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        number=words.number,
        size=words.size,
        counted=words.counted,
        plain=words.plain,
        wrapped=_wrapped,
    )
    environment.globals.update(
        moment=words.moment, place_of=wording.place_of, state_of=wording.state_of, listed=words.listed
    )
    return environment


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return "\n".join(block(text, first=first, rest=rest))
