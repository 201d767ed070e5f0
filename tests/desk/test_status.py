from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from rostergate.desk import status
from rostergate.desk.summary import sentence

if TYPE_CHECKING:
    from rostergate.desk.story import Story

KEYS = {
    "schema", "delivery", "undoes", "undone_by", "preview", "district", "state", "summary", "time_zone", "day",
    "received_at", "decided_at", "next_opening", "format", "recognised", "verdict", "files", "findings",
    "schools", "totals",
}  # fmt: skip


def test_every_status_parses_and_has_the_same_keys(stories: dict[str, Story]) -> None:
    """status.json is ASCII JSON with the same keys for every kind of delivery, all of them documented."""
    for kind, story in stories.items():
        told = status.text(story)
        assert told.isascii()
        assert json.loads(told).keys() == KEYS, kind
    assert all(key in (status.__doc__ or "") for key in KEYS)


def test_times_have_the_districts_offset(stories: dict[str, Story]) -> None:
    """Times are ISO 8601 on the district's clock; what is not known is null."""
    told = status.as_json(stories["changed"])
    assert (told["day"], told["received_at"]) == ("2026-09-01", "2026-09-01T08:12:00-05:00")
    assert told["next_opening"] == "2026-09-02T00:00:00-05:00"
    assert status.as_json(stories["sealed"])["decided_at"] is None


def test_schools_have_their_plan(stories: dict[str, Story]) -> None:
    """A held school shows what a release names and its numbers; who released it is the operator's to know."""
    held = next(one for one in status.as_json(stories["held"])["schools"] if one["state"] == "held")
    assert held["plan"] == "3f2a9c117b20"
    assert held["holds"][0]["removed"] == 412
    released = json.loads(status.text(stories["released"]))
    assert [one["reason"] for one in released["schools"]] == [None, "Confirmed by phone", None]
    assert "Jo Operator" not in status.text(stories["released"])


@pytest.mark.parametrize(
    ("kind", "state", "verdict"),
    [("failed", "failed", None), ("rejected", "rejected", "rejected"), ("preview", None, "accepted")],
)
def test_state_and_verdict_are_told(
    stories: dict[str, Story], kind: str, state: str | None, verdict: str | None
) -> None:
    """A failed delivery has a state but no verdict; a preview has a verdict but no state."""
    told = status.as_json(stories[kind])
    assert (told["state"], told["verdict"], told["preview"]) == (state, verdict, kind == "preview")
    assert told["summary"] == sentence(stories[kind])
