"""report.html: one delivery as one self-contained page for district staff.

Rule 1: no script, no network: style and drawings stand in the page, and its own policy forbids everything else.
Rule 2: everything is escaped by the template engine; no value is ever marked as safe.
Rule 3: colour never stands alone: each coloured mark has a word, a number or its own shape beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from rostergate.core.findings import Finding, Severity
from rostergate.core.plan_state import State as PlanState
from rostergate.desk import advice, history, summary, wording, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rostergate.core.plan import Counts
    from rostergate.desk.story import HeldFor, School, Story

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_BAR_WIDTH = 100  # units of the drawing
_BAR_LEAST = 1.2  # units; a part that is not zero can always be seen
_SCHOOLS_OPEN_MAX = 4  # more changed schools than this are shown folded

_WAITING = {PlanState.HELD, PlanState.UNMATCHED}
_TONES = {
    PlanState.HELD: "wait",
    PlanState.UNMATCHED: "wait",
    PlanState.CLEAR: "good",
    PlanState.APPLIED: "good",
    PlanState.DISCARDED: "quiet",
    PlanState.SUPERSEDED: "quiet",
    PlanState.DESELECTED: "quiet",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One coloured part of a bar, in units of the drawing."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Row:
    """One canonical table in a table of changes."""

    title: str
    counts: Mapping[str, int]
    bar: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Gauge:
    """How far a share went over its limit, in percent."""

    share: float
    limit: float


def html(story: Story) -> str:
    """Return the whole page."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            story=story,
            policy=CONTENT_POLICY,
            dry_run=summary.DRY_RUN,
            told=summary.summary(story),
            sentence=summary.sentence(story),
            facts=wording.facts(story),
            steps=advice.next_steps(story),
            opening=advice.opening(story),
            files=(story.verdict or {}).get("files", ()),
            waiting=[school for school in story.schools if school.state in _WAITING],
            changed=[school for school in story.schools if school.changed and school.state not in _WAITING],
            still=[school for school in story.schools if not school.changed and school.state not in _WAITING],
            folded_from=_SCHOOLS_OPEN_MAX,
            totals=rows(story.totals),
            changes_title=wording.changes_title(story),
            changes_scope=wording.changes_scope(story),
            findings=list(_by_severity(story)),
            rows_of=rows_of,
            gauge=gauge,
            tone_of=tone_of,
            state_of=wording.state_of,
            left_out=wording.left_out,
            about_school=advice.about_school,
            place_of=wording.place_of,
            hold_numbers=wording.hold_numbers,
            history=history.history(story),
            drawing=(history.WIDTH, history.HEIGHT),
            overall=overall(story),
        )
    )


def rows(tables: Mapping[str, Mapping[str, int]]) -> tuple[Row, ...]:
    """Return the rows of a table of changes, all on one scale; canonical tables without any rows are left out."""
    told = {table: counts for table, counts in tables.items() if any(counts.values())}
    scale = max((_changed(counts) for counts in told.values()), default=0)
    return tuple(Row(words.table_title(table), counts, bar(counts, scale)) for table, counts in told.items())


def rows_of(school: School) -> tuple[Row, ...]:
    """Return the rows of one school's table of changes."""
    return rows({table: _shape(counts) for table, counts in school.changes.items()})


def bar(counts: Mapping[str, int], scale: int) -> tuple[Segment, ...]:
    """Return the parts of a bar, side by side; `scale` changed rows fill it."""
    segments: list[Segment] = []
    x = 0.0
    for kind in ("added", "updated", "removed"):
        if counts[kind]:
            width = max(_BAR_LEAST, _BAR_WIDTH * counts[kind] / scale)
            segments.append(Segment(kind, round(x, 2), round(width, 2)))
            x += width
    fit = min(1.0, _BAR_WIDTH / x) if x else 1.0
    return tuple(Segment(one.kind, round(one.x * fit, 2), round(one.width * fit, 2)) for one in segments)


def overall(story: Story) -> Mapping[str, tuple[Segment, ...]]:
    """Return one bar per changed school, by its id, all on one scale: how much of the delivery is its own."""
    scale = max((school.changed for school in story.schools), default=0)
    return {school.school_id: bar(_shape(school.total), scale) for school in story.schools if school.changed}


def gauge(hold: HeldFor) -> Gauge | None:
    """Return how far a hold's share went over its limit; None for a hold that is not about a share."""
    share, limit = hold.numbers.get("percent"), hold.numbers.get("percent_max")
    if not isinstance(share, int | float) or not isinstance(limit, int | float):
        return None
    return Gauge(round(min(max(share, 0), 100), 2), round(min(max(limit, 0), 100), 2))


def tone_of(school: School) -> str:
    """Return the tone in which a school's state is shown."""
    return _TONES[school.state] if school.changed or school.state in _WAITING else "quiet"


def _by_severity(story: Story) -> Iterator[tuple[Severity, str, str, list[Finding]]]:
    for severity in Severity:
        found = [one for one in story.findings if one.severity is severity]
        if found:
            yield severity, wording.SEVERITY_TITLES[severity], wording.SEVERITY_MEANINGS[severity], found


def _shape(counts: Counts) -> dict[str, int]:
    return {"added": counts.added, "updated": counts.updated, "removed": counts.removed}


def _changed(counts: Mapping[str, int]) -> int:
    return counts["added"] + counts["updated"] + counts["removed"]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rostergate.desk", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=words.number, size=words.size, counted=words.counted, plain=words.plain)
    return environment
