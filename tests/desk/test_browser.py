"""report.html in a real browser: on a desk, on a phone, in the dark and on paper."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from desk.browser import NAMES, Browser, program, started
from desk.conftest import a_school, a_verdict
from rostergate.desk.html_page import html
from rostergate.desk.specimens import HOLD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from desk.conftest import Tell
    from rostergate.desk.story import Story

PICTURES = os.environ.get("ROSTERGATE_PICTURES")
"""A folder that takes a picture of each page, for whoever wants to look at them."""

CONTRAST = """
(() => {
  const lit = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const ground = node => {
    for (; node; node = node.parentElement) {
      const found = numbers(getComputedStyle(node).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const low = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const said = texts.currentNode.data.trim(), node = texts.currentNode.parentElement;
    if (!said || !node.getClientRects().length) continue;
    const [a, b] = [lit(numbers(getComputedStyle(node).color)), lit(ground(node))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${said.slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return low;
})()
"""
"""Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.2, success criterion 1.4.3)."""

WIDER = """
[...document.querySelectorAll("body *")].filter(one => !one.closest(".scroll") || one.matches(".scroll"))
  .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5).map(one => one.outerHTML.slice(0, 80))
"""
"""Elements that reach beyond the right edge of the window."""


CAPTIONS = """
[...document.querySelectorAll("caption span")]
  .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.textContent.slice(0, 80))
"""
"""Captions that would have to be scrolled to be read."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Run a browser, or leave the test out by name."""
    path = program()
    if path is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    with started(path, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def page(stories: dict[str, Story], tmp_path: Path) -> Path:
    """Give the page of a delivery with everything that a page can have, with names as long as they come."""
    story = stories["held"]
    verdict = dict(story.verdict or {})
    long_name = "Washington Academy of Science, Engineering and the Performing Arts (Early College Program)"
    more = [
        a_school("7" * 30, long_name, "applied", students=(1_234, 5, 60), enrollments=(9_999, 1_000, 888)),
        a_school("9", "New Hope", "unmatched", schools=(1, 0, 0), students=(140, 0, 0)),
        *(a_school(str(number), f"School {number}", "applied", students=(number, 1, 2)) for number in range(20, 26)),
    ]
    verdict["schools"] = [*verdict["schools"], *more]
    verdict["findings"] = (stories["faulty"].verdict or {})["findings"]
    path = tmp_path / "report.html"
    path.write_text(html(type(story)(**{**story.__dict__, "verdict": verdict})), "utf-8")
    return path


@pytest.mark.parametrize(
    ("width", "dark"), [(1_000, False), (1_000, True), (360, False), (360, True)], ids=["desk", "dark", "phone", "both"]
)
def test_a_page_fits_and_can_be_read(browser: Browser, page: Path, width: int, dark: bool) -> None:  # noqa: FBT001 - a case
    """Nothing is wider than the window, every text stands out from its ground, and the browser has no complaint."""
    browser.open(page, width=width, dark=dark)
    if PICTURES:
        Path(PICTURES, f"report-{width}-{'dark' if dark else 'light'}.png").write_bytes(browser.picture())
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(WIDER) == []
    assert browser.value(CONTRAST) == []
    assert browser.value("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 24, 28)" if dark else "rgb(246, 245, 242)"
    )
    methods = [one["method"] for one in browser.seen]
    assert not {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"} & set(methods)


def test_the_usual_tables_need_no_scrolling_on_a_phone(
    browser: Browser, stories: dict[str, Story], tmp_path: Path
) -> None:
    """With numbers of four digits every column is seen, unchanged rows included."""
    verdict = dict(stories["faulty"].verdict or {})
    verdict["totals"] = {
        table: dict.fromkeys(("added", "updated", "removed", "unchanged"), 8_888) for table in verdict["totals"]
    }
    path = tmp_path / "report.html"
    path.write_text(html(type(stories["faulty"])(**{**stories["faulty"].__dict__, "verdict": verdict})), "utf-8")
    browser.open(path, width=360)
    scrolled = "[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth - one.clientWidth)"
    assert set(browser.value(scrolled)) == {0}


def test_a_page_asks_nobody_for_anything(browser: Browser, page: Path) -> None:
    """The only thing that is fetched is the page itself."""
    browser.open(page)
    asked = [one["params"]["request"]["url"] for one in browser.seen if one["method"] == "Network.requestWillBeSent"]
    assert asked == [page.as_uri()]


def test_every_drawing_has_a_size(browser: Browser, page: Path) -> None:
    """No bar, mark, gauge or line collapses to nothing where it is shown."""
    browser.open(page, width=360)
    sizes = browser.value(
        "[...document.querySelectorAll('svg')].filter(one => one.checkVisibility())"
        ".map(one => one.getBoundingClientRect()).map(one => [one.width, one.height])"
    )
    assert len(sizes) > 20
    assert min(min(size) for size in sizes) >= 4


def test_a_page_prints_whole(browser: Browser, page: Path, tmp_path: Path) -> None:
    """On paper what is folded is open, the ground is white, and every school is there."""
    browser.open(page, media="print")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value(CONTRAST) == []
    hidden = browser.value(
        "[...document.querySelectorAll('details table, details li')].filter(one => !one.checkVisibility()).length"
    )
    assert hidden == 0
    browser.open(page)
    paper = browser.printed()
    assert paper.startswith(b"%PDF")
    if PICTURES:
        Path(PICTURES, "report.pdf").write_bytes(paper)
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed: the words on paper are not compared")
    (tmp_path / "report.pdf").write_bytes(paper)
    words = subprocess.run(
        ["pdftotext", tmp_path / "report.pdf", "-"], capture_output=True, timeout=60, check=True
    ).stdout
    for part in (b"School 25", b"Performing Arts", b"student-unreachable", b"lincoln-00008"):
        assert part in words


def test_pages_of_every_kind_fit_a_phone(
    browser: Browser, stories: dict[str, Story], tell: Tell, tmp_path: Path
) -> None:
    """Whatever became of a delivery, its page is never wider than a phone; what stands above a table neither."""
    endless = a_school("W" * 200, "W" * 200, "held", students=(1, 2, 1_234_567), holds=[HOLD])
    pages = {**stories, "no school": tell(a_verdict()), "endless": tell(a_verdict(endless), name="W" * 200)}
    for kind, story in pages.items():
        path = tmp_path / f"{kind.replace(' ', '-')}.html"
        path.write_text(html(story), "utf-8")
        browser.open(path, width=360)
        assert browser.value("document.documentElement.scrollWidth") <= 360, kind
        assert browser.value(CONTRAST) == [], kind
        assert browser.value(CAPTIONS) == [], kind
