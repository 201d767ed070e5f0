from __future__ import annotations

import pkgutil
import sys
from typing import TYPE_CHECKING

import pytest

from rostergate.core import catalogue, formats, holds, rules
from rostergate.core.catalogue import _modules, _unique
from rostergate.core.findings import Severity

if TYPE_CHECKING:
    from pathlib import Path


def test_every_module_below_the_packages_is_collected() -> None:
    """Each file below formats, rules and holds adds exactly one."""
    for package, found in (
        (formats, catalogue.formats()),
        (rules, catalogue.rules()),
        (holds, catalogue.holds()),
    ):
        files = [one.name for one in pkgutil.iter_modules(package.__path__) if not one.name.startswith("_")]
        assert len(found) == len(files)
        assert all(
            name == (one.code.code if package is rules else getattr(one, "code", name)) for name, one in found.items()
        )


def test_formats_are_known_by_name() -> None:
    """A format is found by the name a district's file gives."""
    assert catalogue.formats()["direct"].name == "direct"
    assert catalogue.formats()["remind-1.0"].name == "remind-1.0"


def test_auto_is_every_format() -> None:
    """A district of one format may send that one's files; one whose format is recognised those of all."""
    every = catalogue.formats()
    assert [one.name for one in catalogue.chosen("auto")] == sorted(every)
    assert catalogue.chosen("direct") == [every["direct"]]
    assert catalogue.file_names("direct") == {file.name for file in every["direct"].files}
    assert catalogue.file_names("auto") == {file.name for one in every.values() for file in one.files}


def test_codes_are_those_of_rules_and_of_modules() -> None:
    """Every code a finding can have is there, under its own name, with words for people."""
    found = catalogue.codes()
    assert {"bad-quotes", "missing-file", "header-mismatch", "spreadsheet-damage", *catalogue.rules()} <= set(found)
    assert all(name == one.code and one.title and one.next_step for name, one in found.items())
    assert {one.severity for one in found.values()} == set(Severity)


def test_modules_with_an_underscore_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What several rules share can lie beside them, in a module that is no rule."""
    package = tmp_path / "shelf"
    (package / "folder").mkdir(parents=True)
    for name in ("__init__", "_shared", "first", "folder/__init__"):
        (package / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        shelf = __import__("shelf")
        assert [module.__name__ for module in _modules(shelf)] == ["shelf.first"]
    finally:
        for name in ("shelf", "shelf.first"):
            sys.modules.pop(name, None)


def test_two_declarations_of_one_name_must_be_alike() -> None:
    """A name that means two things is a mistake in the code."""
    assert _unique([("a", 1), ("b", 2), ("a", 1)]) == {"a": 1, "b": 2}
    with pytest.raises(AssertionError, match="a is declared twice"):
        _unique([("a", 1), ("a", 2)])
