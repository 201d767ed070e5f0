from __future__ import annotations

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rostergate.core import rules
from rostergate.core.findings import Severity

if TYPE_CHECKING:
    from types import ModuleType

    from rostergate.core.rule import Rule

NAMES = sorted(found.name for found in pkgutil.iter_modules(rules.__path__))


def rule_module(name: str) -> ModuleType:
    """Import the module of a rule."""
    return import_module(f"{rules.__name__}.{name}")


def test_there_are_rules() -> None:
    """The rules are found, so that the tests below look at something."""
    assert len(NAMES) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_says_why_it_exists(name: str) -> None:
    """A rule's module says in its docstring what it finds and why, and its check says what it yields."""
    module = rule_module(name)
    assert module.__doc__
    title, _, reason = module.__doc__.partition("\n\n")
    assert title.startswith(name.replace("_", " ").capitalize() + ": ")
    assert reason.strip()
    assert module.RULE.check.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_tells_the_district_what_to_do(name: str) -> None:
    """A rule's code is named like its file, reaches no further than its row, and has a title and a next step."""
    rule: Rule = rule_module(name).RULE
    assert rule.code.code == name.replace("_", "-")
    assert rule.code.severity in {Severity.ERROR, Severity.ALERT}
    for sentence in (rule.code.title, rule.code.next_step):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) <= 120


@pytest.mark.parametrize("name", NAMES)
def test_has_a_test_file(name: str) -> None:
    """A rule has a test file of its own, with cases that stay quiet and cases that are found."""
    path = Path(__file__).with_name(f"test_{name}.py")
    assert path.is_file(), f"{name} has no test file {path.name}"
    text = path.read_text()
    assert f"rules.{name} import RULE" in text
    assert "QUIET = [" in text
    assert "FOUND = [" in text
