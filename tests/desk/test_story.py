from __future__ import annotations

from typing import TYPE_CHECKING

from desk.conftest import a_school, a_verdict
from rostergate.core.findings import Severity
from rostergate.core.plan import Counts
from rostergate.desk.summary import sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.desk.story import Story


def test_schools_are_told_most_urgent_first(stories: dict[str, Story]) -> None:
    """A school on hold comes before the others, which are in order of name."""
    assert [one.name for one in stories["held"].schools] == ["Jefferson High", "Adams", "Lincoln Elementary"]


def test_every_state_of_a_school_has_its_place(tell: Callable[..., Story]) -> None:
    """What needs somebody first, then what will be or has been done, then what nothing comes of; whatever the names."""
    states = ("held", "unmatched", "clear", "applied", "discarded", "superseded", "deselected")
    schools = [a_school(str(place), "ABCDEFG"[-place], state) for place, state in enumerate(states, 1)]
    assert [one.state.value for one in tell(a_verdict(*reversed(schools))).schools] == list(states)


def test_a_school_adds_its_tables_up(stories: dict[str, Story]) -> None:
    """A school's total is the sum over its tables."""
    lincoln = stories["held"].schools[-1]
    assert (lincoln.total, lincoln.changed) == (Counts(added=92, updated=3, removed=5), 100)


def test_a_released_school_is_known_by_its_hold(stories: dict[str, Story]) -> None:
    """Applied with a hold means released; applied without one, or discarded, does not."""
    assert [one.released for one in stories["released"].schools] == [False, True, False]
    assert not any(one.released for one in stories["discarded"].schools)


def test_a_story_without_a_verdict_is_empty(stories: dict[str, Story]) -> None:
    """A failed delivery has no outcome, no findings, no schools and no totals."""
    failed = stories["failed"]
    assert (failed.outcome, failed.findings, failed.schools, failed.totals) == (None, (), (), {})
    assert failed.found(Severity.ERROR) == 0


def test_a_verdict_that_is_still_null_is_none(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """What the store tells of an undecided delivery, its files with a null verdict, is no outcome."""
    files = (stories["same"].verdict or {})["files"]
    undecided = {"format": None, "verdict": None, "files": files, "findings": [], "schools": [], "totals": {}}
    assert tell(undecided, state="sealed").outcome is None
    assert sentence(tell(undecided, state="sealed")) == sentence(stories["sealed"])


def test_a_school_without_a_name_is_called_by_its_id(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """A name of white space alone is no name."""
    verdict = dict(stories["changed"].verdict or {})
    verdict["schools"] = [{**verdict["schools"][0], "name": " \u200e"}]
    assert tell(verdict).schools[0].name == "100"


def test_a_report_has_its_place(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """A delivery's report is below /reports/; a preview has a place only where it is given one."""
    assert stories["same"].place == "/reports/lincoln-00017/"
    assert stories["preview"].place == ""
    assert tell(None, delivery=None, state=None, folder="/reports/preview/").place == "/reports/preview/"
