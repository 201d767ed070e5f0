"""The rules of the house that a program can check: arrows, docstrings, sizes, words."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "daemon" / "rostergate"
MODULES = sorted(HOUSE.rglob("*.py"))
LINES_MAX = 400
NOT_USED = frozenset(
    {"sync", "job", "batch", "import", "item", "record", "manager", "handler", "processor", "helper", "util", "common"}
)
PLACEHOLDERS = re.compile(r"\b(TODO|FIXME|XXX|HACK|TBD|WIP|lorem ipsum|placeholder|not (yet )?implemented)\b|NotImplementedError", re.IGNORECASE)  # fmt: skip

each_module = pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(HOUSE)))


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of a checkout against the package in that checkout."""
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "daemon")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def words(name: str) -> set[str]:
    """Return the words of a name, small and in the singular."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {part.lower() for part in parts} | {part.lower().removesuffix("s") for part in parts}


def test_the_arrows_point_inward_and_the_core_is_pure() -> None:
    """The package keeps the contracts that stand in pyproject.toml."""
    told = lint_imports(ROOT)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize(
    ("path", "line", "contract", "culprit"),
    [
        ("core/policy.py", "import asyncio", "The core is pure", "rostergate.core.policy -> asyncio"),
        ("spool/folders.py", "import rostergate.gate", "Arrows point inward", "rostergate.spool.folders -> rostergate.gate"),
        ("desk/__init__.py", "import rostergate.worker", "Arrows point inward", "rostergate.desk -> rostergate.worker"),
        ("core/policy.py", "import rostergate.errors", "Arrows point inward", "rostergate.core.policy -> rostergate.errors"),
    ],
)  # fmt: skip
def test_a_planted_violation_is_caught(path: str, line: str, contract: str, culprit: str, tmp_path: Path) -> None:
    """One wrong import in a copy of the package breaks the contract that is meant, and names the line."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(HOUSE, tmp_path / "daemon" / "rostergate", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "daemon" / "rostergate" / path).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    told = lint_imports(tmp_path)
    assert told.returncode != 0
    assert re.search(rf"{contract}.* BROKEN", told.stdout), told.stdout
    assert culprit in told.stdout


@each_module
def test_a_module_says_what_it_is(module: Path) -> None:
    """Each module begins with a docstring whose first paragraph is a sentence."""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.split("\n\n")[0].rstrip().endswith((".", ":"))


@each_module
def test_a_module_is_of_a_size_to_be_read(module: Path) -> None:
    """No module is longer than what a reader takes in."""
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


@each_module
def test_a_name_has_a_subject(module: Path) -> None:
    """Words of the vocabulary's list of unused ones name no module, class or function."""
    names = {module.parent.name if module.stem == "__init__" else module.stem}
    names |= {
        node.name
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name for name in names if words(name) & NOT_USED} == set()


def test_the_unused_words_are_found_in_every_spelling() -> None:
    """The check above sees words in snake case, camel case and the plural, and not inside other words."""
    for name in (
        "sync_roster",
        "import_rows",
        "JobRunner",
        "load_items",
        "SFTPHandler",
        "utils",
        "HTTPRecord",
        "_helper",
    ):
        assert words(name) & NOT_USED, name
    for name in ("fsync", "important", "jobless", "recorded", "itemised", "community"):
        assert not words(name) & NOT_USED, name


@each_module
def test_nothing_is_left_for_later(module: Path) -> None:
    """No module carries the marks of unfinished work."""
    assert PLACEHOLDERS.search(module.read_text(encoding="utf-8")) is None


def test_the_source_root_is_no_package() -> None:
    """A package called `daemon` would collide with python-daemon."""
    assert not (ROOT / "daemon" / "__init__.py").exists()


def test_the_package_can_be_typed_against() -> None:
    """The marker of a typed package is there."""
    assert (HOUSE / "py.typed").exists()
