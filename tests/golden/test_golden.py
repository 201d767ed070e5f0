from __future__ import annotations

import difflib

import pytest

from golden.cases import FOLDER, load, names, written
from rostergate.core import catalogue
from rostergate.core.diff import apply
from rostergate.core.roster import TABLES

CASES = names()


@pytest.mark.parametrize("name", CASES)
def test_a_delivery_gets_the_verdict_that_was_checked_by_hand(name: str) -> None:
    """Verdict, findings with their lines, schools, holds and totals are those of verdict.json."""
    case = load(FOLDER / name)
    expected, decided = written(case.expected()), written(case.answer())
    told = difflib.unified_diff(expected.splitlines(), decided.splitlines(), "verdict.json", "decided", lineterm="")
    if expected != decided:
        pytest.fail("\n".join([case.sentence, *told]), pytrace=False)


@pytest.mark.parametrize("name", CASES)
def test_a_delivery_that_was_applied_in_full_changes_nothing_when_it_comes_again(name: str) -> None:
    """Once every school is released and matched, the same files leave every table as it is, and nothing waits."""
    case = load(FOLDER / name)
    roster = case.before()
    first = case.delivered(roster)
    again = case.delivered(apply(roster, [plan.changes for plan in first.plans]))
    assert again.findings == first.findings
    assert [plan.school_id for plan in again.plans if plan.changes or plan.holds] == []


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_whole(name: str) -> None:
    """A case says what it shows in one sentence, and its verdict stands in the one way of writing it."""
    case = load(FOLDER / name)
    assert case.sentence.endswith(".")
    assert (case.folder / "verdict.json").read_text(encoding="utf-8") == written(case.expected())
    assert {path.name for path in case.folder.iterdir()} <= {"case.toml", "before", "waiting", "files", "verdict.json"}


def test_every_case_shows_something_else() -> None:
    """No two cases have one sentence."""
    sentences = [load(FOLDER / name).sentence for name in CASES]
    assert len(set(sentences)) == len(sentences)


def test_every_code_has_a_case() -> None:
    """Each code that a finding can have is found in some golden delivery, and each hold stops some school."""
    codes = set(catalogue.codes())
    expected = [load(FOLDER / name).expected() for name in CASES]
    found = {finding["code"] for one in expected for finding in one["findings"]}
    held = {hold for one in expected for school in one["schools"] for hold in school["holds"]}
    assert (codes - found, set(catalogue.holds()) - held) == (set(), set())


def test_every_format_has_a_case() -> None:
    """Each format is accepted in some golden delivery, and refused in another one."""
    verdicts = {(one["format"], one["verdict"]) for one in (load(FOLDER / name).expected() for name in CASES)}
    for name in catalogue.formats():
        assert {(name, "accepted"), (name, "rejected")} <= verdicts, name


def test_the_tables_are_those_of_the_roster() -> None:
    """An accepted delivery counts every table."""
    accepted = [one for one in (load(FOLDER / name).expected() for name in CASES) if one["verdict"] == "accepted"]
    assert all(list(one["totals"]) == list(TABLES) for one in accepted)
