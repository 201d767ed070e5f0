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
PLACEHOLDERS = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|TBD|WIP|lorem ipsum|placeholder|not (yet )?implemented)\b|NotImplementedError",
    re.IGNORECASE,
)

TREES = {str(path.relative_to(HOUSE)): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


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
    ("path", "imported", "contract"),
    [
        ("core/policy.py", "asyncio", "The core is pure"),
        ("core/policy.py", "rostergate.errors", "Arrows point inward"),
        ("spool/folders.py", "rostergate.gate", "Arrows point inward"),
        ("desk/__init__.py", "rostergate.worker", "Arrows point inward"),
    ],
)
def test_a_planted_violation_is_caught(path: str, imported: str, contract: str, tmp_path: Path) -> None:
    """One wrong import in a copy of the package breaks the contract that is meant, and names the line."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(HOUSE, tmp_path / "daemon" / "rostergate", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "daemon" / "rostergate" / path).open("a", encoding="utf-8") as source:
        source.write(f"\nimport {imported}\n")
    told = lint_imports(tmp_path)
    assert told.returncode != 0
    assert re.search(rf"{contract}.* BROKEN", told.stdout), told.stdout
    module = ".".join(Path("rostergate", path.removesuffix("/__init__.py")).with_suffix("").parts)
    assert f"{module} -> {imported} " in told.stdout


def test_every_module_says_what_it_is() -> None:
    """Each module begins with a docstring whose first paragraph is a sentence."""
    openings = {name: (ast.get_docstring(tree) or "").split("\n\n")[0].rstrip() for name, tree in TREES.items()}
    assert [name for name, opening in openings.items() if not opening.endswith((".", ":"))] == []


def test_every_module_is_of_a_size_to_be_read() -> None:
    """No module is longer than what a reader takes in."""
    sizes = {str(path.relative_to(HOUSE)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in sizes.items() if lines > LINES_MAX} == {}


def test_every_name_has_a_subject() -> None:
    """The words that the vocabulary leaves out name no module, class or function."""
    named = [part for path in MODULES for part in path.relative_to(HOUSE).with_suffix("").parts]
    named += [
        f"{name}: {node.name}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [name for name in named if words(name.rpartition(" ")[2]) & NOT_USED] == []


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


def test_nothing_is_left_for_later() -> None:
    """No module carries the marks of unfinished work."""
    marked = [str(path.relative_to(HOUSE)) for path in MODULES if PLACEHOLDERS.search(path.read_text(encoding="utf-8"))]
    assert marked == []


def test_the_source_root_is_no_package() -> None:
    """A package called `daemon` would collide with python-daemon."""
    assert not (ROOT / "daemon" / "__init__.py").exists()


def test_the_package_can_be_typed_against() -> None:
    """The marker of a typed package is there."""
    assert (HOUSE / "py.typed").exists()


@pytest.mark.parametrize(
    "page", ["daemon/ARCHITECTURE.md", "daemon/GATE.md", "daemon/MAIL.md", "daemon/OPERATING.md", "README.md"]
)
def test_a_page_names_only_files_that_there_are(page: str) -> None:
    """A path or a module in backquotes is one of the house, of its rooms, or of the checkout."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w.-]+/)*[\w-]+\.py)`", text)) | set(re.findall(r"`((?:[\w.-]+/)+)`", text))
    named |= set(re.findall(r"\]\((?!https?:|#)([^)#]+)\)", text))
    places = [ROOT, (ROOT / page).parent, HOUSE, *(path for path in HOUSE.iterdir() if path.is_dir())]
    ours = {name for name in named if not name.startswith(("state/", "deliveries/", "reports/", "templates/"))}
    assert [name for name in sorted(ours) if not any((place / name).exists() for place in places)] == []


def test_the_plan_of_the_house_has_its_rooms() -> None:
    """Each room of the package stands on the plan, and each room on the plan is one; the plan stays a plan."""
    text = (ROOT / "daemon" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^([a-z]+)/ ", text[text.index("## Rooms") : text.index("Arrows:")], re.MULTILINE)
    assert sorted(drawn) == sorted(path.name for path in HOUSE.iterdir() if (path / "__init__.py").exists())
    assert len(text.splitlines()) <= 150
