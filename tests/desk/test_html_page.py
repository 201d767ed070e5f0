from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from rostergate.desk.html_page import CONTENT_POLICY, Gauge, bar, gauge, html
from rostergate.desk.story import HeldFor
from rostergate.desk.summary import DRY_RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from rostergate.desk.story import Story

_VOID = {"meta"}


class Page(HTMLParser):
    """Reads a page: its tags, attributes, headings and text; an unbalanced tag raises."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag of a drawing that closes itself."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text outside the style sheet."""
        if self._open and self._open[-1] != "style":
            self.text.append(data)

    @property
    def words(self) -> str:
        """The text as one line."""
        return " ".join(" ".join(self.text).split())


def test_every_kind_of_delivery_has_a_sound_page(stories: dict[str, Story]) -> None:
    """Each page is balanced, has one first-level heading, and skips no level."""
    for kind, story in stories.items():
        page = Page(html(story))
        levels = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels.count(1) == 1, kind
        assert all(after - before <= 1 for before, after in pairwise(levels)), kind


def test_findings_stand_under_their_severity(stories: dict[str, Story]) -> None:
    """Errors first, each under its own heading, then alerts."""
    words = Page(html(stories["faulty"])).words
    found = [words.index(one) for one in ("Errors", "teacher-email-missing", "Alerts", "student-unreachable")]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("numbers", "drawn"),
    [
        ({"percent": 51.456, "percent_max": 20}, Gauge(51.46, 20)),
        ({"percent": 130.0, "percent_max": 100.5}, Gauge(100, 100)),
        ({"percent": -1, "percent_max": 20}, Gauge(0, 20)),
        ({"percent": 50.0}, None),
        ({"guardians": 6, "guardians_max": 5}, None),
    ],
    ids=["a share", "more than all", "less than nothing", "no limit", "no share"],
)
def test_a_share_is_drawn_within_its_bar(numbers: dict[str, float], drawn: Gauge | None) -> None:
    """From nothing to all of it, whatever the numbers say; what is no share is not drawn."""
    assert gauge(HeldFor("code", "message", numbers)) == drawn


def test_no_page_reaches_outside(stories: dict[str, Story]) -> None:
    """A page has no script, link, image, frame or form, and no address that a browser would fetch."""
    for story in stories.values():
        source = html(story)
        page = Page(source)
        assert not {"script", "link", "img", "iframe", "form", "object", "base", "a", "use"} & set(page.tags)
        assert not {name for name, _ in page.attributes} & {"src", "href", "xlink:href", "style", "srcset", "action"}
        assert not [name for name, _ in page.attributes if name.startswith("on")]
        assert not re.search(r"https?:|//[a-z]|url\(|@import", source)
        assert ("content", CONTENT_POLICY) in page.attributes


def test_tables_can_be_read_aloud(stories: dict[str, Story]) -> None:
    """Each table has a caption, and every header cell says what it heads."""
    page = Page(html(stories["held"]))
    assert page.tags.count("caption") == page.tags.count("table") > 2
    assert page.tags.count("th") == sum(1 for name, _ in page.attributes if name == "scope")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("changed", "Accepted 100 changes in 1 school are in the roster."),
        ("same", "Nothing changed The roster is already as the files say."),
        ("rejected", "students.csv, line 1042 · wrong-column-count What to do: Correct wrong-column-count."),
        ("held", "The school would lose 412 of 800 students (51.5 %). The limit is 20 % of a table"),
        ("held", "percent, at most 20"),
        ("held", "ask the platform's operator to release plan 3f2a9c117b20."),
        ("held", "Next upload possible: from Wed 2 Sep 2026, 00:00 CDT (America/Chicago)"),
        ("held", "1 school without changes"),
        ("released", "Jefferson High 200 released and applied 2 added, 14 updated, 412 removed"),
        ("released", "Released: Confirmed by phone"),
        ("preview", f"{DRY_RUN} Would be accepted in part"),
        ("refused preview", DRY_RUN),
        ("failed", "Not processed Something went wrong on our side, and nothing was changed."),
        ("faulty", "118 times"),
    ],
)
def test_the_page_tells_what_counts(stories: dict[str, Story], kind: str, words: str) -> None:
    """Each kind of delivery has the words that its reader needs."""
    assert words in Page(html(stories[kind])).words


def test_values_cannot_break_out(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Whatever a district writes is shown as text, in tags and attributes alike."""
    evil = '"\'><script>alert(1)</script><b data-evil="{{ 7 * 7 }}'
    verdict = dict(stories["held"].verdict or {})
    verdict["schools"] = [{**one, "name": evil, "school_id": evil} for one in verdict["schools"]]
    verdict["findings"] = [
        {**one, "file": evil, "column": evil, "message": evil, "next_step": evil}
        for one in (stories["faulty"].verdict or {})["findings"]
    ]
    verdict["files"] = [{**one, "name": evil} for one in verdict["files"]]
    page = Page(html(tell(verdict, state="planned", name=evil, host=evil, username=evil)))
    assert "script" not in page.tags
    assert "b" in page.tags  # the places of findings, which are the page's own
    assert "data-evil" not in dict(page.attributes)
    assert evil in page.words
    assert "49" not in page.words


def test_many_changed_schools_are_folded(tell: Callable[..., Story], stories: dict[str, Story]) -> None:
    """Four changed schools are shown open; more are folded, each with its counts."""
    verdict = dict(stories["changed"].verdict or {})
    lincoln = verdict["schools"][0]
    for count, opened in ((4, 4), (5, 0)):
        verdict["schools"] = [{**lincoln, "school_id": str(number)} for number in range(count)]
        page = Page(html(tell(verdict)))
        assert sum(1 for name, _ in page.attributes if name == "open") == opened
        assert page.words.count("92 added, 3 updated, 5 removed") == count


@pytest.mark.parametrize(
    ("counts", "scale"),
    [((1, 0, 0), 1_000_000), ((1, 1, 999_998), 1_000_000), ((0, 0, 0), 0), ((5, 3, 2), 10), ((0, 7, 0), 7)],
)
def test_bars_fit_and_show_every_part(counts: tuple[int, int, int], scale: int) -> None:
    """A bar never runs over its frame, and a part that is not zero can be seen."""
    segments = bar(dict(zip(("added", "updated", "removed"), counts, strict=True)), scale)
    assert len(segments) == sum(1 for count in counts if count)
    assert all(segment.width >= 1 for segment in segments)
    assert sum(segment.width for segment in segments) <= 100.05
