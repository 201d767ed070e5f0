from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from rostergate.core.notices import Kind
from rostergate.desk.letters import SUBJECT_CHARS_MAX, Occasion, letter, parts, subject

if TYPE_CHECKING:
    from pathlib import Path

    from rostergate.desk.story import Story

FACTS: dict[Kind, dict[str, Any]] = {
    Kind.ACCESS: {"fingerprints": ["ssh-ed25519 SHA256:abc"]},
    Kind.OVERDUE: {"missing": ["classes.csv", "enrollments.csv"]},
    Kind.MIXED: {"old": ["students.csv"]},
    Kind.LATE: {"by": "21:00"},
    Kind.SILENT: {"days": 4},
    Kind.FORGOTTEN: {"days": 90},
    Kind.UNMATCHED: {"schools": 2},
    Kind.DISK: {"free_bytes": 1_200_000_000, "bytes": 80_000_000_000},
    Kind.DEAD: {"count": 3},
}
STORIES = {
    Kind.RECEIVED: "sealed",
    Kind.REFUSED: "rejected",
    Kind.HELD: "held",
    Kind.APPLIED: "changed",
    Kind.FAULTS: "faulty",
    Kind.CLOSED: "released",
    Kind.UNMATCHED: "held",
    Kind.FAILED: "failed",
}
SUBJECTS = {
    Kind.ACCESS: "Lincoln Unified: access to the roster server",
    Kind.RECEIVED: "Lincoln Unified: roster received, it is being checked",
    Kind.REFUSED: "Lincoln Unified: Refused: 1 format error was found (students.csv, line 1042), "
    "so nothing was changed",
    Kind.OVERDUE: "Lincoln Unified: roster upload not complete, 2 files missing",
    Kind.MIXED: "Lincoln Unified: roster upload mixed, 1 file of an older export",
    Kind.LATE: "Lincoln Unified: no roster yet, it usually arrives by 21:00",
    Kind.SILENT: "Lincoln Unified: no roster for 4 days",
    Kind.FORGOTTEN: "Lincoln Unified: no roster for 90 days",
    Kind.FAILED: "Lincoln Unified: roster delivery lincoln-00017 could not be processed",
    Kind.UNMATCHED: "Lincoln Unified: 2 new schools to be matched",
    Kind.DISK: "rostergate on sftp.example.org: the disk is nearly full",
    Kind.DEAD: "rostergate on sftp.example.org: 3 mails could not be delivered",
}
ABOUT_NO_DISTRICT = {Kind.DISK, Kind.DEAD}
CODE = "0000-00W0-0000-0000-0000-0000-0000-0000"


def occasion(kind: Kind, stories: dict[str, Story], **rest: Any) -> Occasion:
    """Return an ordinary occasion of a kind."""
    about: dict[str, Any] = {
        "kind": kind,
        "host": "sftp.example.org",
        "port": 2222,
        "contact": "help@platform.example",
        "facts": FACTS.get(kind, {}),
    }
    if kind not in ABOUT_NO_DISTRICT:
        about |= {"name": "Lincoln Unified", "username": "lincoln", "zone": ZoneInfo("America/Chicago")}
    if kind in STORIES:
        about["story"] = stories[STORIES[kind]]
    return Occasion(**{**about, **rest})


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_written(stories: dict[str, Story], kind: Kind) -> None:
    """Each kind has a subject, a text within 80 columns and an HTML page that fetches nothing."""
    written = letter(occasion(kind, stories))
    assert written.broken is None
    assert 0 < len(written.subject) <= SUBJECT_CHARS_MAX
    assert written.subject == SUBJECTS.get(kind, written.subject)
    assert max(map(len, written.text.splitlines())) <= 80
    assert "\n\n\n" not in written.text
    assert "\n-- \n" in written.text
    assert "http" not in written.html
    assert "<script" not in written.html


@pytest.mark.parametrize(
    "kind", [*(kind for kind in Kind if kind not in STORIES), Kind.RECEIVED, Kind.UNMATCHED, Kind.FAILED]
)
def test_a_short_letter_says_the_same_in_both_forms(stories: dict[str, Story], kind: Kind) -> None:
    """Every word of the text stands in the HTML."""
    written = letter(occasion(kind, stories))
    words = written.text.partition("\n-- \n")[0].replace("  * ", " ").split()
    html = " ".join(written.html.split())
    assert [word for word in words if word.strip("<>&\"'") and word not in html] == []


def test_a_held_school_comes_with_its_code(stories: dict[str, Story]) -> None:
    """Who gets the mail can have the school released: the code, until when, and to whom it is given."""
    until = datetime(2026, 9, 4, 17, 0, tzinfo=UTC)
    written = letter(occasion(Kind.HELD, stories, codes={"3f2a9c117b20": CODE}, codes_expire_at=until))
    for form in (written.text, written.html):
        told = " ".join(form.split())
        assert f"Release code: {CODE}" in told.replace("<code>", "").replace("</code>", "")
        assert "until Fri 4 Sep 2026, 12:00 CDT (America/Chicago)" in told
        assert "help@platform.example" in told
        assert "412 of 800 students" in told
    assert CODE not in written.subject


@pytest.mark.parametrize(
    ("old", "told"), [(["students.csv"], "this one is much older"), (["a.csv", "b.csv"], "these are much older")]
)
def test_one_file_is_told_of_as_one(stories: dict[str, Story], old: list[str], told: str) -> None:
    """A set of which one file is of an older export is told so."""
    assert told in " ".join(letter(occasion(Kind.MIXED, stories, facts={"old": old})).text.split())


def test_a_held_school_s_rows_are_named(stories: dict[str, Story]) -> None:
    """Whoever is to judge a hold is told which file has the rows that it is about."""
    written = letter(occasion(Kind.HELD, stories))
    assert all("holds.csv" in form for form in (written.text, written.html))


def test_a_code_of_an_undo_asks_for_no_other_export(stories: dict[str, Story]) -> None:
    """An undo has no files that could be corrected."""
    undo = dataclasses.replace(stories["held"], undoes="lincoln-00016")
    until = datetime(2026, 9, 4, 17, 0, tzinfo=UTC)
    told = occasion(Kind.HELD, stories, codes={"3f2a9c117b20": CODE}, codes_expire_at=until)
    written = letter(dataclasses.replace(told, story=undo))
    for form in (written.text, written.html):
        assert "If they are wrong, do nothing with it." in " ".join(form.split())


def test_held_schools_that_find_no_room_have_a_next_step(stories: dict[str, Story]) -> None:
    """Those beyond the first twenty have no code in the mail: it says what to do about them instead."""
    held = stories["held"]
    verdict = dict(held.verdict or {})
    (school,) = (one for one in verdict["schools"] if one["state"] == "held")
    verdict["schools"] = [{**school, "school_id": str(number)} for number in range(25)]
    told = occasion(Kind.HELD, stories, codes={"3f2a9c117b20": CODE}, codes_expire_at=datetime(2026, 9, 4, tzinfo=UTC))
    written = letter(dataclasses.replace(told, story=dataclasses.replace(held, verdict=verdict)))
    for form in (written.text, written.html):
        rest = " ".join(form.split()).partition("... and 5 further schools: see report.html")[2]
        assert rest.startswith(", and tell help@platform.example of which the numbers are right")


def test_a_refusal_says_where_and_what_to_do(stories: dict[str, Story]) -> None:
    """The file, the line and the next step stand in both forms."""
    written = letter(occasion(Kind.REFUSED, stories))
    for form in (written.text, written.html):
        assert "students.csv" in form
        assert "line 1042" in form
        assert "Correct wrong-column-count." in form


def test_operators_are_told_why_and_districts_are_not(stories: dict[str, Story]) -> None:
    """A failed delivery is the operator's to mend: only there stand the reason and the commands."""
    why = "the database was locked"
    to_operator = letter(occasion(Kind.FAILED, stories, error=why, to_operator=True)).text
    to_district = letter(occasion(Kind.FAILED, stories, error=why)).text
    assert why in to_operator
    assert "rostergate retry lincoln-00017" in to_operator
    assert why not in to_district
    assert "You need not do anything" in to_district


def test_one_mail_that_was_given_up_is_told_as_one(stories: dict[str, Story]) -> None:
    """The operators read of one mail, or of several, in sentences that fit."""
    one, three = (letter(occasion(Kind.DEAD, stories, facts={"count": count})).text for count in (1, 3))
    assert one.startswith("1 mail of the roster server")
    assert three.startswith("3 mails of the roster server")
    assert "They" not in one


def test_a_school_is_told_once_where_it_stands(stories: dict[str, Story]) -> None:
    """One that waits is not among those that were changed, and one without changes is nowhere."""
    for form in ("text", "html"):
        told = getattr(letter(occasion(Kind.HELD, stories)), form)
        assert [told.count(name) for name in ("Jefferson High", "Lincoln Elementary", "Adams")] == [1, 1, 0]


def test_a_letter_says_to_whom_it_is_sent(stories: dict[str, Story]) -> None:
    """Below each letter stands whether it went to a district's recipients or to the operators."""
    to_district = letter(occasion(Kind.UNMATCHED, stories))
    to_operator = letter(occasion(Kind.UNMATCHED, stories, to_operator=True))
    for form in ("text", "html"):
        assert "to the recipients of Lincoln Unified." in " ".join(getattr(to_district, form).split())
        assert "to its operators, about Lincoln Unified." in " ".join(getattr(to_operator, form).split())


def test_access_says_what_to_compare_the_host_key_with(stories: dict[str, Story]) -> None:
    """With the keys that are listed; with whoever runs the server, where there are none yet."""
    listed = letter(occasion(Kind.ACCESS, stories, facts={"fingerprints": ["ssh-ed25519 SHA256:abc"]})).text
    none = letter(occasion(Kind.ACCESS, stories, facts={"fingerprints": []})).text
    assert "Host key  ssh-ed25519 SHA256:abc" in listed
    assert "one of those above" in " ".join(listed.split())
    assert "Host key" not in none
    assert "host key: ask help@platform.example" in " ".join(none.split())


def test_a_school_s_name_is_no_part_of_a_subject(stories: dict[str, Story]) -> None:
    """Subjects have counts; names of schools are cells of a file."""
    for kind, name in STORIES.items():
        schools = [school.name for school in stories[name].schools]
        assert not any(school in subject(occasion(kind, stories)) for school in schools)


def test_a_district_cannot_write_into_the_header(stories: dict[str, Story]) -> None:
    """A name with a line end makes one line."""
    told = subject(occasion(Kind.LATE, stories, name="Lincoln\r\nBcc: x@example.org"))
    assert told.startswith("Lincoln Bcc: x@example.org: no roster")


def test_a_long_name_leaves_room_for_what_happened(stories: dict[str, Story]) -> None:
    """A name of any length is cut, so that the subject still tells what the mail is about."""
    for kind in SUBJECTS.keys() - ABOUT_NO_DISTRICT:
        told = subject(occasion(kind, stories, name="Lincoln " * 25))
        assert len(told) <= SUBJECT_CHARS_MAX
        assert told.startswith("Lincoln Lincoln")
        assert told.partition("...")[2].startswith(SUBJECTS[kind].removeprefix("Lincoln Unified")[:40])


def test_names_are_escaped(stories: dict[str, Story]) -> None:
    """What looks like markup in a name is shown, not followed."""
    written = letter(occasion(Kind.LATE, stories, name="<b>Lincoln</b>"))
    assert "<b>Lincoln" not in written.html
    assert "&lt;b&gt;Lincoln" in written.html


def test_an_operator_s_own_template_is_used(stories: dict[str, Story], tmp_path: Path) -> None:
    """A file of the same name in the folder takes the place of the house's; the rest stays."""
    (tmp_path / "late.txt.j2").write_text("{{ name }} is late, {{ facts.by }} has passed.\n")
    written = letter(occasion(Kind.LATE, stories), tmp_path)
    assert written.text == "Lincoln Unified is late, 21:00 has passed.\n"
    assert "Lincoln Unified is late" in written.html
    assert letter(occasion(Kind.SILENT, stories), tmp_path) == letter(occasion(Kind.SILENT, stories))


@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{% if %}", id="bad syntax"),
        pytest.param("{{ nothing_of_this_name }}", id="an unknown name"),
        pytest.param("{{ 1 / 0 }}", id="an error while it is filled in"),
        pytest.param("{% extends 'missing.j2' %}", id="another template that is not there"),
        pytest.param("{% include 'late.txt.j2' %}", id="one that never ends"),
        pytest.param("{{ name.nothing() }}", id="a call of nothing"),
        pytest.param("", id="nothing in it"),
    ],
)
def test_a_broken_template_costs_no_mail(stories: dict[str, Story], tmp_path: Path, template: str) -> None:
    """The house's own is taken instead, and what is wrong is told."""
    (tmp_path / "late.txt.j2").write_text(template)
    written = letter(occasion(Kind.LATE, stories), tmp_path)
    assert written.broken
    assert written.text == letter(occasion(Kind.LATE, stories)).text


def test_a_text_is_taken_apart_by_its_paragraphs() -> None:
    """Title, paragraph, list and facts are told apart by how they begin."""
    found = parts("Title\ngoes on\n\nWords\nand more.\n\n  * one\n    of two\n  * two\n\n    Host  x\n    Port  y\n")
    assert [(one.kind, one.lines) for one in found] == [
        ("title", ("Title goes on",)),
        ("paragraph", ("Words and more.",)),
        ("list", ("one of two", "two")),
        ("facts", ("Host  x", "Port  y")),
    ]
