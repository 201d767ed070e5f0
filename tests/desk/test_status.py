from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from rostergate.core.school_status import Status
from rostergate.desk import status
from rostergate.desk.summary import sentence

if TYPE_CHECKING:
    from rostergate.desk.story import Story

KEYS = {
    "schema", "delivery", "undoes", "undone_by", "preview", "district", "state", "summary", "time_zone", "day",
    "received_at", "decided_at", "next_opening", "format", "recognised", "verdict", "files", "findings",
    "schools", "totals",
}  # fmt: skip


def strict(shape: Any) -> Any:
    """Return a schema that takes no key beside those it names, where it names any and leaves no room for others."""
    if isinstance(shape, list):
        return [strict(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    closed = {"additionalProperties": False} if "properties" in shape and isinstance(shape["properties"], dict) else {}
    return {**closed, **{name: strict(value) for name, value in shape.items()}}


def test_the_published_schema_is_one() -> None:
    """It is a JSON Schema of the draft that it names, and knows every key that the docstring does."""
    published = json.loads(status.schema())
    Draft202012Validator.check_schema(published)
    assert published["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert set(published["required"]) == set(published["properties"]) == KEYS


def test_every_status_is_as_published(stories: dict[str, Story]) -> None:
    """Whatever became of a delivery, its status.json has what the schema says and nothing else."""
    validator = Draft202012Validator(strict(json.loads(status.schema())), format_checker=FormatChecker())
    for kind, story in stories.items():
        assert [error.message for error in validator.iter_errors(json.loads(status.text(story)))] == [], kind


@pytest.mark.parametrize(
    ("key", "value"),
    [("state", "done"), ("day", "1 Sep"), ("received_at", None), ("verdict", "ok"), ("files", [{}]), ("schema", 2)],
)
def test_what_is_not_as_published_is_found(stories: dict[str, Story], key: str, value: object) -> None:
    """The schema is no rubber stamp: a wrong value of each kind breaks it."""
    told = {**status.as_json(stories["changed"]), key: value}
    assert not Draft202012Validator(json.loads(status.schema())).is_valid(told)


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


@pytest.mark.parametrize("kind", ["held", "released", "changed"])
def test_schools_come_most_urgent_first(stories: dict[str, Story], kind: str) -> None:
    """A program that shows the first few shows those that need somebody; the order is that of the page for people."""
    told = status.as_json(stories[kind])["schools"]
    assert [one["status"] for one in told] == [one.status.value for one in stories[kind].schools]
    assert [one["status"] for one in told] == sorted((one["status"] for one in told), key=list(Status).index)


def test_schools_have_their_plan(stories: dict[str, Story]) -> None:
    """A held school shows what a release names and its numbers; who released it is the operator's to know."""
    held = next(one for one in status.as_json(stories["held"])["schools"] if one["state"] == "held")
    assert held["plan"] == "3f2a9c117b20"
    assert held["holds"][0]["removed"] == 412
    released = json.loads(status.text(stories["released"]))
    assert [one["reason"] for one in released["schools"] if one["reason"]] == ["Confirmed by phone"]
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
