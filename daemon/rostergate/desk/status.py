"""status.json: one delivery for programs, with stable keys.

    schema        1; a breaking change raises it
    delivery      the delivery's id, or null for a preview
    undoes        the delivery that this one, which has no files, takes back; or null
    undone_by     the deliveries that take this one back
    preview       true for a dry run: nothing was changed, no upload of the day was used
    district      the district's slug
    state         receiving, sealed, rejected, planned, settled, failed or superseded; null for a preview
    summary       the verdict in one English sentence; for people, its wording may change
    time_zone     the district's time zone (IANA name)
    day           the day whose slot was used (yyyy-mm-dd), or null
    received_at, decided_at, next_opening
                  ISO 8601 with the district's offset, or null; next_opening null: an upload is possible now
    format, recognised, verdict, files, findings, totals
                  as `rostergate preview --json` prints them; recognised says in English why the files were taken for
                  the format, and is null where the operator has named it; format and verdict are null and the rest is
                  empty while there is no verdict
    schools       most urgent first, then by name: as there (school_id, name, state, changes, holds), and `status` (on
                  hold, waiting for a match, errors, connected, deselected or not in the files), `rows_left_out` (rows
                  that could not be used), `plan` (what a release names), `reason` (why a person released or
                  discarded it), `held_since` (ISO 8601) and `held_deliveries` (how long a school that is on hold has
                  been, and in how many deliveries one after another), each null where there is none

The same as a JSON Schema: `status.schema.json` beside this module, printed by `rostergate schema status`.

Rule: who released or discarded a plan is the operator's to know and is left out.
"""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from rostergate.core.school_status import Status, urgency
from rostergate.desk import summary
from rostergate.desk.story import status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rostergate.desk.story import Story

SCHEMA = 1

_SCHOOL_KEYS = ("school_id", "name", "state", "changes", "holds")
_STORED_KEYS = ("plan", "reason", "held_since", "held_deliveries")


def as_json(story: Story) -> dict[str, Any]:
    """Return the published shape; see the module's docstring."""
    verdict = story.verdict or {}
    return {
        "schema": SCHEMA,
        "delivery": story.delivery,
        "undoes": story.undoes,
        "undone_by": list(story.undone_by),
        "preview": story.preview,
        "district": story.district,
        "state": None if story.state is None else str(story.state),
        "summary": summary.sentence(story),
        "time_zone": story.zone.key,
        "day": None if story.day is None else story.day.isoformat(),
        "received_at": _time(story, story.received_at),
        "decided_at": _time(story, story.decided_at),
        "next_opening": _time(story, story.next_opening),
        "format": verdict.get("format"),
        "recognised": verdict.get("recognised"),
        "verdict": verdict.get("verdict"),
        "files": list(verdict.get("files", ())),
        "findings": list(verdict.get("findings", ())),
        "schools": sorted((_school(story, one) for one in verdict.get("schools", ())), key=_urgency),
        "totals": dict(story.totals),
    }


def schema() -> str:
    """Return the JSON Schema (2020-12) of status.json."""
    return resources.files("rostergate.desk").joinpath("status.schema.json").read_text("utf-8")


def text(story: Story) -> str:
    """Return status.json: indented, ASCII only, ended by a line feed."""
    return json.dumps(as_json(story), indent=2) + "\n"


def _school(story: Story, shape: Mapping[str, Any]) -> dict[str, Any]:
    known = {key: shape[key] for key in _SCHOOL_KEYS}
    where = {"status": status_of(shape).value, "rows_left_out": shape.get("rows_left_out", 0)}
    since = shape.get("held_since")
    stored = {key: shape.get(key) for key in _STORED_KEYS}
    return {**known, **where, **stored, "held_since": _time(story, datetime.fromisoformat(since) if since else None)}


def _urgency(school: Mapping[str, Any]) -> tuple[int, str, str]:
    return urgency(Status(school["status"]), school["name"], school["school_id"])


def _time(story: Story, at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(story.zone).isoformat(timespec="seconds")
